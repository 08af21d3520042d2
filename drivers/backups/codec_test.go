package backups

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodec(t *testing.T) {
	noise := make([]byte, 128<<10)
	rand.Read(noise)
	half := append(bytes.Clone(noise[:64<<10]), make([]byte, 64<<10)...)
	key, err := newDataKey()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		plain  []byte
		packed bool
	}{
		"empty": {nil, false}, "noise": {noise, false}, "text": {bytes.Repeat([]byte("text "), 20000), true}, "half noise": {half, true},
		"short": {[]byte("abc"), false}, "a run in noise": {append(bytes.Clone(noise[:100<<10]), bytes.Repeat([]byte{7}, 28<<10)...), true},
	} {
		for _, method := range []string{Zstd, Zlib, NoCompression} {
			for i, k := range []*dataKey{nil, key} {
				x, err := newCodec(&Manifest{Hash: []string{SHA256, BLAKE3}[i], Compression: method, Size: 128 << 10, BlockSize: 128 << 10, RegionBlocks: 1}, k, 2)
				require.NoError(t, err)
				_, blob, flags, err := x.seal(make([]byte, 0, 10), c.plain)
				require.NoError(t, err)
				require.Equal(t, c.packed && method != NoCompression, flags&flagCompressed != 0, "%s %s", name, method)
				out := make([]byte, len(c.plain))
				e := entry{Hash: x.sum(c.plain), Flags: flags, Length: uint32(len(blob))}
				require.NoError(t, x.open(out, bytes.Clone(blob), e))
				require.True(t, bytes.Equal(c.plain, out))
				if len(blob) > 0 {
					bad := bytes.Clone(blob)
					bad[len(bad)/2] ^= 4
					require.Error(t, x.open(out, bad, e), "%s %s", name, method)
					require.Error(t, x.open(out, blob[:len(blob)-1], e))
				}
				x.close()
			}
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	noise := make([]byte, 128<<10)
	rand.Read(noise)
	for name, plain := range map[string][]byte{"noise": noise, "text": bytes.Repeat([]byte("some words of a text; "), 6000)[:128<<10]} {
		b.Run(name, func(b *testing.B) {
			c, err := newCodec(&Manifest{Hash: SHA256, Compression: Zstd, Size: 128 << 10, BlockSize: 128 << 10, RegionBlocks: 1}, nil, 1)
			require.NoError(b, err)
			dst := make([]byte, 0, 300<<10)
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				if _, _, _, err := c.seal(dst, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
