package v3

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the writer appends is what encoding/json reads back.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{"", "plain", `quo"te`, `back\slash`, "new\nline", "ümläut", "\u2028", "<html>&", "\x00", "\xff\xfe", "\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := &Writer{}
		w.Open('{')
		w.Text("text", s)
		w.TextOrNull("maybe", s)
		w.Pairs("pairs", map[string]string{"b": s, "a": s})
		w.Key("list")
		w.Open('[')
		for range 2 {
			w.Open('{')
			w.Int("n", -3)
			w.Bool("b", true)
			w.Close('}')
		}
		w.Close(']')
		w.Null("null")
		w.Close('}')
		var got map[string]any
		require.NoError(t, json.Unmarshal(w.buf, &got), string(w.buf))
		plain, err := json.Marshal(s)
		require.NoError(t, err)
		var want string
		require.NoError(t, json.Unmarshal(plain, &want))
		require.Equal(t, want, got["text"])
		require.Equal(t, map[string]any{"a": want, "b": want}, got["pairs"])
		require.Equal(t, []any{map[string]any{"n": -3.0, "b": true}, map[string]any{"n": -3.0, "b": true}}, got["list"])
		require.Nil(t, got["null"])
		if s == "" {
			require.Nil(t, got["maybe"])
		} else {
			require.Equal(t, want, got["maybe"])
		}
	})
}

func TestTime(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	for want, at := range map[string]time.Time{
		"null":                         {},
		`"2026-01-02T03:04:05.000000"`: time.Date(2026, 1, 2, 4, 4, 5, 0, zone),
		`"2026-01-02T03:04:05.123456"`: time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC),
	} {
		got, err := json.Marshal(Time(at))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}
