package v3

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferenceText(t *testing.T) {
	for text, want := range map[string]string{
		"lv01":                                  "lv01",
		"7":                                     "7",
		`{"source-name": "lv01"}`:               "lv01",
		`{'source-name': 'a b'}`:                "a b",
		`{u'source-id': u'7'}`:                  "7",
		`{"source-name":"n", "source-id": "7"}`: "n",
		"10.0.0.1:/share/file":                  "10.0.0.1:/share/file",
		`{"name": "x"}`:                         "",
		`{"source-name": 5}`:                    "",
		`{}`:                                    "",
		"":                                      "",
		strings.Repeat("x", maxReference+1):     "",
	} {
		got, err := referenceText(text)
		require.Equal(t, want, got, text)
		require.Equal(t, want == "", err != nil, text)
	}
}

func TestReference(t *testing.T) {
	for body, want := range map[string]string{
		`{"ref":"lv01"}`: "lv01", `{"ref":"7"}`: "7", `{"ref":{"source-id":"7"}}`: "7", `{"ref":7}`: "", `{"ref":["a"]}`: "", `{"ref":true}`: "",
		`{"ref":null}`: "", `{"ref":""}`: "", `{}`: "",
	} {
		f := fields(t, body)
		require.Equal(t, want, f.reference("ref"), body)
		require.Equal(t, want == "", f.End(true) != nil, body)
	}
}
