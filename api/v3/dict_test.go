package v3

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseDict(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{}`:                          {},
		`{"a":"b"}`:                   {"a": "b"},
		`{'a': 'b'}`:                  {"a": "b"},
		` {'a': 'b', } `:              {"a": "b"},
		`{u'a': u'b', 'c':"it's"}`:    {"a": "b", "c": "it's"},
		`{'a': 'it\'s', 'b\\': '{}'}`: {"a": "it's", `b\`: "{}"},
		`{'ä': ','}`:                  {"ä": ","},
	} {
		got, err := parseDict(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "null", "[]", "{", "{'a'}", "{'a':}", "{'a':1}", "{'a':'b'", "{'a':'b'}x", "{'a':'b' 'c':'d'}", "{'a':'b", `{'a':'b\`, `{"a":1}`} {
		_, err := parseDict(text)
		require.Error(t, err, text)
	}
}

func FuzzParseDict(f *testing.F) {
	f.Add(`{u'a': "b"}`)
	f.Add(`{'a`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseDict(text)
		require.True(t, err != nil || m != nil)
	})
}
