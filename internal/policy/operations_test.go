package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded are Cinder's operations with their defaults.
func recorded(t *testing.T) map[string]string {
	raw, err := os.ReadFile("testdata/cinder-ab09bc39.txt")
	require.NoError(t, err)
	all := make(map[string]string)
	for line := range strings.Lines(string(raw)) {
		if name, rule, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			all[name] = rule
		}
	}
	require.Len(t, all, 167)
	return all
}

func TestTableIsCinders(t *testing.T) {
	theirs := recorded(t)
	for _, o := range Table() {
		rule, ok := theirs[o.Name]
		require.NotEqual(t, ok, o.Own, "%s: Own says that Cinder has no such name", o.Name)
		if ok {
			require.Equal(t, rule, o.Default, o.Name)
		}
		delete(theirs, o.Name)
	}
	for name := range theirs {
		require.Contains(t, oldNames, name, "Cinder knows %s", name)
	}
}

func TestTableIsReadable(t *testing.T) {
	name := regexp.MustCompile(`^[a-zA-Z_]+(:[a-zA-Z_-]+){0,2}$`)
	for _, o := range Table() {
		require.Regexp(t, name, o.Name)
		require.NotEmpty(t, o.Help, o.Name)
		require.NotContains(t, o.Help, "|", o.Name)
		require.False(t, strings.HasSuffix(o.Help, "."), o.Name)
		require.Equal(t, !o.Base, Known(o.Name))
	}
	require.False(t, Known("volume:creat"))
	for old, names := range oldNames {
		require.False(t, Known(old), old)
		for _, n := range names {
			require.True(t, Known(n), n)
		}
	}
}
