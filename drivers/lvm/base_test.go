package lvm_test

import (
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
