package suggest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	known := []string{"address", "namespace", "volume_group", "volume_clear"}
	for name, want := range map[string]string{
		"adress":                                "address",
		"volume_grop":                           "volume_group",
		"volume-group":                          "volume_group",
		"namspace":                              "namespace",
		"colour":                                "",
		"":                                      "",
		"x":                                     "",
		"volume_group" + strings.Repeat("x", 4): "", // four letters too many are too many
	} {
		require.Equal(t, want, Nearest(name, known), name)
	}
	long := strings.Repeat("x", 200)
	require.Empty(t, Nearest(long, []string{long[1:]}))
}
