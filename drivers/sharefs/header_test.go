package sharefs

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
		want header
	}{
		{"plain", []string{"f", "1G"}, header{size: 1 << 30}},
		{"version 2", []string{"-o", "compat=0.10", "f", "1M"}, header{size: 1 << 20}},
		{"small clusters", []string{"-o", "cluster_size=512", "f", "1M"}, header{size: 1 << 20}},
		{"extended L2, zstd", []string{"-o", "extended_l2=on,compression_type=zstd", "f", "1M"}, header{size: 1 << 20}},
		{"backing file", []string{"-u", "-F", "raw", "-b", "volume-1", "f", "2M"}, header{size: 2 << 20, backing: "volume-1", backingFormat: "raw"}},
		{
			"backing file, version 2",
			[]string{"-o", "compat=0.10", "-u", "-F", "qcow2", "-b", strings.Repeat("b", 1000), "f", "2M"},
			header{size: 2 << 20, backing: strings.Repeat("b", 1000), backingFormat: "qcow2"},
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
			got, err := readHeader(f)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.True(t, isQcow2(f))
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
		require.Positive(t, h.size)
		require.LessOrEqual(t, len(h.backing), 1023)
	})
}

func FuzzParseRecord(f *testing.F) {
	const volume = "volume-0d5ac3a2-1b7e-4c21-9f57-1d2e3f405162"
	f.Add(`{"active":"` + volume + `","clinker.format":"raw","clinker.size":"1"}`)
	f.Add(`{"active":"../x","1d5ac3a2-1b7e-4c21-9f57-1d2e3f405162":"` + volume + `"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord(volume, []byte(text))
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			return
		}
		for _, name := range r.snapshots {
			require.True(t, ownFile(volume, name))
		}
		require.NotContains(t, r.active, "/")
		out, err := r.marshal()
		require.NoError(t, err)
		again, err := parseRecord(volume, out)
		require.NoError(t, err)
		require.Equal(t, r.active, again.active)
		require.Equal(t, r.snapshots, again.snapshots)
	})
}
