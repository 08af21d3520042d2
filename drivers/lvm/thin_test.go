package lvm_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/lvm"
)

// The first start makes the pool; a later one that misses it says so and makes none.
func TestInsideThinPool(t *testing.T) {
	freshGroup(t)
	cfg := config(t, thin)
	d := open(t, cfg)
	report := strings.Fields(run(t, "lvs", "--noheadings", "--units", "b", "--nosuffix", "-o", "lv_size,zero", group+"/"+group+"-pool"))
	size, err := strconv.ParseFloat(report[0], 64)
	require.NoError(t, err)
	require.InDelta(t, 0.95*4*(1<<30), size, 64<<20)
	require.Equal(t, "zero", report[1])

	run(t, "lvchange", "-Z", "n", group+"/"+group+"-pool")
	err = d.Check(t.Context())
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.Contains(t, drivers.Hint(err), "lvchange -Z y")
	run(t, "lvchange", "-Z", "y", group+"/"+group+"-pool")
	require.NoError(t, d.Check(t.Context()))

	run(t, "lvm", "lvremove", "-y", group+"/"+group+"-pool")
	again, err := lvm.New(t.Context(), cfg)
	require.NoError(t, err)
	defer again.Close()
	require.ErrorIs(t, again.Check(t.Context()), drivers.ErrUnavailable)
	_, err = again.CreateVolume(t.Context(), drivertest.NewVolume(8<<20))
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Empty(t, strings.TrimSpace(run(t, "lvs", "--noheadings", group)))
}

// smallPool makes a driver whose pool is full after some MiB, and fails writes at once rather than after a minute.
func smallPool(t *testing.T, mib string) *lvm.Driver {
	t.Helper()
	freshGroup(t)
	run(t, "lvm", "lvcreate", "-y", "--type", "thin-pool", "-L", mib+"M", "--poolmetadatasize", "4M", "-n", group+"-pool", group)
	run(t, "lvchange", "--errorwhenfull", "y", group+"/"+group+"-pool")
	return open(t, config(t, thin))
}

// A pool that fills up refuses what is new before it is full, and when it is, its other volumes keep their bytes
// (data-safety rule 11).
func TestInsideThinFull(t *testing.T) {
	d := smallPool(t, "64")
	kept, filler := drivertest.NewVolume(16<<20), drivertest.NewVolume(256<<20)
	for _, v := range []drivers.Volume{kept, filler} {
		_, err := d.CreateVolume(t.Context(), v)
		require.NoError(t, err)
	}
	write(t, device(t, d, kept), 0, secret)
	path := device(t, d, filler)
	write(t, path, 0, make([]byte, 60<<20))

	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, stats[0].Extra["data_percent"], 90.0)
	require.Zero(t, stats[0].Free.GiB)
	require.Equal(t, "up", stats[0].BackendState)
	_, create := d.CreateVolume(t.Context(), drivertest.NewVolume(8<<20))
	_, snap := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(kept))
	_, clone := d.CloneVolume(t.Context(), drivertest.NewVolume(16<<20), kept)
	for _, err := range []error{create, snap, clone} {
		require.ErrorIs(t, err, drivers.ErrNoSpace)
		require.ErrorContains(t, err, "90 %")
		require.Contains(t, drivers.Hint(err), "lvextend")
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, 16<<20), 60<<20)
	if err == nil {
		err = f.Sync()
	}
	require.Error(t, err, "the pool is full")
	f.Close()
	require.Equal(t, secret, read(t, device(t, d, kept), 0, int64(len(secret))))

	// As the hint says.
	run(t, "lvm", "lvextend", "-L", "+128M", group+"/"+group+"-pool")
	_, err = d.CreateVolume(t.Context(), drivertest.NewVolume(8<<20))
	require.NoError(t, err)
	require.Equal(t, secret, read(t, device(t, d, kept), 0, int64(len(secret))))
}

// The group's own description has limits, too (data-safety rule 15).
func TestInsideThinGroupMetadata(t *testing.T) {
	d := newDriver(t, thin)
	kept := drivertest.NewVolume(4 << 20)
	_, err := d.CreateVolume(t.Context(), kept)
	require.NoError(t, err)
	fill := func(from, to int) {
		args := []string{"lvm", "vgchange"}
		for i := from; i < to; i++ {
			args = append(args, "--addtag", strconv.Itoa(i)+strings.Repeat("x", 1000))
		}
		run(t, append(args, group)...)
	}
	left := func() float64 {
		stats, err := d.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, stats[0].Extra["refuses"] != nil, stats[0].Free.GiB == 0)
		return stats[0].Extra["vg_metadata_free_percent"].(float64)
	}
	require.Greater(t, left(), 98.0)
	fill(0, 440)
	for n := 440; left() > 6; n += 10 {
		require.Less(t, n, 600)
		fill(n, n+10)
	}
	_, create := d.CreateVolume(t.Context(), drivertest.NewVolume(4<<20))
	_, snap := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(kept))
	for _, err := range []error{create, snap} {
		require.ErrorIs(t, err, drivers.ErrNoSpace)
		require.ErrorContains(t, err, "metadata area is nearly full")
		require.Contains(t, drivers.Hint(err), "--metadatasize")
	}
	require.NoError(t, d.DeleteVolume(t.Context(), kept), "what is there can still be removed")
}

// Another volume group of our name is not taken for ours, and hides nothing (data-safety rule 4). LVM's filter is open, as
// it is out of the box.
func TestInsideThinDuplicateGroup(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "lvm.conf")
	require.NoError(t, os.WriteFile(conf, []byte(`
activation { udev_sync=0 udev_rules=0 monitoring=0 verify_udev_operations=0 }
devices { use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none" filter=["a|.*|"] }
global { event_activation=0 use_lvmpolld=0 }
`), 0o600))
	// The tenant makes his group in his guest, where ours is not.
	image := filepath.Join(t.TempDir(), "tenant.img")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 200<<20))
	attach := func() string { return strings.TrimSpace(run(t, "losetup", "-f", "--show", image)) }
	env := append(os.Environ(), "LVM_SYSTEM_DIR="+filepath.Dir(conf))
	loop := attach()
	for _, args := range [][]string{{"pvcreate", "--devices", loop, "-y", loop}, {"vgcreate", "--devices", loop, group, loop}} {
		c := exec.Command(args[0], args[1:]...)
		c.Env = env
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run(t, "losetup", "-d", loop)

	freshGroup(t)
	cfg := config(t, map[string]string{"lvm_type": "thin", "lvm_conf_file": conf})
	d := open(t, cfg)
	v := drivertest.NewVolume(8 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	loop = attach()
	t.Cleanup(func() { exec.Command("losetup", "-d", loop).Run() })
	bare := exec.Command("lvs", group)
	bare.Env = env
	require.Error(t, bare.Run(), "LVM itself answers nothing about this name any more")

	_, err = d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, []string{v.Name}, names(t, d))
	other := drivertest.NewVolume(8 << 20)
	_, err = d.CreateVolume(t.Context(), other)
	require.NoError(t, err)
	require.NoError(t, d.DeleteVolume(t.Context(), v))
	open(t, cfg) // a restart knows ours by its uuid

	// A node that never knew it can't tell which is meant.
	cfg.StateDir = t.TempDir()
	fresh, err := lvm.New(t.Context(), cfg)
	require.NoError(t, err)
	defer fresh.Close()
	_, find := fresh.FindVolume(t.Context(), other.ID)
	for _, err := range []error{fresh.Check(t.Context()), find, fresh.DeleteVolume(t.Context(), other)} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.NotErrorIs(t, err, drivers.ErrNotFound)
		require.ErrorContains(t, err, "several volume groups")
	}
}

// The disks are away: nothing is absent, and nothing is made.
func TestInsideThinGroupAway(t *testing.T) {
	cfg := config(t, thin)
	freshGroup(t)
	d := open(t, cfg)
	v := drivertest.NewVolume(8 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	run(t, "vgchange", "-an", group)
	// LVM is shown no disk at all.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lvm.conf"), []byte(`devices { use_devicesfile=0 filter=["r|.*|"] global_filter=["r|.*|"] }`), 0o600))
	cfg.Options["lvm_conf_file"] = filepath.Join(dir, "lvm.conf")
	away, err := lvm.New(t.Context(), cfg)
	require.NoError(t, err)
	defer away.Close()
	_, find := away.FindVolume(t.Context(), v.ID)
	_, stats := away.Stats(t.Context())
	_, create := away.CreateVolume(t.Context(), drivertest.NewVolume(8<<20))
	for _, err := range []error{find, stats, create, away.DeleteVolume(t.Context(), v), away.Check(t.Context())} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.Contains(t, drivers.Hint(err), group)
	}
	for _, err := range away.Volumes(t.Context()) {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
	}
	// Back again, inactive as after a boot.
	require.Equal(t, []string{v.Name}, names(t, d))
	require.FileExists(t, device(t, d, v))
}

// A comparison that was killed leaves the pool's one snapshot of its tables; the next start lets it go (data-safety rule 10).
func TestInsideThinStaleTables(t *testing.T) {
	cfg := config(t, thin)
	freshGroup(t)
	d := open(t, cfg)
	v := drivertest.NewVolume(8 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	pool := strings.ReplaceAll(group, "-", "--") + "-" + strings.ReplaceAll(group+"-pool", "-", "--") + "-tpool"
	held := func() string { return strings.Fields(run(t, "dmsetup", "status", pool))[6] }
	run(t, "dmsetup", "message", pool, "0", "reserve_metadata_snap")
	require.NotEqual(t, "-", held())
	open(t, cfg)
	require.Equal(t, "-", held())

	one, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	write(t, device(t, d, v), 1<<20, bytes.Repeat([]byte{7}, 4096))
	two, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	run(t, "dmsetup", "message", pool, "0", "reserve_metadata_snap")
	var changed []drivers.Extent
	for e, err := range d.ChangedExtents(t.Context(), one, two) {
		require.NoError(t, err, "it does not stand in the way of the next comparison either")
		changed = append(changed, e)
	}
	require.Equal(t, []drivers.Extent{{Offset: 1 << 20, Length: 64 << 10}}, changed)
	require.Equal(t, "-", held())
}

// A clone and a snapshot of a thin volume take no time, whatever its size.
func TestInsideThinCloneOfMuch(t *testing.T) {
	d := newDriver(t, thin)
	v, clone := drivertest.NewVolume(1<<40), drivertest.NewVolume(1<<40)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	write(t, device(t, d, v), 1<<39, secret)
	begun := time.Now()
	_, err = d.CloneVolume(t.Context(), clone, v)
	require.NoError(t, err)
	t.Logf("clone of 1 TiB in %v", time.Since(begun))
	require.Equal(t, secret, read(t, device(t, d, clone), 1<<39, int64(len(secret))))
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 2048, stats[0].ProvisionedGiB, 0.01)
	require.Less(t, stats[0].Extra["data_percent"], 1.0)
}

// export has LIO hold a device open, as a target does.
func export(t *testing.T, path string) (remove func()) {
	t.Helper()
	const hba = "/sys/kernel/config/target/core/iblock_0"
	store := hba + "/lvmtest"
	require.NoError(t, os.MkdirAll(store, 0o755))
	require.NoError(t, os.WriteFile(store+"/control", []byte("udev_path="+path), 0o600))
	require.NoError(t, os.WriteFile(store+"/udev_path", []byte(path), 0o600))
	require.NoError(t, os.WriteFile(store+"/enable", []byte("1"), 0o600))
	remove = func() {
		os.Remove(store) // one by one: configfs knows no files to remove
		os.Remove(hba)
	}
	t.Cleanup(remove)
	return remove
}

// An exported volume is not deleted and not reverted, and the operator reads what holds it; it is extended, and snapshots
// are taken (data-safety rule 5).
func TestInsideThinExported(t *testing.T) {
	d := newDriver(t, thin)
	v := drivertest.NewVolume(16 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	path := device(t, d, v)
	write(t, path, 0, []byte("before"))
	remove := export(t, path)
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	require.NoError(t, d.ExtendVolume(t.Context(), v, 32<<20))
	for _, err := range []error{d.RevertToSnapshot(t.Context(), v, snap), d.DeleteVolume(t.Context(), v)} {
		require.ErrorIs(t, err, drivers.ErrBusy)
	}
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap))
	err = d.DeleteVolume(t.Context(), v)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.Contains(t, drivers.Hint(err), "LIO export lvmtest")
	remove()

	run(t, "mkfs.ext4", "-q", path)
	point := t.TempDir()
	run(t, "mount", path, point)
	err = d.DeleteVolume(t.Context(), v)
	run(t, "umount", point)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.Contains(t, drivers.Hint(err), "mount "+point)
	require.NoError(t, d.DeleteVolume(t.Context(), v))
}

// A snapshot that somebody made by hand of one of our volumes is taken in, and let go again.
func TestInsideThinAdoptSnapshot(t *testing.T) {
	d := newDriver(t, thin)
	v := drivertest.NewVolume(8 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	write(t, device(t, d, v), 0, []byte("before"))
	run(t, "lvm", "lvcreate", "-y", "-kn", "--snapshot", "-n", "theirs", group+"/"+v.Name)
	write(t, device(t, d, v), 0, []byte("after!"))
	list := func() (all []drivers.Adoptable) {
		for item, err := range d.AdoptableSnapshots(t.Context()) {
			require.NoError(t, err)
			all = append(all, item)
		}
		return all
	}
	require.Equal(t, []drivers.Adoptable{{Ref: "theirs", Size: v.Size, SourceRef: v.Name}}, list())
	snap := drivertest.NewSnapshot(v)
	_, err = d.AdoptSnapshot(t.Context(), snap, "none")
	require.ErrorIs(t, err, drivers.ErrNotFound)
	_, err = d.AdoptSnapshot(t.Context(), snap, v.Name)
	require.ErrorIs(t, err, drivers.ErrExists)
	for range 2 {
		made, err := d.AdoptSnapshot(t.Context(), snap, "theirs")
		require.NoError(t, err)
		require.Equal(t, snap.ID, made.ID)
	}
	require.Equal(t, []drivers.Adoptable{{Ref: "_" + snap.Name, Size: v.Size, SourceRef: v.Name, ID: snap.ID, Reason: "is managed already"}}, list())
	require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrBusy)
	made := drivertest.NewVolume(v.Size)
	_, err = d.CreateFromSnapshot(t.Context(), made, snap)
	require.NoError(t, err)
	require.Equal(t, "before", string(read(t, device(t, d, made), 0, 6)))

	ref, err := d.ReleaseSnapshot(t.Context(), snap)
	require.NoError(t, err)
	require.Empty(t, tags(t, ref))
	_, err = d.ReleaseSnapshot(t.Context(), snap)
	require.NoError(t, err, "a second time")
	require.NoError(t, d.DeleteVolume(t.Context(), v), "a thin snapshot of others stands by itself")
	require.Equal(t, "before", string(read(t, "/dev/"+group+"/"+ref, 0, 6)))
}
