package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The JSON was recorded from oslo.config 9.0.0's own parser.
func TestReadsAsOsloDoes(t *testing.T) {
	raw, err := os.ReadFile("testdata/oslo-9.0.0.json")
	require.NoError(t, err)
	var want map[string]map[string][]string
	require.NoError(t, json.Unmarshal(raw, &want))

	f, err := os.Open("testdata/oslo-9.0.0.conf")
	require.NoError(t, err)
	defer f.Close()
	tr, problems := readINI(f, "oslo.conf")
	require.NoError(t, problems.err())

	got := map[string]map[string][]string{}
	for _, s := range tr.sections {
		values := map[string][]string{}
		for _, e := range s.entries {
			values[e.key] = append(values[e.key], e.value)
		}
		got[normal(s.name)] = values
	}
	require.Equal(t, want, got)
}

func TestReadINIForms(t *testing.T) {
	for name, text := range map[string]string{
		"line feeds":       "[DEFAULT]\nhost = a\n",
		"no end of line":   "[DEFAULT]\nhost = a",
		"carriage returns": "[DEFAULT]\r\nhost = a\r\n",
		"byte order mark":  "\ufeff[DEFAULT]\nhost = a\n",
		"trailing blanks":  "[DEFAULT]  \nhost = a \t\n",
		"last one counts":  "[DEFAULT]\nhost = b\nhost = a\n",
	} {
		t.Run(name, func(t *testing.T) {
			tr, problems := readINI(strings.NewReader(text), "f")
			require.NoError(t, problems.err())
			e, ok := tr.find(defaultSection).last("host")
			require.True(t, ok)
			require.Equal(t, "a", e.value)
		})
	}
}

// oslo.config 9.0.0 refuses the first six too, and stops at the first; here all
// are told.
func TestReadINIBrokenLines(t *testing.T) {
	for text, want := range map[string]string{
		"host = a\n":                "f:1: host stands before the first section; put [DEFAULT] above it",
		"[DEFAULT\n":                "f:1: section heading must end with ]",
		"[]\n":                      "f:1: section heading has no name",
		"[DEFAULT]\nword\n":         "f:2: neither section, comment nor assignment; want name = value",
		"[DEFAULT]\n= 1\n":          "f:2: assignment has no name before =",
		"[DEFAULT]\n : 1\n":         "f:2: indented line continues no value; take the blanks before it away",
		"[DEFAULT]\nhost = \xff\n":  "f:2: not UTF-8 text",
		"[DEFAULT]\nhost = a\x00\n": "f:2: not UTF-8 text",
		"word\n[DEFAULT\n":          "f:1: neither section, comment nor assignment; want name = value\nf:2: section heading must end with ]",
	} {
		t.Run(text, func(t *testing.T) {
			_, problems := readINI(strings.NewReader(text), "f")
			require.EqualError(t, problems.err(), want)
		})
	}
}

func TestReadINIRefusesHugeFiles(t *testing.T) {
	_, err := Parse(strings.NewReader(strings.Repeat("#\n", maxFileSize)), "/dev/zero")
	require.EqualError(t, err, "/dev/zero: larger than 4 MiB: not a configuration file")
}

// gopkg.in/ini.v1 and its like give [lvm.2] the keys of [lvm]; a back end's name
// may hold a dot.
func TestSectionsDoNotInherit(t *testing.T) {
	c, err := Parse(strings.NewReader("[DEFAULT]\nenabled_backends=lvm,lvm.2\n[lvm]\nvolume_group=one\n[lvm.2]\nvolume_driver=lvm\n"), "f")
	require.NoError(t, err)
	require.Equal(t, "one", c.Backends[0].Options["volume_group"])
	require.Equal(t, "cinder-volumes", c.Backends[1].Options["volume_group"])
}
