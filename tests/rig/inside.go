package rig

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clinker-storage/clinker/internal/execx"
)

// Tests whose name begins with TestInside run in a storage node only. Main keeps them from running, and from being
// counted, anywhere else; TestInNode runs them there.
const innerTests = "^TestInside"

const (
	insideVariable = "CLINKER_RIG_INSIDE"
	disksVariable  = "CLINKER_RIG_DISKS"
)

// Inside tells whether this process runs in a storage node.
func Inside() bool { return os.Getenv(insideVariable) != "" }

// InsideDisks are, in a node, the block devices of its data disks.
func InsideDisks() []string { return strings.Fields(os.Getenv(disksVariable)) }

// leaveOut adds the inner tests to what -test.skip leaves out, so that they are neither run nor shown as skipped.
func leaveOut() error {
	if Inside() {
		return nil
	}
	skip := innerTests
	if asked := flag.Lookup("test.skip").Value.String(); asked != "" {
		skip = asked + "|" + skip
	}
	return flag.Set("test.skip", skip)
}

// TestInNode runs those tests of the calling package whose name matches pattern ("^TestInsideThin$") inside the node, as
// root, and reports each of them as a subtest of t. It fails when none ran. Their names begin with TestInside, and the
// package's TestMain calls Main.
//
// They run in the package's folder as it is on this machine, so testdata is there; what they write outside /host is gone
// with the node. env is put in their environment ("NAME=value").
func TestInNode(t *testing.T, n *Node, pattern string, env ...string) {
	t.Helper()
	if !strings.Contains(flag.Lookup("test.skip").Value.String(), innerTests) {
		t.Fatal("TestMain of this package must be: os.Exit(rig.Main(m)); without it inner tests run where they don't belong")
	}
	binary, err := innerBinary()
	if err != nil {
		t.Fatalf("building the tests for inside the node: %v", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.bring(t.Context(), moduleRoot(dir)); err != nil {
		t.Fatalf("the checkout in the node: %v", err)
	}
	limit := time.Hour
	if deadline, ok := t.Deadline(); ok {
		limit = max(time.Until(deadline)-10*time.Second, time.Second) // it should tell where it hung before this process does
	}
	results := newInnerResults()
	command := execx.Command{
		Name: binary, Dir: dir, Stdout: results,
		Args: []string{
			"-test.v=test2json", "-test.paniconexit0", "-test.count=1", "-test.run=" + pattern,
			"-test.timeout=" + limit.Round(time.Second).String(),
		},
		Env: append([]string{
			insideVariable + "=" + n.Name, disksVariable + "=" + strings.Join(n.Disks(), " "), "HOME=/root", "TMPDIR=/tmp",
		}, env...),
	}
	result, err := n.Runner().Run(t.Context(), command)
	results.finish()
	results.report(t)
	results.judge(t, pattern, string(result.Stderr), err)
}

var innerBuild struct {
	once sync.Once
	path string
	err  error
}

// innerBinary builds the calling package's tests once a process, static and without the race detector, whose runtime does
// not fit into user-mode Linux's address space. The flags are the Makefile's, for the sake of the build cache.
func innerBinary() (string, error) {
	innerBuild.once.Do(func() {
		currentMu.Lock()
		defer currentMu.Unlock()
		innerBuild.path = filepath.Join(current.dir, "inner.test")
		c := exec.Command("go", "test", "-c", "-o", innerBuild.path, ".")
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false")
		if out, err := c.CombinedOutput(); err != nil {
			innerBuild.err = fmt.Errorf("go test -c: %w: %s", err, out)
		}
	})
	return innerBuild.path, innerBuild.err
}

// moduleRoot is the folder above dir that has the go.mod: tests read what stands beside their package too.
func moduleRoot(dir string) string {
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
	}
	return dir
}

// bring makes a folder of this machine visible in the node, which has a /tmp, /run, /mnt and /dev/shm of its own: a checkout may lie there.
func (n *Node) bring(ctx context.Context, dir string) error {
	const script = `[ -d "$1" ] || { mkdir -p "$1" && mount -t hostfs none "$1" -o "$1"; }`
	_, err := n.Runner().Run(ctx, execx.Command{Name: "/bin/sh", Args: []string{"-c", script, "sh", dir}})
	return err
}
