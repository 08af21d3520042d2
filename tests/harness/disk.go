package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// SkipRootVariable set to 1 skips the tests that mount file systems.
const SkipRootVariable = "CLINKER_SKIP_ROOT_TESTS"

// Disk is a small file system for one server. It is mounted in the server's own mount namespace, so that the mount and
// its loop device go with the server, whatever ends it.
type Disk struct {
	Kind  string // ext4, xfs
	Size  string // as truncate takes it
	image string
	point string
}

// NewDisk makes a file system of the given kind and size; making it needs no root, mounting does.
func NewDisk(t testing.TB, kind, size string) *Disk {
	t.Helper()
	if os.Getenv(SkipRootVariable) == "1" {
		t.Skip(SkipRootVariable + "=1")
	}
	if os.Getuid() != 0 {
		t.Fatalf("this test mounts a file system: run it as root, or set %s=1", SkipRootVariable)
	}
	d := &Disk{Kind: kind, Size: size, image: filepath.Join(t.TempDir(), "image")}
	for _, argv := range [][]string{{"truncate", "-s", size, d.image}, {"mkfs." + kind, "-q", d.image}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
	}
	return d
}

// wrap makes the command that mounts the disk and then becomes args.
func (d *Disk) wrap(t testing.TB, args []string) []string {
	t.Helper()
	if err := os.MkdirAll(d.point, 0o700); err != nil {
		t.Fatal(err)
	}
	script := `mount -o loop "$1" "$2" && shift 2 && exec "$@"`
	return append([]string{"/bin/sh", "-c", script, "sh", d.image, d.point}, args...)
}

// Remount mounts the server's disk again with other options: "ro", "rw".
func (s *Server) Remount(t testing.TB, options string) {
	t.Helper()
	args := []string{"--target", strconv.Itoa(s.Pid()), "--mount", "mount", "-o", "remount," + options, s.Disk.point}
	if out, err := exec.Command("nsenter", args...).CombinedOutput(); err != nil {
		t.Fatalf("remounting %s: %v: %s", options, err, out)
	}
}

// Inside is the path under which a file of the server's mount namespace is seen from the test.
func (s *Server) Inside(path string) string { return fmt.Sprintf("/proc/%d/root%s", s.Pid(), path) }
