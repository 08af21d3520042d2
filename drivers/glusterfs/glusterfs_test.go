package glusterfs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/glusterfs"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// config is of a backend with these shares, which are unmounted in the end.
func config(t *testing.T, lines string, more map[string]string) drivers.Config {
	t.Helper()
	base := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(base, "shares.conf"), []byte(lines+"\n"), 0o600))
	t.Cleanup(func() {
		points, _ := filepath.Glob(filepath.Join(base, "mnt", "*"))
		for _, p := range points {
			for unix.Unmount(p, unix.MNT_DETACH) == nil {
			}
		}
	})
	cfg := drivers.Config{
		Backend: "glusterfs", Host: "node1", BackendName: "GFS", CloudID: "cloud-1",
		Options: map[string]string{
			"glusterfs_shares_config": filepath.Join(base, "shares.conf"), "glusterfs_mount_point_base": filepath.Join(base, "mnt"),
		},
	}
	for key, value := range more {
		cfg.Options[key] = value
	}
	return cfg
}

func newDriver(t *testing.T, cfg drivers.Config) *sharefs.Driver {
	t.Helper()
	d, err := glusterfs.New(context.Background(), cfg)
	require.NoError(t, err)
	return d.(*sharefs.Driver)
}

// point is where a backend mounts a share.
func point(cfg drivers.Config, share string) string {
	return filepath.Join(cfg.Options["glusterfs_mount_point_base"], sharefs.Share{Address: share}.Point())
}

func newSnapshot(v drivers.Volume) drivers.Snapshot {
	id := uuid.NewString()
	return drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: v}
}

func create(t *testing.T, d drivers.Driver, size drivers.Bytes) drivers.Volume {
	t.Helper()
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(size))
	require.NoError(t, err)
	return v
}

func hintOf(t *testing.T, err error) string {
	t.Helper()
	var e *drivers.Error
	require.True(t, errors.As(err, &e), "%v", err)
	require.NotEmpty(t, e.Hint)
	return e.Hint
}

// The suite on a replica of two, for each way to keep a volume. A folder of the volume that is mounted by itself is an empty
// share for each subtest.
func TestConformance(t *testing.T) {
	t.Parallel()
	g := rig.Gluster(t)
	at := g.Mount(g.Share)
	n := 0
	for name, options := range map[string]map[string]string{
		"raw": nil, "thick": {"nas_volume_prov_type": "thick"}, "qcow2": {"glusterfs_qcow2_volumes": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(t *testing.T) drivers.Driver {
				n++
				sub := "t" + strconv.Itoa(n)
				require.NoError(t, os.Mkdir(filepath.Join(at, sub), 0o755))
				t.Cleanup(func() { empty(t, filepath.Join(at, sub)) }) // some fill it up
				return newDriver(t, config(t, g.Share+"/"+sub, options))
			}, drivertest.Options{Open: sharetest.Open, Size: 4 << 20, Rounds: 3})
		})
	}
}

// empty gives back the room that a share takes. It removes nothing: a brick of GlusterFS 10.3 may never answer the removal of a file that a client wrote less
// than a second before it went (its lock is there still when the removal comes, and nobody wakes that when it goes).
func empty(t *testing.T, share string) {
	t.Helper()
	entries, err := os.ReadDir(share)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Type().IsRegular() {
			require.NoError(t, os.Truncate(filepath.Join(share, e.Name()), 0))
		}
	}
}
