package backups

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

// What is stored must be found by any reader of the format: the first are of FIPS 180-4's examples, the others of BLAKE3's own test
// vectors (bytes that count from 0 to 250, again and again), longer than what one instruction takes at a time.
func TestHashes(t *testing.T) {
	counting := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i % 251)
		}
		return b
	}
	for _, c := range []struct {
		name  string
		blob  []byte
		wants string
	}{
		{SHA256, nil, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{SHA256, []byte("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{BLAKE3, nil, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
		{BLAKE3, counting(1), "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
		{BLAKE3, counting(1025), "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
		{BLAKE3, counting(102400), "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
	} {
		sum, err := hashOf(c.name)
		require.NoError(t, err)
		is := sum(c.blob)
		require.Equal(t, c.wants, hex.EncodeToString(is[:]), "%s of %d bytes", c.name, len(c.blob))
	}
	_, err := hashOf("md5")
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.ErrorContains(t, err, "sha256, blake3")
	_, err = hashOf(quickerHash())
	require.NoError(t, err)
}
