package seal_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/seal"
)

// Anybody may seal to a public key; what nobody sealed is refused.
func FuzzOpen(f *testing.F) {
	key, err := seal.NewKey()
	require.NoError(f, err)
	good, err := seal.Seal(key.Public(), "x")
	require.NoError(f, err)
	for _, seed := range [][]byte{good, good[:len(good)-1], good[1:], {}, make([]byte, 48)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got string
		if err := key.Open(text, &got); err != nil {
			require.Empty(t, got)
			return
		}
		require.True(t, bytes.Equal(good, text))
		_, err := seal.Seal(text, "x")
		require.Error(t, err, "no public key")
	})
}
