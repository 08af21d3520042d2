package scheduler

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpecOperators(t *testing.T) {
	type list = []any
	for _, tc := range []struct {
		spec string
		have any
		want bool
	}{
		{"lvm", "lvm", true},
		{"lvm", "LVM", false},
		{"lvm", " lvm", false},
		{"a b", "a b", true},
		{"a  b", "a b", false},
		{"", "", true},
		{"", "x", false},
		{"5", 5.0, false},
		{"True", true, false},
		{"<not> x", "<not> x", true},
		{"> 5", 6, false},

		{"= 10", 10, true},
		{"= 10", 11.5, true},
		{"= 10", 9, false},
		{"= 10", "12", true},
		{"= 10", "x", false},
		{"= x", 10, false},
		{"= 0.5", true, true},
		{"=", 10, false},
		{"=10", 10, false},
		{"= 10 99", 10, true},
		{"= 10", "infinite", false},
		{"= 10", int64(10), true},
		{"= 10", uint64(10), true},
		{"= 10", int32(10), true},
		{"= 10", float32(10), true},
		{"= 10", json.Number("10"), true},
		{"= 10", json.Number("ten"), false},
		{"= 1", math.NaN(), false},
		{"= nan", 1, false},
		{"== 10", 10, true},
		{"== 10", "10.0", true},
		{"== 10", 10.1, false},
		{"== 10", " 10 ", true},
		{"==", 10, false},
		{"!= 10", 10, false},
		{"!= 10", 11, true},
		{"!= 10", "x", false},
		{">= 10", 10, true},
		{">= 10", 9.99, false},
		{"<= 10", 10, true},
		{"<= 10", 10.01, false},
		{"<= -1", -2, true},
		{"== 1e3", 1000, true},
		{">= 10", nil, false},
		{">= 1", map[string]any{}, false},

		{"s== a", "a", true},
		{"s== a", "b", false},
		{"s== a b", "a", true},
		{"s== 5", 5, false},
		{"s==", "", false},
		{"s!= a", "b", true},
		{"s!= a", "a", false},
		{"s!= a", 5, false},
		{"s< b", "a", true},
		{"s< b", "b", false},
		{"s<= b", "b", true},
		{"s<= b", "c", false},
		{"s> b", "c", true},
		{"s> b", "b", false},
		{"s>= b", "b", true},
		{"s>= b", "a", false},
		{"s< 9", "10", true},
		{"s> A", "a", true},

		{"<in> iSC", "iSCSI", true},
		{"<in> FC", "iSCSI", false},
		{"<in> gold", list{"silver", "gold"}, true},
		{"<in> gold", list{"goldfish"}, true},
		{"<in> gold", list{}, false},
		{"<in> 1", 11, false},
		{"<in>", "x", false},
		{"<in> a", []string{"b", "a"}, true},

		{"<all-in> a b", list{"b", "c", "a"}, true},
		{"<all-in> a d", list{"a"}, false},
		{"<all-in> a b", "ab", true},
		{"<all-in> a c", "ab", false},
		{"<all-in>", list{"a"}, false},
		{"<all-in> 1", 1, false},
		{"<all-in> a", []string{"a"}, true},

		{"<is> True", true, true},
		{"<is> true", "yes", true},
		{"<is> True", 1.0, true},
		{"<is> True", "On", true},
		{"<is> True", false, false},
		{"<is> False", false, true},
		{"<is> False", "nonsense", true},
		{"<is> False", 0, true},
		{"<is> True", 2, false},
		{"<is>", true, false},
		{"<is> t", " Y ", true},

		{"<or> a <or> b", "b", true},
		{"<or> a <or> b", "a", true},
		{"<or> a <or> b", "c", false},
		{"<or> a", "a", true},
		{"<or>", "a", false},
		{"<or> a b", "b", false},
		{"<or> a <or>", "<or>", false},
		{"<or> 5", 5, false},
		{"<or> a <or> b", list{"x", "b"}, true},

		{"lvm", list{"x", "lvm"}, true},
		{"lvm", list{}, false},
		{">= 5", list{1, 7}, true},
		{"lvm", list{list{"lvm"}}, true},
		{"<is> True", list{false, true}, true},
		{"s!= a", list{"a", "b"}, true},
	} {
		require.Equal(t, tc.want, parseSpec(tc.spec).matches(tc.have), "%q against %#v", tc.spec, tc.have)
	}
}

func TestCapabilitiesFilter(t *testing.T) {
	p := thick("n@b#p")
	p.Capabilities = map[string]any{
		"volume_backend_name": "lvm", "multiattach": true, "storage_protocol": []any{"iSCSI", "iscsi"}, "ports": 4.0,
		"tiers": map[string]any{"gold": map[string]any{"iops": 500.0}}, "nothing": nil,
	}
	for name, tc := range map[string]struct {
		specs map[string]string
		want  string
	}{
		"none":                {nil, ""},
		"plain":               {map[string]string{"volume_backend_name": "lvm"}, ""},
		"other":               {map[string]string{"volume_backend_name": "GFS"}, `extra spec volume_backend_name="GFS" is not met (has lvm)`},
		"scope":               {map[string]string{"capabilities:volume_backend_name": "lvm"}, ""},
		"scope fails":         {map[string]string{"capabilities:volume_backend_name": "x"}, `extra spec capabilities:volume_backend_name="x" is not met (has lvm)`},
		"other scopes":        {map[string]string{"RESKEY:availability_zones": "x", "provisioning:type": "thin", "vendor:a:b": "c"}, ""},
		"multiattach":         {map[string]string{"multiattach": "<is> True"}, ""},
		"missing":             {map[string]string{"compression": "<is> False"}, `extra spec compression="<is> False" is not met (capability is not reported)`},
		"missing, not equal":  {map[string]string{"compression": "s!= x"}, "not reported"},
		"null":                {map[string]string{"nothing": ""}, "not reported"},
		"nested":              {map[string]string{"capabilities:tiers:gold:iops": ">= 500"}, ""},
		"nested fails":        {map[string]string{"capabilities:tiers:gold:iops": ">= 501"}, "(has 500)"},
		"nested missing":      {map[string]string{"capabilities:tiers:tin:iops": ">= 1"}, "not reported"},
		"below a text":        {map[string]string{"capabilities:volume_backend_name:x": "lvm"}, "not reported"},
		"a map is no text":    {map[string]string{"tiers": "gold"}, `has {"gold":{"iops":500}}`},
		"list":                {map[string]string{"storage_protocol": "iSCSI"}, ""},
		"bare scope":          {map[string]string{"capabilities": "x"}, "not reported"},
		"scope without key":   {map[string]string{"capabilities:": "x"}, "not reported"},
		"our own figures":     {map[string]string{"free_capacity_gb": ">= 50"}, ""},
		"boolean advice":      {map[string]string{"multiattach": "True"}, `has True, a boolean: write "<is> True"`},
		"number advice":       {map[string]string{"ports": "<or> 4 <or> 8"}, `has 4, a number: write "== 4"`},
		"first broken by key": {map[string]string{"b": "1", "a": "1", "c": "1"}, `extra spec a="1"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := placeOne(t, "CapabilitiesFilter", Request{SizeGiB: 1, ExtraSpecs: tc.specs}, p)
			if tc.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, tc.want)
			}
		})
	}
}

func TestOnlineExtend(t *testing.T) {
	cannot := thick("n@b#p")
	cannot.Capabilities = map[string]any{"online_extend_support": false}
	inUse := Request{SizeGiB: 2, OldSizeGiB: 1, Attached: true}
	require.Equal(t, "cannot extend a volume that is in use (online_extend_support is False)", placeOne(t, "CapabilitiesFilter", inUse, cannot))
	require.Empty(t, placeOne(t, "CapabilitiesFilter", inUse, thick("n@b#p")), "not reported means it can")
	require.Empty(t, placeOne(t, "CapabilitiesFilter", Request{SizeGiB: 2, OldSizeGiB: 1}, cannot))
	require.Empty(t, placeOne(t, "CapabilitiesFilter", Request{SizeGiB: 2, Attached: true}, cannot), "no extend")
}

func FuzzSpec(f *testing.F) {
	for _, s := range []string{"", "lvm", "= 5", "s== a", "<or> a <or> b", "<in>", "<all-in> a b", "<is> True", "<or>", "!= x"} {
		f.Add(s, "a", 5.0)
	}
	f.Fuzz(func(t *testing.T, raw, str string, num float64) {
		s := parseSpec(raw)
		one := s.matches(str)
		if s.op == "" && one != (raw == str) {
			t.Errorf("without an operator %q must match itself only, not %q", raw, str)
		}
		if s.op != "<all-in>" && s.matches([]any{str, num}) != (one || s.matches(num)) {
			t.Errorf("%q: a list matches when an element does", raw)
		}
		if s.op != "" && len(s.words) == 0 && one {
			t.Errorf("%q has no operand and matches", raw)
		}
		s.matches(map[string]any{str: num})
		s.matches(nil)
	})
}
