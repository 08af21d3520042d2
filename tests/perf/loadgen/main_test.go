package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/perf/load/loadtest"
)

// output runs the program against a server and reads what it prints.
func output(t *testing.T, s *loadtest.Server, args ...string) map[string]any {
	t.Helper()
	var out, errs bytes.Buffer
	all := append([]string{"-base", s.URL, "-project", loadtest.Project, "-H", "X-Auth-Token: t"}, args...)
	require.Zero(t, run(t.Context(), all, &out, &errs), errs.String())
	var got map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, args[0], got["cmd"])
	return got
}

func TestCommands(t *testing.T) {
	s := loadtest.New(t)
	s.Delay = 5 * time.Millisecond
	id := s.Put("old", "available")
	for _, c := range []struct{ args, field, want string }{
		{"latency -n 3", "failed", "0"},
		{"create -n 10 -c 4 -prefix x-", "final", `{"available":10}`},
		{"create -n 2 -prefix y- -nowait", "accepted", "2"},
		{"counts -prefix x-", "counts", `{"available":10}`},
		{"list -n 2", "volumes", "16"},
		{"get -d 10ms -id " + id, "bad", "0"},
		{"delete -n 4 -c 2 -prefix x-", "left", `{"available":6}`},
		{"delete -n 0 -prefix x-", "errors", `{}`},
		{"wait -id " + id, "status", `"available"`},
		{"wait -id nobody -until gone", "status", `"gone"`},
		{"wait -max 5ms -until error -id " + id, "timeout", "true"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got, err := json.Marshal(output(t, s, strings.Fields(c.args)...)[c.field])
			require.NoError(t, err)
			require.JSONEq(t, c.want, string(got))
		})
	}
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range []string{"", "dance", "get", "create -n x", "-H nonsense create", "-none create"} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, run(t.Context(), strings.Fields(args), &out, &errs), args)
		require.NotEmpty(t, errs.String(), args)
	}
}

func TestServerAway(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"-base", "http://127.0.0.1:1/v3", "counts"}, &out, &errs))
	require.Contains(t, errs.String(), "loadgen:")
	require.Empty(t, out.String())
}
