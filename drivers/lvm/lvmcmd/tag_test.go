package lvmcmd

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTags(t *testing.T) {
	for value, want := range map[string]string{
		"":                               "k=",
		"volume-create:1f:2":             "k=volume-create:1f:2",
		"a b":                            "k=a&20b",
		"x,y&z":                          "k=x&2cy&26z",
		"ü@":                             "k=&c3&bc&40",
		`a/b=c!d#e_f+g.h"i'\`:            "k=a/b=c!d#e_f+g.h&22i&27&5c",
		"00000000-0000-0000-0000-000000": "k=00000000-0000-0000-0000-000000",
	} {
		tag := Tag("k", value)
		require.Equal(t, want, tag)
		require.NotContains(t, tag, ",", "LVM joins tags by commas")
		key, back := splitTag(tag)
		require.Equal(t, "k", key)
		require.Equal(t, value, back)
	}
	require.Equal(t, map[string]string{"a": "1", "b": "", "c": "&x"}, splitTags("a=1,b,c=&x"), "tags of others")
}

func FuzzTag(f *testing.F) {
	f.Add("volume-create:1:2")
	f.Add("&&41 ,")
	f.Fuzz(func(t *testing.T, value string) {
		tag := Tag("clinker.flow", value)
		require.Equal(t, -1, strings.IndexFunc(tag, func(r rune) bool { return r > 126 || r != '&' && !plain(byte(r)) }))
		_, back := splitTag(tag)
		require.Equal(t, value, back)
	})
}
