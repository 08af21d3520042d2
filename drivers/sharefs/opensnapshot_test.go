package sharefs_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
)

// readOpen reads a snapshot whole, and once more by the runs that may hold data, of which it answers the sum.
func readOpen(t *testing.T, d *sharefs.Driver, s drivers.Snapshot) (whole []byte, known int64) {
	t.Helper()
	r, err := d.OpenSnapshot(t.Context(), s)
	require.NoError(t, err)
	defer r.Close()
	whole = make([]byte, r.Size())
	_, err = r.ReadAt(whole, 0)
	require.NoError(t, err)
	byRuns := make([]byte, r.Size())
	for at := int64(0); ; {
		begin, end, err := r.NextData(at)
		require.NoError(t, err)
		if begin == int64(r.Size()) {
			break
		}
		_, err = r.ReadAt(byRuns[begin:end], begin)
		require.NoError(t, err)
		known, at = known+end-begin, end
	}
	require.True(t, bytes.Equal(whole, byRuns), "what is said to be zero is not")
	n, err := r.ReadAt(make([]byte, 100), int64(r.Size())-50)
	require.Equal(t, 50, n)
	require.ErrorIs(t, err, io.EOF)
	return whole, known
}

// Each snapshot of a chain, over a raw file and a qcow2 one, reads as it was; none is merged meanwhile.
func TestOpenSnapshots(t *testing.T) {
	for name, options := range map[string]map[string]string{"raw": nil, "qcow2": {"glusterfs_qcow2_volumes": "true"}} {
		t.Run(name, func(t *testing.T) {
			d, _ := simple(t, options)
			v, snaps, held, now := history(t, d)
			for i, s := range snaps {
				got, known := readOpen(t, d, s)
				require.True(t, bytes.Equal(held[i], got), "snapshot %d holds other bytes than it should", i)
				require.Less(t, known, int64(len(got)), "holes are known")
			}
			r, err := d.OpenSnapshot(t.Context(), snaps[1])
			require.NoError(t, err)
			for _, s := range snaps {
				err := d.DeleteSnapshot(t.Context(), s)
				require.ErrorIs(t, err, drivers.ErrBusy)
				require.Contains(t, hintOf(t, err), "backup")
			}
			require.NoError(t, r.Close())
			require.NoError(t, d.DeleteSnapshot(t.Context(), snaps[0]))
			got, _ := readOpen(t, d, snaps[1])
			require.True(t, bytes.Equal(held[1], got))
			require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
		})
	}
}

// What QEMU can write into a file without a chain reads as QEMU reads it: compressed clusters, zeroed and discarded ones, a backing
// file that is shorter than the disk over it.
func TestOpenSnapshotReadsWhatQEMUWrote(t *testing.T) {
	d, point := simple(t, nil)
	run := func(args ...string) {
		t.Helper()
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
	}
	dir := t.TempDir()
	raw := filepath.Join(dir, "raw")
	data := bytes.Repeat([]byte("compressible text of a tenant. "), 2*mib/31+1)[:2*mib]
	_, err := rand.Read(data[mib : mib+100<<10])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(raw, data, 0o600))
	run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, filepath.Join(point, "compressed"))

	v, err := d.Adopt(t.Context(), drivertest.NewVolume(2*mib), "qcow2:compressed")
	require.NoError(t, err)
	first, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	run("qemu-img", "resize", "-q", "-f", "qcow2", src.Path, "4M")
	run("qemu-io", "-f", "qcow2", "-c", "write -q -z 64k 128k", "-c", "write -q -P 7 3000k 70k", "-c", "discard -q 512k 64k", src.Path)
	v.Size *= 2
	second, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)

	got, _ := readOpen(t, d, first)
	require.True(t, bytes.Equal(data, got))
	want := sharetest.Read(t, d, v) // by qemu-img
	require.Len(t, want, 4*mib)
	got, known := readOpen(t, d, second)
	require.True(t, bytes.Equal(want, got))
	require.Less(t, known, int64(3*mib))
}
