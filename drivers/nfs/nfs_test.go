package nfs_test

import (
	"bytes"
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
	"github.com/clinker-storage/clinker/drivers/nfs"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

const shareVariable = "CLINKER_TEST_NFS_SHARE"

// The tests run in a node, whose kernel has an NFS client, on a server outside.
func TestInNode(t *testing.T) {
	rig.TestInNode(t, rig.StorageNode(t), "^TestInside", shareVariable+"="+rig.NFS(t, rig.GiB).Share)
}

// config is of a backend with this share, which is unmounted in the end.
func config(t *testing.T, share string, more map[string]string) drivers.Config {
	t.Helper()
	base := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(base, "nfs_shares"), []byte(share+"\n"), 0o600))
	t.Cleanup(func() {
		points, _ := filepath.Glob(filepath.Join(base, "mnt", "*"))
		for _, p := range points {
			for unix.Unmount(p, unix.MNT_DETACH) == nil {
			}
		}
	})
	cfg := drivers.Config{
		Backend: "nfs", Host: "node1", BackendName: "NFS", CloudID: "cloud-1",
		Options: map[string]string{
			"nfs_shares_config": filepath.Join(base, "nfs_shares"), "nfs_mount_point_base": filepath.Join(base, "mnt"),
			"nfs_mount_options": "sec=sys", "nfs_mount_attempts": "1",
		},
	}
	for key, value := range more {
		cfg.Options[key] = value
	}
	return cfg
}

func newDriver(t *testing.T, cfg drivers.Config) *sharefs.Driver {
	t.Helper()
	d, err := nfs.New(context.Background(), cfg)
	require.NoError(t, err)
	return d.(*sharefs.Driver)
}

// folder makes a folder of the export: an empty share by itself.
func folder(t *testing.T) (share string) {
	t.Helper()
	root := config(t, os.Getenv(shareVariable), nil)
	require.NoError(t, newDriver(t, root).Check(t.Context()))
	name := "t" + strconv.Itoa(os.Getpid()) + "-" + uuid.NewString()[:8]
	require.NoError(t, os.Mkdir(filepath.Join(point(root, os.Getenv(shareVariable)), name), 0o755))
	return os.Getenv(shareVariable) + "/" + name
}

func point(cfg drivers.Config, share string) string {
	return filepath.Join(cfg.Options["nfs_mount_point_base"], sharefs.Share{Address: share}.Point())
}

func TestInsideRaw(t *testing.T) { conformance(t, nil) }
func TestInsideThick(t *testing.T) {
	conformance(t, map[string]string{"nas_volume_prov_type": "thick"})
}

func TestInsideQcow2(t *testing.T) { conformance(t, map[string]string{"nfs_qcow2_volumes": "true"}) }

// conformance runs the suite on one mount that stays, since mounting takes longer than a test; each begins with an empty folder.
func conformance(t *testing.T, options map[string]string) {
	cfg := config(t, os.Getenv(shareVariable), options)
	drivertest.Run(t, func(t *testing.T) drivers.Driver {
		t.Cleanup(func() { empty(t, point(cfg, os.Getenv(shareVariable))) })
		return newDriver(t, cfg)
	}, drivertest.Options{Open: sharetest.Open, Size: 1 << 20, Rounds: 3})
}

func empty(t *testing.T, folder string) {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		require.NoError(t, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
}

// Two mounts of one export, in turn: what one changed the other sees at once, without waiting anything out.
func TestInsideTwoHosts(t *testing.T) {
	share := folder(t)
	// Each gets a client of its own in the kernel, as two hosts have.
	one := newDriver(t, config(t, share, map[string]string{"nas_mount_options": "nosharecache"}))
	two := newDriver(t, config(t, share, map[string]string{"nas_mount_options": "nosharecache"}))
	v, err := one.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	now := make([]byte, 1<<20)
	for n := range 6 {
		a, b := one, two
		if n%2 == 1 {
			a, b = two, one
		}
		_, err := b.Source(t.Context(), v)
		require.NoError(t, err)
		id := uuid.NewString()
		_, err = a.CreateSnapshot(t.Context(), drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: v})
		require.NoError(t, err)
		src, err := b.Source(t.Context(), v)
		require.NoError(t, err)
		require.Equal(t, v.Name+"."+id, filepath.Base(src.Path))
		piece := bytes.Repeat([]byte{byte(n + 1)}, 64<<10)
		sharetest.Write(t, b, v, int64(n)<<16, piece)
		copy(now[n<<16:], piece)
		require.True(t, bytes.Equal(now, sharetest.Read(t, a, v)))
		if n%2 == 1 {
			require.NoError(t, b.DeleteSnapshot(t.Context(), drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: v}))
			require.True(t, bytes.Equal(now, sharetest.Read(t, a, v)))
		}
	}
}

// The export is unmounted under us: it is mounted again; a server or path that is not there is named.
func TestInsideMounts(t *testing.T) {
	share := folder(t)
	cfg := config(t, share, nil)
	d := newDriver(t, cfg)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	require.NoError(t, unix.Unmount(point(cfg, share), unix.MNT_DETACH))
	found, err := d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, v.Size, found.Size)
	require.Equal(t, share, found.Location)

	err = newDriver(t, config(t, share+"/none", nil)).Check(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorContains(t, err, share+"/none")
	var e *drivers.Error
	require.True(t, errors.As(err, &e))
	require.Contains(t, e.Hint, "by hand")
}
