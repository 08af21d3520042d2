package dir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
)

const (
	envChild  = "CLINKER_TEST_DIR_CHILD"  // path of the folder in which the child works until it is killed
	envWork   = "CLINKER_TEST_DIR_WORK"   // clone or revert
	envMounts = "CLINKER_TEST_DIR_MOUNTS" // set in the process that may mount
)

// TestMain runs the tests in a mount namespace of their own when they are run by root, so that no mount and no loop device
// outlives them, whatever kills them.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envChild) != "" && os.Getenv(envWork) == "revert":
		revertForever(os.Getenv(envChild))
	case os.Getenv(envChild) != "":
		cloneForever(os.Getenv(envChild))
	case os.Getuid() != 0 || os.Getenv(envMounts) != "":
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

// needRoot fails without root, unless CLINKER_SKIP_ROOT_TESTS=1 says that a skip is wanted.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv("CLINKER_SKIP_ROOT_TESTS") == "1" {
		t.Skip("CLINKER_SKIP_ROOT_TESTS=1")
	}
	require.Zero(t, os.Getuid(), "this test mounts file systems: run it as root, or set CLINKER_SKIP_ROOT_TESTS=1")
}

// loopMount makes a file system of the given type and size and mounts it.
func loopMount(t *testing.T, kind, size string) string {
	t.Helper()
	needRoot(t)
	image, point := filepath.Join(t.TempDir(), "image"), t.TempDir()
	for _, argv := range [][]string{
		{"truncate", "-s", size, image},
		{"mkfs." + kind, "-q", image},
		{"mount", "-o", "loop", image, point},
	} {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		require.NoError(t, err, "%v: %s", argv, out)
	}
	t.Cleanup(func() { unix.Unmount(point, unix.MNT_DETACH) })
	return point
}

// config is of a backend in path.
func config(t *testing.T, path string) drivers.Config {
	return drivers.Config{
		Backend: "files", Host: "node1", BackendName: "gold", CloudID: "cloud-1", StateDir: t.TempDir(),
		Options: map[string]string{"dir_path": path},
	}
}

func newDriver(t *testing.T, cfg drivers.Config) *dir.Driver {
	t.Helper()
	d, err := dir.New(t.Context(), cfg)
	require.NoError(t, err)
	return d.(*dir.Driver)
}

func names(t *testing.T, d drivers.Driver) (names []string) {
	t.Helper()
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		names = append(names, v.Name)
	}
	return names
}

// parts are the hidden leftovers in a folder.
func parts(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(path, ".*.part")) // also those of snapshots
	require.NoError(t, err)
	return found
}

// short is a context for calls that are expected to wait in vain.
func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
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
