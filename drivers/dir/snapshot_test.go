package dir_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

func newSnapshot(v drivers.Volume) drivers.Snapshot {
	id := uuid.NewString()
	return drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: v}
}

func read(t *testing.T, d drivers.Driver, v drivers.Volume) []byte {
	t.Helper()
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	data, err := os.ReadFile(src.Path)
	require.NoError(t, err)
	return data
}

// Snapshots don't depend on each other: whichever goes first, the others and the volume keep their bytes.
func TestSnapshotsInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {1, 2, 0}, {2, 0, 1}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			d := newDriver(t, config(t, t.TempDir()))
			v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
			require.NoError(t, err)
			var snaps []drivers.Snapshot
			var held [][]byte
			for n := range 3 {
				data := bytes.Repeat([]byte{byte(n + 1)}, 1<<20)
				require.NoError(t, write(t, d, v, data))
				s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
				require.NoError(t, err)
				snaps, held = append(snaps, s), append(held, data)
			}
			now := bytes.Repeat([]byte{9}, 1<<20)
			require.NoError(t, write(t, d, v, now))
			for _, n := range order {
				err := d.DeleteVolume(t.Context(), v)
				require.ErrorIs(t, err, drivers.ErrBusy)
				require.ErrorContains(t, err, "snapshot-")
				made, err := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(1<<20), snaps[n])
				require.NoError(t, err)
				require.True(t, bytes.Equal(held[n], read(t, d, made)))
				require.NoError(t, d.DeleteVolume(t.Context(), made))
				require.NoError(t, d.DeleteSnapshot(t.Context(), snaps[n]))
				require.True(t, bytes.Equal(now, read(t, d, v)))
			}
			require.NoError(t, d.DeleteVolume(t.Context(), v))
		})
	}
}

// A revert keeps the size, and refuses while somebody has the volume open for writing.
func TestRevert(t *testing.T) {
	d := newDriver(t, config(t, t.TempDir()))
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	old := bytes.Repeat([]byte{1}, 1<<20)
	require.NoError(t, write(t, d, v, old))
	s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	require.NoError(t, d.ExtendVolume(t.Context(), v, 2<<20))
	data := bytes.Repeat([]byte{2}, 2<<20)
	require.NoError(t, write(t, d, v, data))

	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	file, err := os.OpenFile(src.Path, os.O_RDWR, 0)
	require.NoError(t, err)
	err = d.RevertToSnapshot(t.Context(), v, s)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.Contains(t, hintOf(t, err), "fuser")
	require.True(t, bytes.Equal(data, read(t, d, v)))
	require.NoError(t, file.Close())

	require.NoError(t, d.RevertToSnapshot(t.Context(), v, s))
	require.True(t, bytes.Equal(append(old, make([]byte, 1<<20)...), read(t, d, v)))
	found, err := d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, "cloud-1", found.Tags["clinker.cloud"])

	require.ErrorIs(t, d.RevertToSnapshot(t.Context(), v, newSnapshot(v)), drivers.ErrNotFound)
	other := drivertest.NewVolume(1 << 20)
	require.ErrorIs(t, d.RevertToSnapshot(t.Context(), other, s), drivers.ErrInvalid)
}

// withoutSnapshot is a new volume.
func withoutSnapshot(t *testing.T, d drivers.Driver) drivers.Volume {
	t.Helper()
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	return v
}

func TestDeleteInUse(t *testing.T) {
	d := newDriver(t, config(t, t.TempDir()))
	v := withoutSnapshot(t, d)
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	file, err := os.OpenFile(src.Path, os.O_RDWR, 0)
	require.NoError(t, err)
	err = d.DeleteVolume(t.Context(), v)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.Contains(t, hintOf(t, err), "fuser")
	require.NoError(t, file.Close())
	require.NoError(t, d.DeleteVolume(t.Context(), v))
}

func TestSnapshotRefuses(t *testing.T) {
	path := t.TempDir()
	d := newDriver(t, config(t, path))
	v := withoutSnapshot(t, d)
	for _, name := range []string{"", "..", "../x", "a/b", "a@b", "-x", "x\n"} {
		s := drivers.Snapshot{ID: v.ID, Name: name, Volume: v}
		_, err := d.CreateSnapshot(t.Context(), s)
		require.ErrorIs(t, err, drivers.ErrInvalid, name)
		require.ErrorIs(t, d.DeleteSnapshot(t.Context(), s), drivers.ErrInvalid, name)
		require.ErrorIs(t, d.RevertToSnapshot(t.Context(), v, s), drivers.ErrInvalid, name)
	}
	_, err := d.CreateSnapshot(t.Context(), newSnapshot(drivertest.NewVolume(1<<20)))
	require.ErrorIs(t, err, drivers.ErrNotFound)
	require.Equal(t, []string{v.Name}, names(t, d))
}

// xfs shares blocks: a snapshot takes no space. On ext4 it is a copy, refused when it does not fit.
func TestSnapshotSpace(t *testing.T) {
	const data = 24 << 20
	for kind, shared := range map[string]bool{"xfs": true, "ext4": false} {
		t.Run(kind, func(t *testing.T) {
			point := loopMount(t, kind, "400M")
			d := newDriver(t, config(t, point))
			v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<30))
			require.NoError(t, err)
			require.NoError(t, write(t, d, v, bytes.Repeat([]byte{7}, data)))
			before := freeBytes(t, point)
			s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
			require.NoError(t, err)
			if taken := before - freeBytes(t, point); shared {
				require.Less(t, taken, int64(data/4))
				return
			}
			require.NoError(t, d.DeleteSnapshot(t.Context(), s))
			filler, err := os.Create(filepath.Join(point, "filler"))
			require.NoError(t, err)
			defer filler.Close()
			require.NoError(t, unix.Fallocate(int(filler.Fd()), 0, 0, freeBytes(t, point)-data/2))
			_, err = d.CreateSnapshot(t.Context(), s)
			require.ErrorIs(t, err, drivers.ErrNoSpace)
			require.NoError(t, d.DeleteVolume(t.Context(), v), "nothing of the snapshot is left")
		})
	}
}

func crashSnapshot(n int) drivers.Snapshot {
	id := fmt.Sprintf("22222222-2222-3333-4444-%012d", n)
	return drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: crashSource()}
}

// revertForever is the child: it goes back and forth between two snapshots, and takes a third, until it is killed.
func revertForever(path string) {
	ctx := context.Background()
	d, err := dir.New(ctx, crashConfig(path))
	for n := 0; err == nil; n++ {
		fmt.Println("again")
		r := d.(drivers.Reverter)
		if err = r.RevertToSnapshot(ctx, crashSource(), crashSnapshot(n%2)); err != nil {
			break
		}
		if _, err = d.CreateSnapshot(ctx, crashSnapshot(2)); err != nil {
			break
		}
		err = d.DeleteSnapshot(ctx, crashSnapshot(2))
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	os.Exit(1)
}

// Killed at any moment of a revert or snapshot: the volume is of one snapshot or the other, whole, and so is the third.
func TestSnapshotsKilled(t *testing.T) {
	path, one := crashFolder(t)
	d, err := dir.New(t.Context(), crashConfig(path))
	require.NoError(t, err)
	two := bytes.Repeat([]byte("other bytes here"), crashSize/16)
	for n, data := range [][]byte{one, two} {
		require.NoError(t, write(t, d, crashSource(), data))
		_, err := d.CreateSnapshot(t.Context(), crashSnapshot(n))
		require.NoError(t, err)
	}
	unfinished := 0
	for range 25 {
		cmd := child(t, path, "revert")
		time.Sleep(time.Duration(rand.IntN(30_000)) * time.Microsecond)
		require.NoError(t, cmd.Process.Kill())
		cmd.Wait()
		unfinished += len(parts(t, path))
		d, err := dir.New(t.Context(), crashConfig(path))
		require.NoError(t, err)
		require.Equal(t, []string{crashSource().Name}, names(t, d))
		require.Empty(t, parts(t, path), "leftovers")
		held := read(t, d, crashSource())
		require.True(t, bytes.Equal(held, one) || bytes.Equal(held, two), "the volume is a mixture")
		v, err := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(crashSize), crashSnapshot(2))
		if err == nil {
			held := read(t, d, v)
			require.True(t, bytes.Equal(held, one) || bytes.Equal(held, two), "the snapshot is a mixture")
			require.NoError(t, d.DeleteVolume(t.Context(), v))
		} else {
			require.ErrorIs(t, err, drivers.ErrNotFound)
		}
		require.NoError(t, d.DeleteSnapshot(t.Context(), crashSnapshot(2)))
	}
	require.Positive(t, unfinished, "no step was cut off: the test shows nothing")
}
