package rig

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed guest/init.sh
var guestInit []byte

//go:embed guest/shim.c
var shimSource []byte

// bootTimeout is generous: a machine with more tests than cores boots slowly.
const bootTimeout = 2 * time.Minute

// buildShim builds what user-mode Linux needs on some CPUs (guest/shim.c).
func (s *session) buildShim() error {
	source := filepath.Join(s.dir, "shim.c")
	if err := os.WriteFile(source, shimSource, 0o600); err != nil {
		return err
	}
	out, err := exec.Command(find("gcc"), "-O2", "-shared", "-fPIC", "-o", filepath.Join(s.dir, "shim.so"), source).CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the shim: %w: %s", err, out)
	}
	return os.WriteFile(filepath.Join(s.dir, "init.sh"), guestInit, 0o755)
}

// prepare makes what outlives a reboot.
func (n *Node) prepare() error {
	if err := enoughMemory(n.options.memory); err != nil {
		return err
	}
	if err := errors.Join(n.s.bridge(), n.s.shim(), os.Mkdir(n.Share, 0o755), os.Mkdir(filepath.Join(n.dir, "uml"), 0o755)); err != nil {
		return err
	}
	for i, size := range n.options.disks {
		f, err := os.Create(n.DiskFile(i))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			return err
		}
	}
	if err := n.makeKeys(); err != nil {
		return err
	}
	filter := `global_filter=["a|^/dev/ubd[b-z]|","r|.*|"]`
	if n.options.openFilter {
		filter = ""
	}
	env := fmt.Sprintf("name=%s\naddress=%s\nshare=%s\nfilter='%s'\n", n.Name, n.Addr, n.Share, filter)
	if err := os.WriteFile(filepath.Join(n.dir, "guest.env"), []byte(env), 0o600); err != nil {
		return err
	}
	var err error
	n.tap, err = n.s.makeTap(n.dir, n.number)
	return err
}

// enoughMemory refuses what would end as a bus error in the node.
func enoughMemory(mib int) error {
	var fs unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &fs); err != nil {
		return fmt.Errorf("/dev/shm: %w", err)
	}
	if free := int64(fs.Bavail) * fs.Bsize >> 20; free < int64(mib) {
		return fmt.Errorf("/dev/shm has %d MiB free, the node's memory needs %d (in a container: --shm-size)", free, mib)
	}
	return nil
}

// Start boots the node, first or again, and returns when it answers.
func (n *Node) Start() {
	n.t.Helper()
	if n.Running() {
		n.t.Fatalf("%s runs already", n.Name)
	}
	begun := time.Now()
	n.kernel.boots++
	if err := n.start(); err != nil {
		n.t.Fatalf("booting %s: %v", n.Name, err)
	}
	n.kernel.booted = time.Since(begun)
}

func (n *Node) start() error {
	umls := filepath.Join(n.dir, "uml")
	if err := errors.Join(os.RemoveAll(umls), os.Mkdir(umls, 0o755)); err != nil {
		return err
	}
	argv := []string{
		find("linux.uml"), fmt.Sprintf("umid=%s-%d", n.s.link(), n.number), "uml_dir=" + umls, fmt.Sprintf("mem=%dM", n.options.memory),
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "init=" + filepath.Join(n.s.dir, "init.sh"), "rig=" + n.dir,
		fmt.Sprintf("vec0:transport=tap,ifname=%s,mac=02:c1:00:%02x:00:%02x,depth=128,gro=1", n.tap, n.s.number, n.number),
		"con0=null,fd:1", "con=null", "quiet", "panic=-1",
	}
	for i := range n.options.disks {
		argv = append(argv, fmt.Sprintf("ubd%c=%s", 'b'+i, n.DiskFile(i)))
	}
	argv = append(argv, n.options.boot...)
	var err error
	n.kernel.proc, err = launch(n.dir, n.console(), []string{"LD_PRELOAD=" + filepath.Join(n.s.dir, "shim.so"), "TMPDIR=/dev/shm"}, argv...)
	if err != nil {
		return err
	}
	return n.awaitBoot()
}

func (n *Node) awaitBoot() error {
	for deadline := time.Now().Add(bootTimeout); ; time.Sleep(20 * time.Millisecond) {
		if strings.Count(n.Console(), "node ready after") == n.kernel.boots {
			break
		}
		if !n.kernel.proc.running() {
			return fmt.Errorf("the kernel ended: %w", n.kernel.proc.err)
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("not up after %s", bootTimeout), n.kernel.proc.kill())
		}
	}
	_, err := n.RunErr("true")
	return err
}
