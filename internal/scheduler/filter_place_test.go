package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlaceFilters(t *testing.T) {
	hint := func(places ...string) VolumeHint { return VolumeHint{Volumes: []string{"some-id"}, Places: places} }
	for name, tc := range map[string]struct {
		filter string
		req    Request
		want   string
	}{
		"different: no hint":     {"DifferentBackendFilter", Request{}, ""},
		"different: same pool":   {"DifferentBackendFilter", Request{Hints: Hints{DifferentHost: hint("x@y#z", "n@b#p")}}, "holds a volume named in hint different_host"},
		"different: backend":     {"DifferentBackendFilter", Request{Hints: Hints{DifferentHost: hint("n@b")}}, "holds a volume"},
		"different: other pool":  {"DifferentBackendFilter", Request{Hints: Hints{DifferentHost: hint("n@b#q")}}, ""},
		"different: none exists": {"DifferentBackendFilter", Request{Hints: Hints{DifferentHost: hint()}}, ""},
		"same: no hint":          {"SameBackendFilter", Request{}, ""},
		"same: is there":         {"SameBackendFilter", Request{Hints: Hints{SameHost: hint("x@y#z", "n@b#p")}}, ""},
		"same: elsewhere":        {"SameBackendFilter", Request{Hints: Hints{SameHost: hint("x@y#z")}}, "holds no volume named in hint same_host"},
		"same: none exists":      {"SameBackendFilter", Request{Hints: Hints{SameHost: hint()}}, "no volume named in hint same_host exists"},
		"attempted: none":        {"IgnoreAttemptedHostsFilter", Request{}, ""},
		"attempted: pool":        {"IgnoreAttemptedHostsFilter", Request{Attempted: []string{"n@b#p"}}, "was tried already and failed"},
		"attempted: backend":     {"IgnoreAttemptedHostsFilter", Request{Attempted: []string{"n@b"}}, "was tried already and failed"},
		"attempted: other":       {"IgnoreAttemptedHostsFilter", Request{Attempted: []string{"n@c#p"}}, ""},
		"local: no hint":         {"InstanceLocalityFilter", Request{}, ""},
		"local: is":              {"InstanceLocalityFilter", Request{Hints: Hints{LocalToInstance: "vm1", InstanceHost: "n"}}, ""},
		"local: is not":          {"InstanceLocalityFilter", Request{Hints: Hints{LocalToInstance: "vm1", InstanceHost: "m"}}, "not on the host of server vm1 (which is m)"},
		"local: unknown":         {"InstanceLocalityFilter", Request{Hints: Hints{LocalToInstance: "vm1"}}, "hint local_to_instance cannot be followed: the host of server vm1 is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			got := placeOne(t, tc.filter, tc.req, thick("n@b#p"))
			if tc.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, tc.want)
			}
		})
	}
}

func TestZoneFilter(t *testing.T) {
	reskey := func(zones string) map[string]string { return map[string]string{"RESKEY:availability_zones": zones} }
	for name, tc := range map[string]struct {
		req  Request
		zone string
		want string
	}{
		"any":              {Request{}, "az1", ""},
		"asked":            {Request{AvailabilityZones: []string{"az1"}}, "az1", ""},
		"one of":           {Request{AvailabilityZones: []string{"az2", "az1"}}, "az1", ""},
		"not asked":        {Request{AvailabilityZones: []string{"az2", "az3"}}, "az1", "not in availability zone az2 or az3 (in zone az1)"},
		"pool has none":    {Request{AvailabilityZones: []string{"az2"}}, "", "(in no zone)"},
		"type allows":      {Request{ExtraSpecs: reskey("az2, az1")}, "az1", ""},
		"type allows not":  {Request{ExtraSpecs: reskey("az2,az3")}, "az1", "the volume type is only for availability zone az2 or az3 (in zone az1)"},
		"empty type list":  {Request{ExtraSpecs: reskey(" , ")}, "az1", ""},
		"both":             {Request{AvailabilityZones: []string{"az1"}, ExtraSpecs: reskey("az1")}, "az1", ""},
		"asked, type not":  {Request{AvailabilityZones: []string{"az1"}, ExtraSpecs: reskey("az2")}, "az1", "the volume type is only for"},
		"case is kept":     {Request{AvailabilityZones: []string{"AZ1"}}, "az1", "not in availability zone AZ1"},
		"type, not asked":  {Request{AvailabilityZones: []string{"az2"}, ExtraSpecs: reskey("az1")}, "az1", "not in availability zone az2"},
		"no part of names": {Request{AvailabilityZones: []string{"az"}}, "az1", "not in availability zone az"},
	} {
		t.Run(name, func(t *testing.T) {
			got := placeOne(t, "AvailabilityZoneFilter", tc.req, with(thick("n@b#p"), func(p *Pool) { p.AvailabilityZone = tc.zone }))
			if tc.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, tc.want)
			}
		})
	}
}
