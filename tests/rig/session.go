package rig

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// base holds a folder and a lock for each number. It is on a disk, where /tmp may be memory.
const base = "/var/tmp/clinker-rig"

//go:embed reap.sh
var reapScript string

// session is what one test process has of the rig. It begins with the first thing that a test asks for and lasts as long
// as the process, or until Main ends it.
type session struct {
	number int // 1 to 250: folder, bridge and addresses are named by it
	dir    string
	lock   *os.File
	reaper *exec.Cmd
	life   *os.File // its end tells the reaper to begin

	bridge func() error // makes the bridge, once
	shim   func() error // builds the shim of user-mode Linux, once
	mu     sync.Mutex
	last   map[string]int // of each kind of thing, the number of the last one
}

var (
	current   *session
	currentMu sync.Mutex
)

// open returns the process's session.
func open(t T) *session {
	t.Helper()
	currentMu.Lock()
	defer currentMu.Unlock()
	if current == nil {
		s, err := begin()
		if err != nil {
			t.Fatalf("beginning the rig: %v", err)
		}
		current = s
	}
	return current
}

func begin() (*session, error) {
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	sweep()
	for i := range 250 {
		n := 1 + (os.Getpid()+i)%250 // not the same ones again and again: it keeps runs apart for whoever looks at one
		lock, err := tryLock(n)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s := &session{number: n, dir: filepath.Join(base, strconv.Itoa(n)), lock: lock, last: map[string]int{}}
		s.bridge, s.shim = sync.OnceValue(s.makeBridge), sync.OnceValue(s.buildShim)
		if err := s.start(); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		return s, nil
	}
	return nil, errors.New("250 test processes hold the rig; are they alive?")
}

func (s *session) start() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	s.life = w
	s.reaper = reaper(r)
	// The reaper holds the lock too: the number is free when it is done.
	s.reaper.ExtraFiles = []*os.File{s.lock}
	if err := s.reaper.Start(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, s.dir)
	return err
}

// end takes everything away and waits for that.
func (s *session) end() error {
	return errors.Join(s.life.Close(), s.reaper.Wait(), s.lock.Close())
}

// sweep takes away what killed processes have left, where even the reaper was killed.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(base, "*.lock"))
	for _, path := range left {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".lock"))
		if err != nil {
			continue
		}
		if lock, err := tryLock(n); err == nil {
			dir := filepath.Join(base, strconv.Itoa(n))
			if _, err := os.Stat(dir); err == nil {
				_ = reap(dir) // what can't be taken away now fails whoever gets the number
			}
			lock.Close()
		}
	}
}

// tryLock takes a number's lock. The kernel lets go of it when the last process that holds it ends.
func tryLock(n int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(base, strconv.Itoa(n)+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// reap takes away what stands under a folder of the rig, now.
func reap(dir string) error {
	c := reaper(strings.NewReader(dir + "\n"))
	var said strings.Builder
	c.Stderr = &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("clearing %s: %w: %s", dir, err, said.String())
	}
	return nil
}

func reaper(in io.Reader) *exec.Cmd {
	c := exec.Command("/bin/sh", "-c", reapScript)
	c.Stdin = in
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C or a kill of the test's group is not for it
	return c
}

// folder makes the folder of one more thing of a kind; what stands under it goes at the end of the test.
func (s *session) folder(t T, kind string) (dir string, number int) {
	t.Helper()
	s.mu.Lock()
	s.last[kind]++
	number = s.last[kind]
	s.mu.Unlock()
	dir = filepath.Join(s.dir, kind+strconv.Itoa(number))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := reap(dir); err != nil {
			t.Errorf("%v", err)
		}
	})
	return dir, number
}

// note writes down a thing that the reaper must take away: a "links" line is a network link, a "files" line a file, a
// "shares" line what mounts have as their source. It is written before the thing is made.
func note(dir, kind, what string) error {
	f, err := os.OpenFile(filepath.Join(dir, kind), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, what)
	return errors.Join(err, f.Close())
}
