package sharefs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/internal/execx"
)

const (
	envChild  = "CLINKER_TEST_SHARE_CHILD"  // folder of the test whose volume the child works on until it is killed
	envMounts = "CLINKER_TEST_SHARE_MOUNTS" // set in the process that may mount
)

// TestMain runs the tests in a mount namespace of their own, so that no mount outlives them, whatever kills them.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envChild) != "":
		chainForever(os.Getenv(envChild))
	case os.Getuid() != 0, os.Getenv(envMounts) != "", slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.fuzz") }):
		os.Exit(m.Run())
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), envMounts+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	signal.Ignore(os.Interrupt) // the terminal sends it to both
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "tests in a mount namespace:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// memory is a kind of share that needs no server: a tmpfs, whose source may be called anything. What is different on a real
// share is tested on real ones, in drivers/glusterfs and drivers/nfs.
func memory() sharefs.Kind {
	return sharefs.Kind{
		Kind:         mounts.Kind{Name: "glusterfs", FSType: "tmpfs", Mounted: []string{"tmpfs"}, Client: "mount", Packages: "mount"},
		Magic:        unix.TMPFS_MAGIC,
		MountOptions: "size=400m",
	}
}

// needRoot fails without root, unless CLINKER_SKIP_ROOT_TESTS=1 says that a skip is wanted.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv("CLINKER_SKIP_ROOT_TESTS") == "1" {
		t.Skip("CLINKER_SKIP_ROOT_TESTS=1")
	}
	require.Zero(t, os.Getuid(), "this test mounts file systems: run it as root, or set CLINKER_SKIP_ROOT_TESTS=1")
}

func settings(base string, more map[string]string) drivers.Config {
	cfg := drivers.Config{
		Backend: "shares", Host: "node1", BackendName: "GFS", CloudID: "cloud-1",
		Options: map[string]string{
			"glusterfs_shares_config": filepath.Join(base, "shares.conf"), "glusterfs_mount_point_base": filepath.Join(base, "mnt"),
			"glusterfs_mount_attempts": "1",
		},
	}
	for key, value := range more {
		cfg.Options[key] = value
	}
	return cfg
}

// config is of a backend with these shares, which are unmounted in the end.
func config(t *testing.T, lines string, more map[string]string) drivers.Config {
	t.Helper()
	needRoot(t)
	base := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(base, "shares.conf"), []byte(lines+"\n"), 0o600))
	t.Cleanup(func() {
		points, _ := filepath.Glob(filepath.Join(base, "mnt", "*"))
		for _, p := range points {
			for unix.Unmount(p, unix.MNT_DETACH) == nil {
			}
		}
	})
	return settings(base, more)
}

func newDriver(t *testing.T, cfg drivers.Config, run execx.Runner) *sharefs.Driver {
	t.Helper()
	d, err := sharefs.New(memory(), cfg, run)
	require.NoError(t, err)
	return d
}

// simple is a driver of one share.
func simple(t *testing.T, more map[string]string) (d *sharefs.Driver, point string) {
	t.Helper()
	cfg := config(t, "one:/vol", more)
	d = newDriver(t, cfg, &execx.Exec{})
	require.NoError(t, d.Check(t.Context()))
	return d, filepath.Join(cfg.Options["glusterfs_mount_point_base"], sharefs.Share{Address: "one:/vol"}.Point())
}

func newSnapshot(v drivers.Volume) drivers.Snapshot {
	id := uuid.NewString()
	return drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: v}
}

func list(t *testing.T, d drivers.Driver) (names []string) {
	t.Helper()
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		names = append(names, v.Name)
	}
	return names
}

// files are the names in a folder but for the share's own.
func files(t *testing.T, point string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(point)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() != ".clinker-share" && e.Name() != ".clinker-locks" {
			names = append(names, e.Name())
		}
	}
	return names
}

// short is a context for calls that are expected to wait in vain.
func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func hintOf(t *testing.T, err error) string {
	t.Helper()
	var e *drivers.Error
	require.True(t, errors.As(err, &e), "%v", err)
	require.NotEmpty(t, e.Hint)
	return e.Hint
}
