package lvm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/lvm"
	"github.com/clinker-storage/clinker/tests/rig"
)

const group = "cinder-volumes"

// run runs a program in the node and returns what it said.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%s: %s", strings.Join(args, " "), out)
	return string(out)
}

// disk is the node's data disk.
func disk() string { return rig.InsideDisks()[0] }

// blankGroup makes an empty group, small enough to search, on a disk without anything on it.
func blankGroup(t *testing.T) {
	t.Helper()
	run(t, "blkdiscard", "-f", "-z", "-l", "256M", disk())
	run(t, "pvcreate", "-q", "-y", "--setphysicalvolumesize", "256M", disk())
	freshGroup(t)
}

// freshGroup makes an empty volume group, and takes it away at the end.
func freshGroup(t *testing.T) {
	t.Helper()
	run(t, "vgcreate", "-q", "-y", group, disk())
	t.Cleanup(func() {
		exec.Command("vgremove", "-f", "-y", group).Run()
		run(t, "pvremove", "-f", "-y", disk())
		left, err := filepath.Glob("/dev/mapper/*-*")
		require.NoError(t, err)
		require.Empty(t, left, "devices are left behind")
	})
}

// config is that of a backend with these options.
func config(t *testing.T, options map[string]string) drivers.Config {
	all := map[string]string{"volume_group": group}
	for k, v := range options {
		all[k] = v
	}
	return drivers.Config{Backend: "lvm1", Host: "node", CloudID: "cloud-1", Options: all, StateDir: t.TempDir()}
}

var (
	thin  = map[string]string{"lvm_type": "thin"}
	thick = map[string]string{"lvm_type": "default"}
	// keeping is thin with bases for the next backup.
	keeping = map[string]string{"lvm_type": "thin", "backup_keep_base_snapshot": "true"}
)

// newDriver makes a checked driver on an empty group.
func newDriver(t *testing.T, options map[string]string) *lvm.Driver {
	t.Helper()
	freshGroup(t)
	return open(t, config(t, options))
}

// open makes another driver of the same group.
func open(t *testing.T, cfg drivers.Config) *lvm.Driver {
	t.Helper()
	d, err := lvm.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	err = d.Check(t.Context())
	require.NoError(t, err, drivers.Hint(err))
	return d.(*lvm.Driver)
}

// conformance runs the suite on one group, which is emptied after each test: to make and remove one takes longer than most tests.
func conformance(t *testing.T, options map[string]string) {
	freshGroup(t)
	drivertest.Run(t, func(t *testing.T) drivers.Driver {
		t.Cleanup(func() { emptyGroup(t) })
		d, err := lvm.New(t.Context(), config(t, options))
		require.NoError(t, err)
		return d
	}, drivertest.Options{Rounds: 2})
}

// emptyGroup removes all volumes of the group; a thin pool stays.
func emptyGroup(t *testing.T) {
	t.Helper()
	const volumes = `lv_attr!~"^t"` // a pool is t
	if strings.TrimSpace(run(t, "lvs", "--noheadings", "-o", "lv_name", "-S", volumes, group)) == "" {
		return
	}
	exec.Command("lvremove", "-q", "-f", "-y", "-S", volumes, group).Run() // snapshots may have gone with their origin
	require.Empty(t, strings.TrimSpace(run(t, "lvs", "--noheadings", "-o", "lv_name", "-S", volumes, group)))
}

func TestInsideThinConformance(t *testing.T) {
	conformance(t, keeping)
}

func TestInsideThickConformance(t *testing.T) {
	conformance(t, thick)
}

// names lists the volumes that the driver shows.
func names(t *testing.T, d drivers.Driver) (all []string) {
	t.Helper()
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		all = append(all, v.Name)
	}
	return all
}

// device is the path of a volume's device.
func device(t *testing.T, d drivers.Driver, v drivers.Volume) string {
	t.Helper()
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	return src.Path
}

// write puts data on a volume and syncs it.
func write(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt(data, at)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
}

// read reads from a device.
func read(t *testing.T, path string, at, n int64) []byte {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	data := make([]byte, n)
	_, err = f.ReadAt(data, at)
	require.NoError(t, err)
	return data
}
