package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// BinDirVariable names a folder that holds clinkerd and clinker, already built.
const BinDirVariable = "CLINKER_TEST_BINARIES"

var build = sync.OnceValues(binaries)

// Binary returns the path of clinkerd or clinker; the first call builds both.
func Binary(t testing.TB, name string) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatalf("building the binaries: %v", err)
	}
	return filepath.Join(dir, name)
}

// CopyBinary puts clinkerd or clinker into a folder that another machine shares.
func CopyBinary(t testing.TB, name, folder string) {
	t.Helper()
	if out, code := Run(t, nil, "cp", "--sparse=never", Binary(t, name), folder); code != 0 {
		t.Fatal(out)
	}
}

// Root is the folder of the checkout.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	if filepath.IsAbs(file) {
		return filepath.Dir(filepath.Dir(filepath.Dir(file)))
	}
	wd, err := os.Getwd() // built with -trimpath: tests run in their package's folder
	if err != nil {
		return "."
	}
	for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return wd
}

func binaries() (string, error) {
	if dir := os.Getenv(BinDirVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir := filepath.Join(Root(), "bin", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// Test binaries of several packages run at once; only the first builds, the others find its work up to date.
	lock, err := os.Create(filepath.Join(dir, ".lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	// The flags of the Makefile: the same compiled packages serve both.
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", dir+"/", "./cmd/clinkerd", "./cmd/clinker")
	c.Dir = Root()
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
}
