package nfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/nfs"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

const shareVariable = "CLINKER_TEST_NFS_SHARE"

// The tests below TestInside run in a node, whose kernel has an NFS client, on a server outside.
func TestInNode(t *testing.T) {
	node := rig.StorageNode(t)
	server := rig.NFS(t, rig.GiB)
	rig.TestInNode(t, node, "^TestInside", shareVariable+"="+server.Share)
}

// options are of the share; what is mounted is unmounted in the end.
func options(t *testing.T) nfs.Options {
	base := filepath.Join(t.TempDir(), "mounts")
	t.Cleanup(func() {
		for _, p := range points(base) {
			for unix.Unmount(p, unix.MNT_DETACH) == nil {
			}
		}
	})
	return nfs.Options{Share: os.Getenv(shareVariable), Base: base, Attempts: 1}
}

func points(base string) []string {
	all, _ := filepath.Glob(filepath.Join(base, "*"))
	return all
}

func open(t *testing.T, o nfs.Options) *nfs.Store {
	s, err := nfs.New(o)
	require.NoError(t, err)
	return s
}

func TestInsideConformance(t *testing.T) {
	o := options(t)
	storetest.Run(t, func(t *testing.T) backups.Store { return open(t, o) })
	require.Equal(t, backups.Properties{Kind: "nfs", Location: o.Share}, open(t, o).Properties())
}

// A share that is not mounted is mounted; with something else in its place the store is away, and nothing is written there.
func TestInsideMounts(t *testing.T) {
	o := options(t)
	s := open(t, o)
	require.NoError(t, s.Put(t.Context(), "kept/object", []byte("bytes")))
	point := points(o.Base)[0]
	require.NoError(t, unix.Unmount(point, 0))
	got, err := backups.ReadAll(t.Context(), s, "kept/object", 10)
	require.NoError(t, err)
	require.Equal(t, "bytes", string(got))

	require.NoError(t, unix.Unmount(point, 0))
	require.NoError(t, unix.Mount("other", point, "tmpfs", 0, ""))
	require.ErrorIs(t, s.Put(t.Context(), "kept/object", []byte("other")), drivers.ErrUnavailable)
	_, err = s.Stat(t.Context(), "kept/object")
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	there, err := os.ReadDir(point)
	require.NoError(t, err)
	require.Empty(t, there)
	require.NoError(t, unix.Unmount(point, 0))
	require.NoError(t, s.Delete(t.Context(), "kept/object"))

	o.Share = "198.18.255.254:/export"
	o.Options = "timeo=10,retrans=1,retry=0"
	err = open(t, o).Check(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, drivers.Hint(err), "mount -t nfs")
}

func TestOptions(t *testing.T) {
	base := t.TempDir()
	for _, o := range []nfs.Options{
		{Base: base},
		{Share: "host", Base: base},
		{Share: "host:path", Base: base},
		{Share: ":/path", Base: base},
		{Share: "-o:/path", Base: base},
		{Share: "host:/path", Base: "relative"},
		{Share: "host:/path", Base: base, Options: "-o ro"},
		{Share: "host:/a b", Base: base},
	} {
		_, err := nfs.New(o)
		require.ErrorIs(t, err, drivers.ErrInvalid, "%+v", o)
	}
	for _, share := range []string{"host:/path", "198.51.100.1:/a/b", "[2001:db8::1]:/path"} {
		s, err := nfs.New(nfs.Options{Share: share, Base: base})
		require.NoError(t, err, share)
		require.Equal(t, share, s.Properties().Location)
	}
}
