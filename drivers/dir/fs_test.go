package dir_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

// write puts data at the start of a volume and syncs it.
func write(t *testing.T, d drivers.Driver, v drivers.Volume, data []byte) error {
	t.Helper()
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	f, err := os.OpenFile(src.Path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return f.Sync()
}

func freeBytes(t *testing.T, path string) int64 {
	t.Helper()
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(path, &st))
	return int64(st.Bavail) * st.Frsize
}

func blocks(t *testing.T, d drivers.Driver, v drivers.Volume) int64 {
	t.Helper()
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	var st unix.Stat_t
	require.NoError(t, unix.Stat(src.Path, &st))
	return st.Blocks * 512
}

// A full file system: what doesn't fit is no space, leaves nothing, and gives back what it got so far.
func TestFull(t *testing.T) {
	for kind, size := range map[string]string{"ext4": "64M", "xfs": "320M"} {
		t.Run(kind, func(t *testing.T) {
			point := loopMount(t, kind, size)
			d := newDriver(t, config(t, point))
			free := freeBytes(t, point)

			thick := drivertest.NewVolume(drivers.Bytes(free/2) &^ 4095)
			thick.Provisioning = "thick"
			_, err := d.CreateVolume(t.Context(), thick)
			require.NoError(t, err)
			require.GreaterOrEqual(t, blocks(t, d, thick), int64(thick.Size))

			second := drivertest.NewVolume(thick.Size + 8<<20)
			second.Provisioning = "thick"
			_, err = d.CreateVolume(t.Context(), second)
			require.ErrorIs(t, err, drivers.ErrNoSpace)
			require.Contains(t, hintOf(t, err), point)

			before := freeBytes(t, point)
			require.ErrorIs(t, d.ExtendVolume(t.Context(), thick, drivers.Bytes(free*2)), drivers.ErrNoSpace)
			require.InDelta(t, before, freeBytes(t, point), 1<<20)
			require.Equal(t, []string{thick.Name}, names(t, d))

			// Clones that can't share blocks: full of data, and larger than what is left.
			require.NoError(t, write(t, d, thick, bytes.Repeat([]byte{1}, int(thick.Size))))
			filler := filepath.Join(point, "filler")
			require.NoError(t, os.WriteFile(filler, make([]byte, freeBytes(t, point)/2), 0o600))
			clone := drivertest.NewVolume(thick.Size)
			clone.Provisioning = "thick"
			_, err = d.CloneVolume(t.Context(), clone, thick)
			require.ErrorIs(t, err, drivers.ErrNoSpace)
			require.Empty(t, parts(t, point))
			require.Equal(t, []string{thick.Name}, names(t, d))

			require.NoError(t, os.Remove(filler))
			require.NoError(t, d.DeleteVolume(t.Context(), thick))
			require.Eventually(t, func() bool { // xfs frees in the background
				return freeBytes(t, point) > free-1<<20
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}

// fillMeanwhile fills the file system but for 8 MiB at a step's first progress.
func fillMeanwhile(t *testing.T, point string) (ctx context.Context, filler string) {
	filler = filepath.Join(point, "filler")
	return drivers.WithProgress(t.Context(), func(_, _ drivers.Bytes) {
		if _, err := os.Stat(filler); err != nil {
			f, err := os.Create(filler)
			require.NoError(t, err)
			defer f.Close()
			require.NoError(t, unix.Fallocate(int(f.Fd()), 0, 0, freeBytes(t, point)-8<<20))
		}
	}), filler
}

// An extend that runs out of space keeps the size and gives back the blocks beyond it.
func TestFullInTheMiddleOfAnExtend(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			point := loopMount(t, kind, "400M")
			d := newDriver(t, config(t, point))
			v := drivertest.NewVolume(4 << 20)
			v.Provisioning = "thick"
			_, err := d.CreateVolume(t.Context(), v)
			require.NoError(t, err)

			ctx, _ := fillMeanwhile(t, point)
			require.ErrorIs(t, d.ExtendVolume(ctx, v, 200<<20), drivers.ErrNoSpace)
			found, err := d.FindVolume(t.Context(), v.ID)
			require.NoError(t, err)
			require.Equal(t, v.Size, found.Size)
			require.InDelta(t, int64(v.Size), blocks(t, d, v), 64<<10)
		})
	}
}

// The file system fills up while a clone is copied: the check beforehand can't see that.
func TestFullInTheMiddleOfAClone(t *testing.T) {
	point := loopMount(t, "ext4", "128M")
	d := newDriver(t, config(t, point))
	src := drivertest.NewVolume(40 << 20)
	_, err := d.CreateVolume(t.Context(), src)
	require.NoError(t, err)
	require.NoError(t, write(t, d, src, bytes.Repeat([]byte{1}, int(src.Size))))

	ctx, filler := fillMeanwhile(t, point)
	clone := drivertest.NewVolume(src.Size)
	_, err = d.CloneVolume(ctx, clone, src)
	require.ErrorIs(t, err, drivers.ErrNoSpace)
	require.Equal(t, drivers.NoSpace, drivers.Outcome(err))
	require.Equal(t, []string{src.Name}, names(t, d))
	require.Empty(t, parts(t, point))

	require.NoError(t, os.Remove(filler))
	_, err = d.CloneVolume(t.Context(), clone, src)
	require.NoError(t, err)
}

// xfs shares blocks: a clone takes no space. ext4 can't, and copies the data but not the holes.
func TestCloneSpace(t *testing.T) {
	const data = 16 << 20
	for kind, shared := range map[string]bool{"xfs": true, "ext4": false} {
		t.Run(kind, func(t *testing.T) {
			point := loopMount(t, kind, "400M")
			d := newDriver(t, config(t, point))
			src := drivertest.NewVolume(1<<30 + 512) // no whole number of blocks
			_, err := d.CreateVolume(t.Context(), src)
			require.NoError(t, err)
			require.NoError(t, write(t, d, src, bytes.Repeat([]byte{7}, data)))

			before := freeBytes(t, point)
			clone := drivertest.NewVolume(2 << 30)
			_, err = d.CloneVolume(t.Context(), clone, src)
			require.NoError(t, err)
			taken := before - freeBytes(t, point)
			if shared {
				require.Less(t, taken, int64(data/4))
			} else {
				require.InDelta(t, data, taken, data/4)
			}
		})
	}
}

// The operator's case: the file system goes read-only, says so in every answer, and all goes on when it is mended.
func TestReadOnly(t *testing.T) {
	point := loopMount(t, "ext4", "64M")
	d := newDriver(t, config(t, point))
	v := drivertest.NewVolume(1 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)

	// The driver holds nothing open, else this would be EBUSY.
	require.NoError(t, unix.Mount("", point, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	_, create := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	for _, err := range []error{create, d.DeleteVolume(t.Context(), v), d.ExtendVolume(t.Context(), v, 2<<20), d.Check(t.Context())} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.Contains(t, hintOf(t, err), "read-only")
		require.NotContains(t, err.Error(), point, "paths are for hints")
	}
	found, err := d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err, "reading works")
	require.Equal(t, v.Size, found.Size)
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, "down", stats[0].BackendState)
	require.NotEmpty(t, stats[0].BackendError)

	require.NoError(t, unix.Mount("", point, "", unix.MS_REMOUNT, ""))
	require.NoError(t, d.ExtendVolume(t.Context(), v, 2<<20))
	require.NoError(t, d.DeleteVolume(t.Context(), v))
	require.Empty(t, names(t, d))
}

// An unmounted mount point is an empty folder: nothing in it may be taken for an answer.
func TestUnmounted(t *testing.T) {
	point := loopMount(t, "ext4", "64M")
	cfg := config(t, point)
	d := newDriver(t, cfg)
	v := drivertest.NewVolume(1 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	elsewhere := t.TempDir()
	require.NoError(t, unix.Mount(point, elsewhere, "", unix.MS_BIND, ""))
	t.Cleanup(func() { unix.Unmount(elsewhere, unix.MNT_DETACH) })
	require.NoError(t, unix.Unmount(point, 0))

	restarted := newDriver(t, cfg)
	for _, d := range []*dir.Driver{d, restarted} {
		_, create := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
		_, find := d.FindVolume(t.Context(), v.ID)
		_, stats := d.Stats(t.Context())
		_, source := d.Source(t.Context(), v)
		for _, err := range []error{create, find, stats, source, d.DeleteVolume(t.Context(), v), d.ExtendVolume(t.Context(), v, 2<<20), d.Check(t.Context())} {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.NotErrorIs(t, err, drivers.ErrNotFound)
			require.Contains(t, hintOf(t, err), "mount")
		}
		for _, err := range d.Volumes(t.Context()) {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
		}
	}
	left, err := os.ReadDir(point)
	require.NoError(t, err)
	require.Empty(t, left, "nothing is written below the mount point")

	require.NoError(t, unix.Mount(elsewhere, point, "", unix.MS_BIND, ""))
	for _, d := range []*dir.Driver{d, restarted} {
		require.NoError(t, d.Check(t.Context()))
		require.Equal(t, []string{v.Name}, names(t, d))
	}
}
