package v3

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func fields(t *testing.T, text string) *Fields {
	t.Helper()
	var raw map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(text), &raw))
	return newFields("it", raw)
}

func TestFieldsInt(t *testing.T) {
	for text, want := range map[string]int64{`5`: 5, `"5"`: 5, `-1`: -1, `10`: 10} {
		f := fields(t, `{"n":`+text+`}`)
		got := f.Int("n", -1, 10)
		require.NoError(t, f.End(true))
		require.Equal(t, want, *got)
	}
	for _, text := range []string{`11`, `-2`, `"x"`, `""`, `1.0`, `1e1`, `true`, `[]`, `" 5"`, `"5\u0000"`} {
		f := fields(t, `{"n":`+text+`}`)
		require.Nil(t, f.Int("n", -1, 10), text)
		require.ErrorContains(t, f.End(true), "it.n", text)
	}
	f := fields(t, `{"n":null}`)
	require.Nil(t, f.Int("n", 0, 1))
	require.NoError(t, f.End(true))
}

func TestFieldsBool(t *testing.T) {
	for text, want := range map[string]bool{
		`true`: true, `false`: false, `"True"`: true, `"FALSE"`: false, `1`: true, `0`: false, `"1"`: true, `"0"`: false, `"t"`: true, `"f"`: false,
		`"y"`: true, `"n"`: false, `"yes"`: true, `"no"`: false, `"on"`: true, `"off"`: false,
	} {
		f := fields(t, `{"b":`+text+`}`)
		got := f.Bool("b")
		require.NoError(t, f.End(true), text)
		require.Equal(t, want, *got, text)
	}
	for _, text := range []string{`2`, `"x"`, `""`, `[]`, `{}`} {
		f := fields(t, `{"b":`+text+`}`)
		f.Bool("b")
		require.Error(t, f.End(true), text)
	}
}

// The first refusal is the one that is told, wherever it was found.
func TestFieldsKeepTheFirstRefusal(t *testing.T) {
	f := fields(t, `{"a":{"n":"x"},"b":7}`)
	f.Object("a").Int("n", 0, 1)
	f.Text("b", 0, 1)
	require.ErrorContains(t, f.End(true), "it.a.n")
}

func TestFieldsStrict(t *testing.T) {
	f := fields(t, `{"a":"1","z":1,"b":2}`)
	f.Text("a", 0, 1)
	f.Text("c", 0, 1)
	require.NoError(t, f.End(false))
	require.EqualError(t, f.End(true), "it.b is not known here; known are: a, c")
}

func TestFieldsTextCountsCharacters(t *testing.T) {
	f := fields(t, `{"a":"ääää","b":"  ää  "}`)
	require.Equal(t, "ääää", *f.Text("a", 4, 4))
	require.Equal(t, "ää", *f.Trimmed("b", 2, 2))
	require.NoError(t, f.End(true))
}

func TestFieldsUUID(t *testing.T) {
	const id = "6f70656e-7374-4163-8b2d-6d656d6f7279"
	for text, want := range map[string]string{`"` + id + `"`: id, `"6f70656e737441638b2d6d656d6f7279"`: id, `null`: "", `""`: ""} {
		f := fields(t, `{"u":`+text+`}`)
		require.Equal(t, want, f.UUID("u"))
		require.NoError(t, f.End(true))
	}
	for _, text := range []string{`"x"`, `"{` + id + `}"`, `"urn:uuid:` + id + `"`, `5`} {
		f := fields(t, `{"u":`+text+`}`)
		f.UUID("u")
		require.Error(t, f.End(true), text)
	}
}

func TestClip(t *testing.T) {
	require.Equal(t, "ä", clip("ä"))
	long := ""
	for range 100 {
		long += "ä"
	}
	require.Len(t, []rune(clip(long)), 67)
}

func TestPlainSummaries(t *testing.T) {
	require.Equal(t, "a b c", plain("a\nb\x1bc"))
	require.Equal(t, "id", shownName("", "id"))
	require.LessOrEqual(t, len(plain(string(make([]byte, 5000)))), 43)
}
