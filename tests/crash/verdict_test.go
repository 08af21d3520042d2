package crash

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

func TestVerdict(t *testing.T) {
	row := func(status string) []harness.Volume { return []harness.Volume{{ID: "v", Status: status}} }
	for name, c := range map[string]struct {
		fates map[string]fate
		rows  []harness.Volume
		why   string
		want  []string
	}{
		"nothing":              {},
		"made":                 {fates: map[string]fate{"v": exists}, rows: row("available")},
		"deleted":              {fates: map[string]fate{"v": gone}},
		"delete under way":     {fates: map[string]fate{"v": deleting}},
		"delete never arrived": {fates: map[string]fate{"v": deleting}, rows: row("available")},
		"error with a reason":  {fates: map[string]fate{"v": exists}, rows: row("error"), why: "disk full"},
		"error without": {
			fates: map[string]fate{"v": exists}, rows: row("error"), want: []string{"volume v is error, and nothing says why"},
		},
		"stuck":    {fates: map[string]fate{"v": exists}, rows: row("creating"), want: []string{"volume v is stuck creating"}},
		"orphan":   {rows: row("available"), want: []string{"volume v (available) is there, and no client was told of it"}},
		"lost":     {fates: map[string]fate{"v": exists}, want: []string{"volume v is not there, and its create was accepted"}},
		"lingers":  {fates: map[string]fate{"v": gone}, rows: row("available"), want: []string{"volume v is available, and its delete was accepted"}},
		"deleting": {fates: map[string]fate{"v": gone}, rows: row("deleting"), want: []string{"volume v is stuck deleting"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, verdict(c.fates, c.rows, func(harness.Volume) string { return c.why }))
		})
	}
}

func TestLedger(t *testing.T) {
	var l ledger
	require.Empty(t, l.take("p", 7), "nothing to delete yet")
	require.NoError(t, l.told("p", "a"))
	require.NoError(t, l.told("p", "b"))
	require.Error(t, l.told("q", "a"), "one volume for two keys")
	require.Empty(t, l.take("q", 1))
	require.Equal(t, "b", l.take("p", 3))
	require.Equal(t, "a", l.take("p", 3), "never the same twice")
	l.deleted("b")
	told, deleted := l.counts()
	require.Equal(t, []int{2, 1}, []int{told, deleted})
	require.Equal(t, map[string]fate{"a": deleting, "b": gone}, l.fates)
}
