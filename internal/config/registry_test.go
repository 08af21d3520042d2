package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultsAreAllowed(t *testing.T) {
	s := newSettings(&tree{})
	for _, o := range Table() {
		if o.Status != Used {
			continue
		}
		v, err := s.value(&o, "dir")
		require.NoError(t, err, o.Name)
		require.NoError(t, o.validate(v), "[%s] %s = %s", o.Section, o.Name, v)
	}
}

func TestRowsAreComplete(t *testing.T) {
	for _, o := range Table() {
		require.NotEmpty(t, o.Help, o.Name)
		require.NotContains(t, o.Help, "|", "%s: would break the table in the docs", o.Name)
		require.Equal(t, o.Kind == Choice, len(o.Choices) > 0 && o.Kind != List, o.Name)
		if o.Kind == Duration {
			require.Contains(t, units, o.Unit, o.Name)
		}
		for _, d := range o.Drivers {
			require.Contains(t, driverNames, d, o.Name)
		}
	}
}

// "Used" is a promise: Load reads each such option into the Config.
func TestEveryUsedOptionIsRead(t *testing.T) {
	var text strings.Builder
	text.WriteString("[DEFAULT]\nenabled_backends = " + strings.Join(driverNames, ",") + "\n")
	for _, d := range driverNames {
		text.WriteString("[" + d + "]\nvolume_driver = clinker.drivers." + d + "\n")
	}
	tr, problems := readINI(strings.NewReader(text.String()), "f")
	require.NoError(t, problems.err())
	_, seen := newSettings(tr).decodeSeen()
	for _, o := range Table() {
		if o.Status == Used {
			require.True(t, seen[optionKey{o.Section, o.Name}], "[%s] %s", o.Section, o.Name)
		}
	}
}

func TestPasswordsAreSecret(t *testing.T) {
	for _, o := range Table() {
		if strings.Contains(o.Name, "password") || strings.Contains(o.Name, "secret_key") || o.Name == "connection" || o.Name == "transport_url" {
			require.NotEqual(t, open, o.secret, "[%s] %s", o.Section, o.Name)
		}
	}
}

func TestTwoRowsForOneNameAreRefused(t *testing.T) {
	require.Panics(t, func() {
		newTable(in("x", opt("a", Int, "1", "help"), opt("b", Int, "1", "help", alias("a"))))
	})
	require.Panics(t, func() { registry.must(defaultSection, "no_such_option") })
}
