package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		events                  string
		passed, failed, skipped int
		says                    []string
		silent                  string
	}{
		"all pass": {
			events: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.25}`,
			passed: 2, says: []string{"ok    p 1.2 s, 2 tests"}, silent: "chatter",
		},
		"a failure shows its output": {
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: want 1, have 2\n"}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":0.5}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}`,
			passed: 1, failed: 1, says: []string{"FAIL  p TestA (0.5 s)", "want 1, have 2", "1 of 2 tests"},
		},
		"a failed package shows what it said outside of its tests": {
			events: `{"Action":"output","Package":"p","Output":"goroutine 7 [running]:\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`,
			failed: 1, says: []string{"1 of 1 tests", "goroutine 7 [running]:"}, silent: "FAIL\tp",
		},
		"a skip shows its reason": {
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: no reflinks here\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			skipped: 1, says: []string{"skip  p TestA: a_test.go:3: no reflinks here"},
		},
		"what does not build counts as a failure": {
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			failed: 1, says: []string{"a.go:1: undefined: x", "[build failed]"},
		},
		"no tests": {events: `{"Action":"skip","Package":"p"}`},
		"cut off":  {events: `{"Action":"start","Package":"p"}`, failed: 1, says: []string{"p was cut off"}},
		"not json": {events: "go: no such package\n", says: []string{"go: no such package"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			require.NoError(t, r.read(strings.NewReader(tc.events)))
			require.Equal(t, []int{tc.passed, tc.failed, tc.skipped}, []int{r.passed, r.failed, r.skipped})
			for _, s := range tc.says {
				require.Contains(t, out.String(), s)
			}
			if tc.silent != "" {
				require.NotContains(t, out.String(), tc.silent)
			}
		})
	}
}
