package nfs_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

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
	ended := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() { killOnDemand(t, node.Share, server, ended) })
	rig.TestInNode(t, node, "^TestInside", shareVariable+"="+server.Share)
	close(ended)
	killer.Wait()
}

// killOnDemand kills the server whenever a test inside asks for it, tells it, and starts the server again.
func killOnDemand(t *testing.T, share string, server *rig.NFSServer, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(20 * time.Millisecond):
		}
		asked, err := filepath.Glob(filepath.Join(share, "kill-*"))
		if err != nil || len(asked) == 0 {
			continue
		}
		server.Kill()
		if err := os.Rename(asked[0], filepath.Join(share, "done-"+filepath.Base(asked[0]))); err != nil {
			t.Error(err)
		}
		server.Start()
	}
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

// The server is killed in the middle of a backup, and of a restore, and comes back: both end right, and nothing else is in the share.
func TestInsideServerKilled(t *testing.T) {
	s := backups.Retry(open(t, options(t)), 4, time.Second)
	data := make([]byte, 64<<20)
	rand.Read(data)
	killed := func(what string) func(backups.Progress) {
		var once sync.Once
		return func(p backups.Progress) {
			if p.Done < p.Total/3 {
				return
			}
			once.Do(func() {
				require.Less(t, p.Done, p.Total)
				require.NoError(t, os.WriteFile("/host/kill-"+what, nil, 0o600))
				require.Eventually(t, func() bool { _, err := os.Stat("/host/done-kill-" + what); return err == nil }, time.Minute, 5*time.Millisecond)
			})
		}
	}
	m, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: 8 << 20, Progress: killed("backup")})
	require.NoError(t, err)
	to := backups.Bytes(make([]byte, len(data)))
	_, err = backups.Restore(t.Context(), s, "b", to, backups.RestoreOptions{Progress: killed("restore")})
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, to))
	objects := 1
	for _, a := range m.Attempts {
		objects += int(a.Packs)
	}
	count := func() (n int) {
		for _, err := range s.List(t.Context(), "") {
			require.NoError(t, err)
			n++
		}
		return n
	}
	require.Equal(t, objects, count())
	require.NoError(t, backups.Delete(t.Context(), s, "b"))
	require.Zero(t, count())
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
