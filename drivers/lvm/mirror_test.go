package lvm_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/tests/rig"
)

// With lvm_mirrors each volume lies on two disks, the pool has room for half as much, and all the rest is as without.
func TestInsideThickMirrored(t *testing.T) {
	disks := rig.InsideDisks()[:2]
	run(t, append([]string{"vgcreate", "-q", "-y", group}, disks...)...)
	t.Cleanup(func() {
		exec.Command("vgremove", "-f", "-y", group).Run()
		exec.Command("pvremove", append([]string{"-f", "-y"}, disks...)...).Run()
	})
	d := open(t, config(t, map[string]string{"lvm_type": "default", "lvm_mirrors": "1"}))
	stats := func() drivers.PoolStats {
		t.Helper()
		all, err := d.Stats(t.Context())
		require.NoError(t, err)
		return all[0]
	}
	before := stats()
	require.InDelta(t, 10, before.Total.GiB, 0.1, "half of 4 and 16 GiB")

	const size = 16 << 20
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(size))
	require.NoError(t, err)
	legs := run(t, "lvs", "-a", "--noheadings", "-o", "lv_name,devices", group)
	for _, disk := range disks {
		require.Contains(t, legs, disk, "each disk has the bytes")
	}
	require.Equal(t, "raid1", strings.TrimSpace(run(t, "lvs", "--noheadings", "-o", "segtype", group+"/"+v.Name)))
	smear(t, device(t, d, v), size)
	want := append(read(t, device(t, d, v), 0, size), make([]byte, size)...)
	after := stats()
	require.Equal(t, 1, after.TotalVolumes)
	require.InDelta(t, 0.02, after.ProvisionedGiB, 0.01)
	require.InDelta(t, before.Free.GiB-0.02, after.Free.GiB, 0.015)

	require.NoError(t, d.ExtendVolume(t.Context(), v, 2*size))
	v.Size = 2 * size
	require.True(t, bytes.Equal(want, read(t, device(t, d, v), 0, 2*size)), "the old part has its bytes, the new one reads zero")
	clone, err := d.CloneVolume(t.Context(), drivertest.NewVolume(2*size), v)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, read(t, device(t, d, clone), 0, 2*size)))
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	require.ErrorIs(t, d.ExtendVolume(t.Context(), v, 3*size), drivers.ErrBusy)
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap))
	for _, gone := range []drivers.Volume{clone, v} {
		require.NoError(t, d.DeleteVolume(t.Context(), gone))
	}
	require.Empty(t, strings.TrimSpace(run(t, "lvs", "-a", "--noheadings", group)))
	require.Equal(t, before.Free, stats().Free)
}
