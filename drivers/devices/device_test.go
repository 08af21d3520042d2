package devices_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/devices"
)

// What a device was told counts, whatever its file's holes are.
func TestKnowing(t *testing.T) {
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "volume")
	require.NoError(t, os.WriteFile(path, make([]byte, size), 0o600))
	d, err := devices.OpenSource(path, size)
	require.NoError(t, err)
	defer d.Close()
	d.Knowing([]drivers.Extent{{Offset: 4096, Length: 4096}, {Offset: 65536, Length: size}})
	for _, at := range []struct{ off, begin, end int64 }{
		{0, 4096, 8192}, {5000, 5000, 8192}, {8192, 65536, size}, {size - 1, size - 1, size}, {size, size, size},
	} {
		begin, end, err := d.NextData(at.off)
		require.NoError(t, err)
		require.Equal(t, [2]int64{at.begin, at.end}, [2]int64{begin, end}, "from %d", at.off)
	}
	// Nothing at all is known of nil, everything of an empty list.
	begin, _, err := d.Knowing([]drivers.Extent{}).NextData(0)
	require.NoError(t, err)
	require.EqualValues(t, size, begin)
}

// An open file may lose its name, and is one device for its reader.
func TestFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volume")
	require.NoError(t, os.WriteFile(path, []byte("some bytes of a volume"), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	d, err := devices.FromFile(f, 10)
	require.NoError(t, err)
	require.EqualValues(t, 10, d.Size())
	got := make([]byte, 10)
	_, err = d.ReadAt(got, 0)
	require.NoError(t, err)
	require.Equal(t, "some bytes", string(got))
	n, err := d.ReadAt(got, 6)
	require.Equal(t, 4, n)
	require.Error(t, err)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close(), "a second time")

	f, err = os.Open("/dev/null")
	require.NoError(t, err)
	_, err = devices.FromFile(f, 1)
	require.ErrorIs(t, err, drivers.ErrInvalid)
}
