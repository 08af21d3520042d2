package sharefs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
)

// cinder makes a volume with a snapshot as cinder-volume leaves them: no key of ours, formats in the headers.
func cinder(t *testing.T, point string) (v drivers.Volume, s drivers.Snapshot, held, now []byte) {
	t.Helper()
	v = drivertest.NewVolume(0)
	s = newSnapshot(v)
	held = bytes.Repeat([]byte{1}, mib)
	require.NoError(t, os.WriteFile(filepath.Join(point, v.Name), held, 0o666))
	active := v.Name + "." + s.ID
	for _, argv := range [][]string{
		{"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", v.Name, filepath.Join(point, active)},
		{"qemu-io", "-f", "qcow2", "-c", "write -q -P 2 0 64k", filepath.Join(point, active)},
	} {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	now = append(bytes.Repeat([]byte{2}, 64<<10), held[64<<10:]...)
	text, err := json.Marshal(map[string]string{"active": active, s.ID: active})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(point, v.Name+".info"), text, 0o666))
	return v, s, held, now
}

// A volume of a Cinder installation is taken over with its snapshots.
func TestTakeOverFromCinder(t *testing.T) {
	d, point := simple(t, map[string]string{"glusterfs_qcow2_volumes": "true"})
	v, s, held, now := cinder(t, point)
	require.Empty(t, list(t, d), "nobody's yet")
	err := d.DeleteVolume(t.Context(), v)
	require.ErrorIs(t, err, drivers.ErrUnavailable, "Clinker did not make it")
	require.Contains(t, hintOf(t, err), "adopt")
	_, err = d.CreateVolume(t.Context(), drivers.Volume{ID: v.ID, Name: v.Name, Size: mib})
	require.ErrorIs(t, err, drivers.ErrExists)
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats[0].TotalVolumes, "it takes room, whoever made it")

	for a, err := range d.Adoptables(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, "one:/vol/"+v.Name, a.Ref)
		require.Equal(t, drivers.Bytes(mib), a.Size)
		require.Empty(t, a.Reason)
	}
	other := drivertest.NewVolume(0)
	_, err = d.Adopt(t.Context(), other, v.Name)
	require.ErrorIs(t, err, drivers.ErrInvalid, "with snapshots it keeps its name")
	small := v
	small.Size = 4096
	_, err = d.Adopt(t.Context(), small, v.Name)
	require.ErrorIs(t, err, drivers.ErrInvalid)
	for range 2 {
		made, err := d.Adopt(t.Context(), v, "one:/vol/"+v.Name)
		require.NoError(t, err)
		require.Equal(t, drivers.Bytes(mib), made.Size)
	}
	require.Equal(t, []string{v.Name}, list(t, d))
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	holds(t, d, s, held)
	more, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	require.NoError(t, d.DeleteSnapshot(t.Context(), s))
	require.NoError(t, d.DeleteSnapshot(t.Context(), more))
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, "raw", src.Format, "its header said what the first file is, not the options")
}

func TestAdoptables(t *testing.T) {
	d, point := simple(t, nil)
	ours, err := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.NoError(t, err)
	_, err = d.CreateSnapshot(t.Context(), newSnapshot(ours))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(point, "disk.img"), make([]byte, mib), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(point, "empty"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(point, "qcow"), append([]byte("QFI\xfb"), make([]byte, 4096)...), 0o600))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(point, "link")))
	require.NoError(t, os.Mkdir(filepath.Join(point, "folder"), 0o700))
	reasons := map[string]string{}
	for a, err := range d.Adoptables(t.Context()) {
		require.NoError(t, err)
		reasons[filepath.Base(a.Ref)] = a.Reason
	}
	require.Equal(t, "is managed already", reasons[ours.Name])
	require.Contains(t, reasons["qcow"], `"qcow2:qcow"`)
	require.Equal(t, "is empty", reasons["empty"])
	require.Equal(t, map[string]string{ours.Name: reasons[ours.Name], "qcow": reasons["qcow"], "empty": "is empty", "disk.img": ""}, reasons)
	for _, ref := range []string{"", "..", "../x", "/etc/passwd", "-x", "a b", "one:/vol/../x", "link", "folder", "qcow2:folder", ours.Name + ".info"} {
		_, err := d.Adopt(t.Context(), drivertest.NewVolume(0), ref)
		require.Error(t, err, ref)
	}
	v, err := d.Adopt(t.Context(), drivertest.NewVolume(0), "disk.img")
	require.NoError(t, err)
	require.Equal(t, drivers.Bytes(mib), v.Size)
	require.NoFileExists(t, filepath.Join(point, "disk.img"))
}
