package sharetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Open opens a volume's bytes, whatever its format: qcow2 is read through a raw copy and written by qemu-io, as a guest's
// hypervisor would.
func Open(t *testing.T, d drivers.Driver, v drivers.Volume) drivertest.Disk {
	t.Helper()
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	if src.Format == "raw" {
		f, err := os.OpenFile(src.Path, os.O_RDWR, 0)
		require.NoError(t, err)
		return f
	}
	return &image{path: src.Path, format: src.Format, dir: t.TempDir()}
}

type image struct {
	path, format, dir string
	raw               *os.File // a copy; nil when there is none that is true
}

func (i *image) ReadAt(p []byte, at int64) (int, error) {
	if i.raw == nil {
		file := filepath.Join(i.dir, "raw")
		if err := run("qemu-img", "convert", "-f", i.format, "-O", "raw", i.path, file); err != nil {
			return 0, err
		}
		f, err := os.Open(file)
		if err != nil {
			return 0, err
		}
		i.raw = f
	}
	return i.raw.ReadAt(p, at)
}

func (i *image) WriteAt(p []byte, at int64) (int, error) {
	if err := i.Close(); err != nil {
		return 0, err
	}
	file := filepath.Join(i.dir, "bytes")
	if err := os.WriteFile(file, p, 0o600); err != nil {
		return 0, err
	}
	return len(p), run("qemu-io", "-f", i.format, "-c", fmt.Sprintf("write -q -s %s %d %d", file, at, len(p)), "-c", "flush", i.path)
}

func (i *image) Close() error {
	if i.raw == nil {
		return nil
	}
	err := i.raw.Close()
	i.raw = nil
	return err
}

func run(name string, args ...string) error {
	_, err := (&execx.Exec{}).Run(context.Background(), execx.Command{Name: name, Args: args})
	return err
}

// Read returns all bytes of a volume.
func Read(t *testing.T, d drivers.Driver, v drivers.Volume) []byte {
	t.Helper()
	found, err := d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	disk := Open(t, d, v)
	defer disk.Close()
	data := make([]byte, found.Size)
	n, err := disk.ReadAt(data, 0)
	if n < len(data) {
		require.NoError(t, err)
	}
	return data
}

// Write puts bytes into a volume.
func Write(t *testing.T, d drivers.Driver, v drivers.Volume, at int64, data []byte) {
	t.Helper()
	disk := Open(t, d, v)
	defer disk.Close()
	_, err := disk.WriteAt(data, at)
	require.NoError(t, err)
}
