package sharefs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/models"
)

const mib = 1 << 20

// history is a volume with three snapshots, and what each of them must hold.
func history(t *testing.T, d drivers.Driver) (v drivers.Volume, snaps []drivers.Snapshot, held [][]byte, now []byte) {
	t.Helper()
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(2*mib))
	require.NoError(t, err)
	now = make([]byte, 2*mib)
	for n := range 3 {
		// Each time another part, and one that all write.
		for _, at := range []int{n * mib / 4, mib} {
			piece := bytes.Repeat([]byte{byte(n + 1)}, mib/8)
			sharetest.Write(t, d, v, int64(at), piece)
			copy(now[at:], piece)
		}
		s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
		require.NoError(t, err)
		snaps, held = append(snaps, s), append(held, bytes.Clone(now))
	}
	piece := bytes.Repeat([]byte{9}, mib/8)
	sharetest.Write(t, d, v, mib, piece)
	copy(now[mib:], piece)
	return v, snaps, held, now
}

func holds(t *testing.T, d *sharefs.Driver, s drivers.Snapshot, want []byte) {
	t.Helper()
	made, err := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(drivers.Bytes(len(want))), s)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, sharetest.Read(t, d, made)), "the snapshot holds other bytes than it should")
	require.NoError(t, d.DeleteVolume(t.Context(), made))
}

// Whichever snapshot goes first: the others and the volume keep their bytes, and in the end one file is left.
func TestDeleteAnySnapshot(t *testing.T) {
	for _, options := range []map[string]string{nil, {"glusterfs_qcow2_volumes": "true"}} {
		for _, order := range [][]int{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}, {1, 2, 0}} {
			t.Run(fmt.Sprint(options, order), func(t *testing.T) {
				d, point := simple(t, options)
				v, snaps, held, now := history(t, d)
				gone := map[int]bool{}
				for _, n := range order {
					require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrBusy)
					require.NoError(t, d.DeleteSnapshot(t.Context(), snaps[n]))
					gone[n] = true
					require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)), "the volume changed")
					for m := range snaps {
						if !gone[m] {
							holds(t, d, snaps[m], held[m])
						}
					}
				}
				require.ElementsMatch(t, []string{v.Name, v.Name + ".info"}, files(t, point))
				src, err := d.Source(t.Context(), v)
				require.NoError(t, err)
				require.Equal(t, filepath.Join(point, v.Name), src.Path)
				require.NoError(t, d.DeleteVolume(t.Context(), v))
				require.Empty(t, files(t, point))
			})
		}
	}
}

// The info file is Cinder's: what Cinder reads in it is right, and every value is a text.
func TestInfoFile(t *testing.T) {
	d, point := simple(t, nil)
	v, snaps, _, _ := history(t, d)
	text, err := os.ReadFile(filepath.Join(point, v.Name+".info"))
	require.NoError(t, err)
	var info map[string]string
	require.NoError(t, json.Unmarshal(text, &info))
	require.Equal(t, v.Name+"."+snaps[2].ID, info["active"])
	for _, s := range snaps {
		require.Equal(t, v.Name+"."+s.ID, info[s.ID])
		require.Equal(t, "one:/vol", s.Location)
	}
	require.Equal(t, "raw", info["clinker.format"])
	require.Equal(t, "cloud-1", info["clinker.cloud"])
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, drivers.Source{Path: filepath.Join(point, info["active"]), Format: "qcow2", ZeroFilled: true}, src)
	at, err := d.LocateFile(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, models.FileLocation{Type: "tmpfs", Export: "one:/vol", Name: info["active"], Format: "qcow2", MountPointBase: filepath.Dir(point)}, at)
	for _, name := range files(t, point) {
		st, err := os.Stat(filepath.Join(point, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o660), st.Mode().Perm(), name)
	}
}

// serve has a QEMU write an image, as it would for a guest; it ends with the test.
func serve(t *testing.T, format, path string) (c *exec.Cmd, socket string) {
	t.Helper()
	dir := t.TempDir()
	socket, pid := filepath.Join(dir, "s"), filepath.Join(dir, "pid")
	c = exec.Command("qemu-nbd", "--persistent", "--socket="+socket, "--pid-file="+pid, "-f", format, path)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	// It writes the file once it has the image. To try the image before would keep it from that.
	require.Eventually(t, func() bool { _, err := os.Stat(pid); return err == nil }, time.Minute, 20*time.Millisecond)
	return c, socket
}

// A raw file gets longer under the guest that writes it, and keeps its bytes.
func TestExtendInUse(t *testing.T) {
	d, point := simple(t, nil)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.NoError(t, err)
	sharetest.Write(t, d, v, 0, []byte("before"))
	_, socket := serve(t, "raw", filepath.Join(point, v.Name))
	require.NoError(t, d.ExtendVolume(t.Context(), v, 3*mib))
	out, err := exec.Command("qemu-io", "-f", "raw", "-c", "write -P 0x61 524288 512", "nbd+unix:///?socket="+socket).CombinedOutput()
	require.NoError(t, err, string(out))
	got := sharetest.Read(t, d, v)
	require.Len(t, got, 3<<20)
	require.Equal(t, "before", string(got[:6]))
	require.Equal(t, bytes.Repeat([]byte("a"), 512), got[1<<19:1<<19+512])
}

// Extended between snapshots: each keeps the size that it was taken at, also when files of different sizes are merged.
func TestExtendWithSnapshots(t *testing.T) {
	for _, first := range []int{0, 1} {
		d, _ := simple(t, nil)
		v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
		require.NoError(t, err)
		var snaps []drivers.Snapshot
		var held [][]byte
		now := []byte{}
		for n := range 2 {
			now = append(now, bytes.Repeat([]byte{byte(n + 1)}, mib)...)
			sharetest.Write(t, d, v, int64(n*mib), now[n*mib:])
			s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
			require.NoError(t, err)
			snaps, held = append(snaps, s), append(held, bytes.Clone(now))
			require.NoError(t, d.ExtendVolume(t.Context(), v, drivers.Bytes(n+2)*mib))
		}
		now = append(now, make([]byte, mib)...)
		require.NoError(t, d.DeleteSnapshot(t.Context(), snaps[first]))
		require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
		if first == 0 {
			require.NoError(t, d.RevertToSnapshot(t.Context(), v, snaps[1]))
			require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)), "a revert keeps the size")
		}
		holds(t, d, snaps[1-first], held[1-first])
		require.NoError(t, d.DeleteSnapshot(t.Context(), snaps[1-first]))
		require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	}
}

func TestRevert(t *testing.T) {
	d, point := simple(t, nil)
	v, snaps, held, _ := history(t, d)
	err := d.RevertToSnapshot(t.Context(), v, snaps[1])
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.ErrorContains(t, err, "latest")
	before := files(t, point)
	for range 2 {
		require.NoError(t, d.RevertToSnapshot(t.Context(), v, snaps[2]))
		require.True(t, bytes.Equal(held[2], sharetest.Read(t, d, v)))
	}
	require.Equal(t, before, files(t, point))
	sharetest.Write(t, d, v, 0, []byte("on it goes"))
	holds(t, d, snaps[2], held[2])
	require.ErrorIs(t, d.RevertToSnapshot(t.Context(), v, newSnapshot(v)), drivers.ErrNotFound)
}

// A guest has the volume open: whatever changes its files is refused, and says who has it (data-safety rule 6).
func TestInUse(t *testing.T) {
	d, _ := simple(t, map[string]string{"glusterfs_qcow2_volumes": "true"})
	v, snaps, _, now := history(t, d)
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	plain, err := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.NoError(t, err)
	other, err := d.Source(t.Context(), plain)
	require.NoError(t, err)
	guest, _ := serve(t, "qcow2", src.Path)
	serve(t, "qcow2", other.Path)
	for _, path := range []string{src.Path, other.Path} {
		require.Error(t, exec.Command("qemu-io", "-f", "qcow2", "-c", "quit", path).Run(), "QEMU's own word for it")
	}
	_, snap := d.CreateSnapshot(t.Context(), newSnapshot(v))
	for _, err := range []error{
		snap, d.DeleteSnapshot(t.Context(), snaps[0]), d.DeleteSnapshot(t.Context(), snaps[2]),
		d.RevertToSnapshot(t.Context(), v, snaps[2]), d.DeleteVolume(t.Context(), plain),
	} {
		require.ErrorIs(t, err, drivers.ErrBusy)
		require.Contains(t, hintOf(t, err), "detach")
	}
	grown := d.ExtendVolume(t.Context(), v, 3*mib)
	require.ErrorIs(t, grown, drivers.ErrNotSupported, "nobody but the guest's QEMU may write the image's header")
	require.Contains(t, hintOf(t, grown), "detach")
	require.NoError(t, guest.Process.Kill())
	guest.Wait()
	require.NoError(t, d.DeleteSnapshot(t.Context(), snaps[1]))
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)[:len(now)]))
}
