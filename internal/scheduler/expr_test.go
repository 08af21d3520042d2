package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func evaluate(t testing.TB, source string) (any, error) {
	t.Helper()
	p := thick("n@b#p")
	p.Volumes = 7
	p.Capabilities = map[string]any{"tier": "gold", "ssd": true, "io_2": "12", "nest": map[string]any{"x": 3}, "tags": []any{}}
	req := Request{
		SizeGiB: 10, ExtraSpecs: map[string]string{"iops": "500", "kind": "fast"},
		QoS: map[string]string{"maxBWS": "5"}, Volume: map[string]any{"name": "db", "metadata": map[string]any{"a": "1"}},
	}
	return newFunctions(&req).evaluate(source, &p)
}

func TestExpressions(t *testing.T) {
	for source, want := range map[string]any{
		"1 + 2 * 3": 7.0, "(1 + 2) * 3": 9.0, "10 - 2 - 3": 5.0, "12 / 4 / 3": 1.0, "2 ^ 3 ^ 2": 512.0, "-2 ^ 2": -4.0, "2 ^ -1": 0.5,
		"- -3": 3.0, "+3": 3.0, "2.5*2": 5.0, "7/2": 3.5, "true + 1": 2.0, "'text'": "text", `"it's"`: "it's", "gold": "gold",

		"1 < 2": true, "2 <= 2": true, "3 > 4": false, "4 >= 4": true, "1 == 1.0": true, "1 != 1": false, "1 <> 2": true,
		"1 < 2 < 3": true, "1 < 3 < 2": false, "3 > 2 == 2": true, "'a' < 'b'": true, "'a' == 'a'": true, "'a' == 1": false, "'a' != 1": true,
		"'5' == 5": true, "true == 1": true, "True != false": true, "'a' <> 1": true,

		"true and false": false, "true or false": true, "TRUE AND 0": 0.0, "1 && 2": 2.0, "0 || 3": 3.0, "1 & 0": 0.0, "0 | 1": 1.0,
		"false or false and true": false, "true or true and false": true, "0 OR 0": 0.0,
		"not true": false, "not not 1": true, "!0": true, "NOT 0 == 2": false, "not (0 == 2)": true, "not 1 + -1": true,

		"1 ? 2 : 3": 2.0, "0 ? 2 : 3": 3.0, "1 < 2 ? 10 : 20": 10.0, "0 ? 1 : 0 ? 2 : 3": 3.0, "1 ? 0 ? 4 : 5 : 6": 5.0,
		"false and true ? 1 : 2": false, "1 ? 2 : 1/0": 2.0,

		"abs(-3)": 3.0, "max(1, 5, 3)": 5.0, "min(4, 2)": 2.0, "max(1)": 1.0, "max(1, min(9, 7)) * 2": 14.0,

		"capabilities.total_volumes < 10": true, "capabilities.tier == 'gold'": true, "capabilities.tier == gold": true, "capabilities.ssd": true,
		"capabilities.io_2 + 1": 13.0, "capabilities.nest.x": 3, "stats.free_capacity_gb / stats.total_capacity_gb": 0.5, "stats.host == 'n@b#p'": true,
		"volume.size * 2": 20.0, "volume.name == 'db'": true, "volume.metadata.a + 1": 2.0,
		"extra.iops >= 500": true, "extra.kind == 'fast'": true, "qos.maxBWS": 5.0, "!capabilities.tags": true,
		"(stats.total_capacity_gb < 500) and (volume.size < 10 or extra.iops > 1)": true,
	} {
		got, err := evaluate(t, source)
		require.NoError(t, err, source)
		if n, ok := plainNumber(got); ok {
			got = n
		}
		if n, ok := plainNumber(want); ok {
			want = n
		}
		require.Equal(t, want, got, source)
	}
}

func TestExpressionErrors(t *testing.T) {
	for source, want := range map[string]string{
		"": "ends too early", "1 +": "ends too early", "(1": `")" wanted`, "1)": `unexpected ")"`, "1 2": `unexpected "2"`, "* 2": `unexpected "*"`,
		"1 ? 2": `":" wanted`, "1 ?": "ends too early", "1 ? 2 :": "ends too early", "1 < ": "ends too early", "not": "ends too early", "-": "ends too early", "2 ^": "ends too early",
		"'abc": "without a closing", "1 # 2": `unexpected '#'`, "é": `unexpected 'é'`, "1.2.3": "is no number", "max()": `unexpected ")"`, "max(1": `")" wanted`,
		"abs(1, 2)": "takes one number, not 2", "sqrt(4)": "unknown function sqrt", "os.system": "must be in one of", "max(1,": "ends too early",
		"1 / 0": "has no result", "0 / 0": "has no result", "10 ^ 999": "has no result", "'a' + 1": `cannot calculate "a" + 1`, "abs('x')": "abs needs numbers",
		"'a' < 1": `cannot tell whether "a" < 1`, "total_volumes < 10": "cannot tell whether",
		"capabilities.none": "capabilities.none is not known", "extra.none == 1": "is not known", "volume.none.deep": "is not known", "qos.none": "is not known", "volume.": "is not known",
		"true or capabilities.none": "is not known", "false and 1/0": "has no result", "capabilities.none + 1": "is not known", "not capabilities.none": "is not known",
		"capabilities.none ? 1 : 2": "is not known", "1 < capabilities.none": "is not known", "max(capabilities.none)": "is not known",
		strings.Repeat("(", 300) + "1": "nested too deep", strings.Repeat("-", 500) + "1": "nested too deep", strings.Repeat("!", 500) + "1": "nested too deep",
		strings.Repeat("1?1:", 500) + "1": "nested too deep", strings.Repeat(" ", 5000) + "1": "longer than 4096",
	} {
		_, err := evaluate(t, source)
		require.ErrorContains(t, err, want, source)
	}
}

func TestDriverFilter(t *testing.T) {
	full := func(p *Pool) { p.Volumes = 10 }
	for name, tc := range map[string]struct {
		pool func(*Pool)
		want string
	}{
		"no function": {func(*Pool) {}, ""},
		"holds":       {func(p *Pool) { p.FilterFunction = "capabilities.total_volumes < 10" }, ""},
		"number":      {func(p *Pool) { p.FilterFunction = "3" }, ""},
		"holds not":   {func(p *Pool) { full(p); p.FilterFunction = "capabilities.total_volumes < 10" }, "filter_function does not hold (capabilities.total_volumes < 10)"},
		"zero":        {func(p *Pool) { p.FilterFunction = "volume.size - 1" }, "filter_function does not hold"},
		"fails":       {func(p *Pool) { p.FilterFunction = "volume.nmae == 1" }, "filter_function fails (volume.nmae is not known: volume.nmae == 1)"},
		"no grammar":  {func(p *Pool) { p.FilterFunction = "1 <" }, "filter_function fails (expression ends too early: 1 <)"},
		"reported":    {func(p *Pool) { full(p); p.Capabilities["filter_function"] = "stats.total_volumes < 10" }, "does not hold"},
		"reported no": {func(p *Pool) { p.Capabilities["filter_function"] = nil }, ""},
		"ours first":  {func(p *Pool) { p.Capabilities["filter_function"] = "0"; p.FilterFunction = "1" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := placeOne(t, "DriverFilter", Request{SizeGiB: 1}, with(thick("n@b#p"), func(p *Pool) {
				p.Capabilities = map[string]any{}
				tc.pool(p)
			}))
			if tc.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, tc.want)
			}
		})
	}
}

func FuzzExpr(f *testing.F) {
	for _, s := range []string{
		"capabilities.total_volumes < 10", "1 ? 2 : 3", "max(1, -2) ^ 2", "not (a and 'b')", "extra.iops >= 500 || volume.size <> 3", "((1", "1.5.", "a.b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		got, err := evaluate(t, source)
		if err != nil {
			return
		}
		if again, err := evaluate(t, "("+source+")"); len(source) < 4000 && (err != nil || text(again) != text(got)) && !strings.Contains(fmt.Sprint(err), "deep") {
			t.Errorf("%q is %v, in brackets %v (%v)", source, got, again, err)
		}
	})
}
