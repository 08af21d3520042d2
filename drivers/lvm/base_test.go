package lvm_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/lvm"
)

// keepBase makes a snapshot of v its base.
func keepBase(t *testing.T, d *lvm.Driver, v drivers.Volume) drivers.Snapshot {
	t.Helper()
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	require.NoError(t, d.KeepBase(t.Context(), snap))
	require.Equal(t, "kept", lvTag(t, snap, "clinker.base"))
	return snap
}

// lvTag is what a snapshot's logical volume has as a tag.
func lvTag(t *testing.T, snap drivers.Snapshot, key string) string {
	t.Helper()
	for tag := range strings.SplitSeq(strings.TrimSpace(run(t, "lvs", "--noheadings", "-o", "lv_tags", group+"/_"+snap.Name)), ",") {
		if value, ok := strings.CutPrefix(tag, key+"="); ok {
			return value
		}
	}
	return ""
}

// bases is how many the driver reports; what is surplus is on its way out then.
func bases(t *testing.T, d *lvm.Driver) any {
	t.Helper()
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	return stats[0].Extra["base_snapshots"]
}

func awaitNoBase(t *testing.T, d *lvm.Driver) {
	t.Helper()
	require.Eventually(t, func() bool { return bases(t, d) == nil }, 2*time.Minute, 200*time.Millisecond)
}

// A base goes when the pool passes its threshold, and when the option does; a snapshot of the user's stays, with the volume's bytes
// (data-safety rule 10).
func TestInsideThinBases(t *testing.T) {
	freshGroup(t)
	run(t, "lvm", "lvcreate", "-y", "--type", "thin-pool", "-L", "64M", "--poolmetadatasize", "4M", "-n", group+"-pool", group)
	run(t, "lvchange", "--errorwhenfull", "y", group+"/"+group+"-pool")
	d := open(t, config(t, keeping))
	v, filler := drivertest.NewVolume(32<<20), drivertest.NewVolume(64<<20)
	for _, v := range []drivers.Volume{v, filler} {
		_, err := d.CreateVolume(t.Context(), v)
		require.NoError(t, err)
	}
	write(t, device(t, d, v), 0, secret)
	users, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	first := keepBase(t, d, v)
	second := keepBase(t, d, v)
	require.Equal(t, 1, bases(t, d))
	require.NotContains(t, run(t, "lvs", "--noheadings", "-o", "lv_name", group), first.Name)

	// As long as somebody works on the volume it waits.
	_, release, err := d.HoldVolume(t.Context(), v, false)
	require.NoError(t, err)
	write(t, device(t, d, filler), 0, make([]byte, 60<<20))
	for range 3 {
		require.Equal(t, 1, bases(t, d))
	}
	release()
	awaitNoBase(t, d)
	require.NotContains(t, run(t, "lvs", "--noheadings", "-o", "lv_name", group), second.Name)
	for _, err := range d.ChangedExtents(t.Context(), second, users) {
		require.ErrorIs(t, err, drivers.ErrNotFound, "the next backup is by hashes")
	}

	require.NoError(t, d.DeleteVolume(t.Context(), filler))
	kept := keepBase(t, d, v)
	require.Equal(t, 1, bases(t, d))
	off := open(t, config(t, thin))
	require.ErrorIs(t, off.KeepBase(t.Context(), kept), drivers.ErrNotSupported)
	awaitNoBase(t, off)
	r, err := d.OpenSnapshot(t.Context(), users)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, secret, read(t, device(t, d, v), 0, int64(len(secret))))
}

// Whatever is done to a volume, each page in which it differs from its base is in the changed extents: the pool compares what the two have mapped, and
// not what happened in between.
func TestInsideThinBaseOfAChangedVolume(t *testing.T) {
	const size = 8 << 20
	d := newDriver(t, keeping)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(size))
	require.NoError(t, err)
	piece := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	write(t, device(t, d, v), 0, piece(1, 4<<20))
	older, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	write(t, device(t, d, v), 1<<20, piece(2, 1<<20))
	base := keepBase(t, d, v)
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"written", func() {
			write(t, device(t, d, v), 2<<20+5, piece(3, 300))
			write(t, device(t, d, v), 6<<20, piece(3, 4096))
		}},
		{"zeroed", func() { write(t, device(t, d, v), 3<<20, make([]byte, 1<<20)) }},
		{"discarded", func() { run(t, "blkdiscard", "-o", "1048576", "-l", "1048576", device(t, d, v)) }},
		{"discarded and written", func() {
			run(t, "blkdiscard", device(t, d, v))
			write(t, device(t, d, v), 64<<10, piece(4, 64<<10))
		}},
		{"reverted", func() { require.NoError(t, d.RevertToSnapshot(t.Context(), v, older)) }},
		{"reverted again, and written", func() {
			write(t, device(t, d, v), 0, piece(5, 2<<20))
			require.NoError(t, d.RevertToSnapshot(t.Context(), v, older))
			write(t, device(t, d, v), 100, piece(6, 100))
		}},
		{"extended", func() {
			require.NoError(t, d.ExtendVolume(t.Context(), v, 2*size))
			v.Size = 2 * size
			write(t, device(t, d, v), size+100, piece(7, 100))
		}},
		{"overwritten", func() { write(t, device(t, d, v), 0, piece(8, 2*size)) }},
	} {
		c.change()
		snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
		require.NoError(t, err)
		was, is := held(t, d, base), held(t, d, snap)
		changed := make([]bool, len(is)/4096)
		for e, err := range d.ChangedExtents(t.Context(), base, snap) {
			require.NoError(t, err, c.name)
			for at := e.Offset / 4096; at < (e.Offset+e.Length)/4096; at++ {
				changed[at] = true
			}
		}
		for at := range changed {
			page := is[at*4096:][:4096]
			if at*4096 >= len(was) || !bytes.Equal(page, was[at*4096:][:4096]) {
				require.True(t, changed[at], "%s: page %d differs", c.name, at)
			}
		}
		require.NoError(t, d.KeepBase(t.Context(), snap))
		base = snap
	}
	require.NoError(t, d.DeleteSnapshot(t.Context(), older))
	require.NoError(t, d.DeleteVolume(t.Context(), v))
	require.Nil(t, bases(t, d))
}

// held is what a snapshot holds.
func held(t *testing.T, d *lvm.Driver, snap drivers.Snapshot) []byte {
	t.Helper()
	r, err := d.OpenSnapshot(t.Context(), snap)
	require.NoError(t, err)
	defer r.Close()
	all := make([]byte, r.Size())
	_, err = r.ReadAt(all, 0)
	require.NoError(t, err)
	return all
}
