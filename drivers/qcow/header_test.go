package qcow

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

// What qemu-img writes is read as it was meant.
func TestHeadersOfQemu(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want Header
	}{
		{"plain", []string{"f", "1G"}, Header{Size: 1 << 30}},
		{"version 2", []string{"-o", "compat=0.10", "f", "1M"}, Header{Size: 1 << 20}},
		{"small clusters", []string{"-o", "cluster_size=512", "f", "1M"}, Header{Size: 1 << 20}},
		{"extended L2, zstd", []string{"-o", "extended_l2=on,compression_type=zstd", "f", "1M"}, Header{Size: 1 << 20}},
		{"backing file", []string{"-u", "-F", "raw", "-b", "volume-1", "f", "2M"}, Header{Size: 2 << 20, Backing: "volume-1", BackingFormat: "raw"}},
		{
			"backing file, version 2",
			[]string{"-o", "compat=0.10", "-u", "-F", "qcow2", "-b", strings.Repeat("b", 1000), "f", "2M"},
			Header{Size: 2 << 20, Backing: strings.Repeat("b", 1000), BackingFormat: "qcow2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := exec.Command("qemu-img", append([]string{"create", "-q", "-f", "qcow2"}, test.args...)...)
			c.Dir = t.TempDir()
			out, err := c.CombinedOutput()
			require.NoError(t, err, string(out))
			f, err := os.Open(filepath.Join(c.Dir, "f"))
			require.NoError(t, err)
			defer f.Close()
			got, err := ReadHeader(f)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.True(t, Is(f))
		})
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte("QFI\xfb\x00\x00\x00\x03" + strings.Repeat("\x00", 200)))
	f.Add([]byte("QFI\xfb\x00\x00\x00\x02" + strings.Repeat("\x10", 200)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrInvalid)
			return
		}
		require.Positive(t, h.Size)
		require.LessOrEqual(t, len(h.Backing), 1023)
	})
}
