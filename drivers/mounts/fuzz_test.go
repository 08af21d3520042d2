package mounts

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMountinfo: the names of mount points and shares are other people's.
func FuzzMountinfo(f *testing.F) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte("36 35 98:0 /a /mnt\\040one rw shared:1 - fuse.glusterfs h:/v rw\n1 - - \\777\\04"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range parseMounts(text) {
			require.NotEmpty(t, m.FSType)
			require.LessOrEqual(t, len(m.Point)+len(m.Source), len(text))
		}
	})
}
