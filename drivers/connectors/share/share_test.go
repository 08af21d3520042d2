package share_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/connectortest"
	"github.com/clinker-storage/clinker/drivers/connectors/share"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/tests/rig"
)

// host is a host of the tests: its state folder, and the share at the share's own side.
type host struct {
	o    share.Options
	at   string // the share's address
	side string // a folder that shows the same files by another way
}

func newHost(t *testing.T, kind mounts.Kind, at, side string, stale time.Duration) host {
	return host{at: at, side: side, o: share.Options{
		Kind: kind, StateDir: filepath.Join(t.TempDir(), "state"), Machine: connectors.Machine("compute-1", "127.0.0.1"), Stale: stale,
	}}
}

func (h host) connector(t *testing.T) *share.Connector {
	c, err := share.New(h.o)
	require.NoError(t, err)
	return c
}

func (h host) volume(t *testing.T) connectortest.Volume {
	id := uuid.NewString()
	path := filepath.Join(h.side, "volume-"+id)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(connectortest.Size)))
	t.Cleanup(func() { os.Remove(path) })
	return connectortest.Volume{
		Info: models.FileConnection(id, models.FileLocation{Type: h.o.Kind.Name, Export: h.at, Name: "volume-" + id, Format: "raw"}),
		Read: func(off int64, n int) []byte { return connectortest.ReadFile(t, path, off, n) },
		Grow: func(n connectors.Bytes) { require.NoError(t, os.Truncate(path, int64(n))) },
	}
}

// left are mounts and notes.
func (h host) left(t *testing.T) (names []string) {
	require.NoError(t, filepath.WalkDir(h.o.StateDir, func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil // nothing was connected yet
		}
		if rel, _ := filepath.Rel(h.o.StateDir, path); err == nil && filepath.Dir(rel) != "." {
			names = append(names, rel)
		}
		return err
	}))
	return names
}

func (h host) suite(t *testing.T) {
	connectortest.Run(t, connectortest.Options{
		Left: h.left, Volume: h.volume, New: func(t *testing.T) connectors.Connector { return h.connector(t) },
	})
}

func TestGluster(t *testing.T) {
	g := rig.Gluster(t)
	side := filepath.Join(t.TempDir(), "side")
	other := mounts.Mounter{Kind: mounts.GlusterFS(), Base: side, Attempts: 3}
	h := newHost(t, mounts.GlusterFS(), g.Share, mounted(t, other, g.Share), share.GlusterStale)
	t.Run("suite", h.suite)
	t.Run("counted", h.counted)
	t.Run("dead mount", h.deadMount)
}

func TestNFS(t *testing.T) {
	server := rig.NFS(t, rig.GiB)
	rig.TestInNode(t, rig.StorageNode(t), "^TestInsideNFS$", "CLINKER_TEST_SHARE="+server.Share)
}

func TestInsideNFS(t *testing.T) {
	at := os.Getenv("CLINKER_TEST_SHARE")
	other := mounts.Mounter{Kind: mounts.NFS(), Base: filepath.Join(t.TempDir(), "side"), Attempts: 3}
	h := newHost(t, mounts.NFS(), at, mounted(t, other, at), 0)
	t.Run("suite", h.suite)
	t.Run("counted", h.counted)
}

// mounted mounts the share another time: another host's view.
func mounted(t *testing.T, m mounts.Mounter, address string) string {
	m.Run, m.Log = execx.New(nil), slog.New(slog.DiscardHandler)
	p := &mounts.Place{Address: address, Point: filepath.Join(m.Base, "at")}
	require.NoError(t, m.Ensure(t.Context(), p))
	t.Cleanup(func() { require.NoError(t, m.Unmount(context.Background(), p, true)) })
	return p.Point
}

// counted: the mount is shared, outlives all but the last, and a process that dies between two steps loses nothing.
func (h host) counted(t *testing.T) {
	ctx := t.Context()
	a, b, c := h.volume(t), h.volume(t), h.connector(t)
	d, err := c.Connect(ctx, a.Info)
	require.NoError(t, err)
	e, err := h.connector(t).Connect(ctx, b.Info)
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(d.Path), filepath.Dir(e.Path), "one mount for both")
	require.NoError(t, c.Disconnect(ctx, a.Info, false))
	require.FileExists(t, e.Path)

	// Something holds the mount, though not the volume: nothing is lost by asking again.
	dir, err := os.Open(filepath.Dir(e.Path))
	require.NoError(t, err)
	require.ErrorIs(t, c.Disconnect(ctx, b.Info, false), drivers.ErrBusy)
	require.NoError(t, dir.Close())
	require.NoError(t, c.Disconnect(ctx, b.Info, false), "what was left is finished")
	require.Empty(t, h.left(t))

	// A process died after it noted the volume, and one after it forgot it.
	_, err = c.Connect(ctx, a.Info)
	require.NoError(t, err)
	note, err := filepath.Glob(filepath.Join(h.o.StateDir, "shares/*/*"))
	require.NoError(t, err)
	require.Len(t, note, 1)
	require.NoError(t, os.Remove(note[0]))
	require.NoError(t, c.Disconnect(ctx, a.Info, false))
	require.Empty(t, h.left(t), "a mount that nobody needs")
	require.NoError(t, os.MkdirAll(filepath.Dir(note[0]), 0o700))
	require.NoError(t, os.WriteFile(note[0], nil, 0o600))
	require.NoError(t, c.Disconnect(ctx, a.Info, false))
	require.Empty(t, h.left(t), "a note without a mount")

	// A file that isn't there, or is none, leaves nothing.
	a.Info.Data["name"] = "volume-that-is-not-there"
	_, err = c.Connect(ctx, a.Info)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(h.side, "link")))
	a.Info.Data["name"] = "link"
	_, err = c.Connect(ctx, a.Info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Empty(t, h.left(t))
}

// deadMount: the client of a mount dies; whoever connects next mounts anew, and the volume can be given back.
func (h host) deadMount(t *testing.T) {
	ctx := t.Context()
	v, c := h.volume(t), h.connector(t)
	d, err := c.Connect(ctx, v.Info)
	require.NoError(t, err)
	point := filepath.Dir(d.Path)
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	killed := 0
	for _, p := range processes {
		text, _ := os.ReadFile(p)
		if words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00"); strings.HasSuffix(words[0], "glusterfs") && words[len(words)-1] == point {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(p)))
			require.NoError(t, err)
			require.NoError(t, unix.Kill(pid, unix.SIGKILL))
			killed++
		}
	}
	require.Equal(t, 1, killed, "clients of %s", point)
	require.Eventually(t, func() bool {
		_, err := os.Stat(d.Path)
		return err != nil
	}, time.Minute, 20*time.Millisecond)
	_, err = c.Connect(ctx, v.Info)
	require.NoError(t, err)
	require.FileExists(t, d.Path)
	require.NoError(t, c.Disconnect(ctx, v.Info, false))
	require.Empty(t, h.left(t))
}

func TestRefusals(t *testing.T) {
	h := newHost(t, mounts.GlusterFS(), "h:/v", t.TempDir(), 0)
	for what, change := range map[string]func(map[string]any){
		"no share":       func(d map[string]any) { delete(d, "export") },
		"an option":      func(d map[string]any) { d["export"] = "-oexec=x:/v" },
		"a way out":      func(d map[string]any) { d["name"] = "../../etc/passwd" },
		"hidden":         func(d map[string]any) { d["name"] = ".clinker-locks" },
		"no volume":      func(d map[string]any) { delete(d, "volume_id") },
		"a guess":        func(d map[string]any) { delete(d, "format") },
		"another format": func(d map[string]any) { d["format"] = "vmdk" },
		"a blank":        func(d map[string]any) { d["options"] = "-o ro,x=1 --bind" },
	} {
		info := models.FileConnection("1", models.FileLocation{Type: "glusterfs", Export: "h:/v", Name: "volume-1", Format: "raw"})
		change(info.Data)
		_, err := h.connector(t).Connect(t.Context(), info)
		require.ErrorIs(t, err, drivers.ErrInvalid, what)
	}
	require.NoDirExists(t, h.o.StateDir)

	h.o.Kind.Client, h.o.Kind.Packages = "mount.no-such-client", "no-such-package"
	p, err := h.connector(t).Properties(t.Context())
	require.NoError(t, err)
	require.False(t, p.Clients[0].Ready)
	require.Contains(t, p.Clients[0].Hint, "no-such-package")
	_, err = h.connector(t).Connect(t.Context(), h.volume(t).Info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorContains(t, err, "is not installed")
	require.Contains(t, drivers.Hint(err), "no-such-package")
	require.Empty(t, h.left(t))
	_, err = share.New(share.Options{})
	require.ErrorIs(t, err, drivers.ErrInvalid)
}

// A qcow2 file's disk is as large as its header says.
func TestQcow2Size(t *testing.T) {
	f := filepath.Join(t.TempDir(), "disk.qcow2")
	_, err := execx.New(nil).Run(t.Context(), execx.Command{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", f, "5G"}})
	require.NoError(t, err)
	file, err := os.Open(f)
	require.NoError(t, err)
	defer file.Close()
	n, err := share.Size(file, "qcow2")
	require.NoError(t, err)
	require.EqualValues(t, 5<<30, n)
}
