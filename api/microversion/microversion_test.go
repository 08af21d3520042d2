package microversion

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for header, want := range map[string]Version{
		"":                        0,
		"volume 3.0":              0,
		"volume 3.27":             27,
		"Volume 3.27":             27,
		"volume  3.71":            71,
		"volume latest":           71,
		"compute 2.1":             0,
		"compute 2.1,volume 3.9":  9,
		"compute 2.1, volume 3.9": 9,
		"block-storage 3.44":      44,
	} {
		got, err := Parse(header)
		require.NoError(t, err, header)
		require.Equal(t, want, got, header)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, header := range []string{"volume 3.72", "volume 2.1", "volume 4.0", "volume 3.999999999"} {
		_, err := Parse(header)
		var out *RangeError
		require.ErrorAs(t, err, &out, header)
		require.Contains(t, err.Error(), "minimum is 3.0 and maximum is 3.71")
	}
	for _, header := range []string{"volume", "volume 3", "volume 3.x", "volume 3.01", "volume 3.1 2", "volume 03.1", "volume 3.99999999999999999999"} {
		_, err := Parse(header)
		var bad *MalformedError
		require.ErrorAs(t, err, &bad, header)
	}
}
