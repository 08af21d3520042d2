package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// StopTimeout is how long a server may take to end after SIGTERM.
	StopTimeout  = 30 * time.Second
	startTimeout = 90 * time.Second
	logTail      = 80 // lines of a server's log that a failed test shows
)

// Process is a server of the test; it may be stopped and started again, and its log goes on in the same file. Its methods
// are not safe for concurrent use.
type Process struct {
	Name string
	Args []string // argv, Args[0] the program
	Env  []string // besides the test's own environment
	Log  string   // file with both its outputs
	// Private gives it a mount namespace of its own, which goes with it.
	Private bool
	// Ready says whether it serves; nil takes it for ready when it runs.
	Ready func() bool

	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait, once done is closed
}

// Launch makes a process of args and starts it; it is killed at the end of the test.
func Launch(t testing.TB, p *Process) *Process {
	t.Helper()
	if p.Log == "" {
		p.Log = filepath.Join(t.TempDir(), strings.ReplaceAll(p.Name, " ", "-")+".log")
	}
	t.Cleanup(func() {
		p.Kill(t)
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", p.Name, tail(p.Log, logTail))
		}
	})
	p.Start(t)
	return p
}

// Start starts the process, also again, and waits until it is ready.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	p.Begin(t)
	p.AwaitReady(t)
}

// Begin starts the process and doesn't wait for it.
func (p *Process) Begin(t testing.TB) {
	t.Helper()
	if p.Running() {
		t.Fatalf("%s runs already", p.Name)
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command(p.Args[0], p.Args[1:]...)
	c.Env = append(environment(), p.Env...)
	c.Stdout, c.Stderr = log, log
	c.Dir = filepath.Dir(p.Log)
	// A group of its own: a Ctrl-C on the test's terminal is the test's business. The signal: no server outlives its test.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.Private {
		c.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the kernel sends Pdeathsig when the thread that started the process ends
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			p.err = c.Wait()
			close(done)
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting %s: %v", p.Name, err)
	}
	p.cmd, p.done = c, done
}

// AwaitReady waits until the process serves.
func (p *Process) AwaitReady(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	for p.Ready != nil && !p.Ready() {
		if !p.Running() {
			t.Fatalf("%s ended instead of starting: %v", p.Name, p.err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready after %s", p.Name, startTimeout)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Running tells whether the process is there.
func (p *Process) Running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Pid is the process id of the last start.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal to exactly this process.
func (p *Process) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%s to %s: %v", s, p.Name, err)
	}
}

// Stop sends SIGTERM and returns how long the process took to end, which must be with exit code 0 and within StopTimeout.
func (p *Process) Stop(t testing.TB) time.Duration {
	t.Helper()
	begun := time.Now()
	p.Signal(t, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(StopTimeout):
		p.Kill(t)
		t.Fatalf("%s still ran %s after SIGTERM", p.Name, StopTimeout)
	}
	if p.err != nil {
		t.Fatalf("%s ended badly after SIGTERM: %v", p.Name, p.err)
	}
	return time.Since(begun)
}

// Kill ends the process as a power cut would (SIGKILL) and waits for it; one that has ended is left in peace.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if !p.Running() {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil && p.Running() {
		t.Errorf("killing %s: %v", p.Name, err)
		return
	}
	<-p.done
}

// Wait waits for the process to end by itself and returns its exit code.
func (p *Process) Wait(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Fatalf("%s still runs after %s", p.Name, limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Logged returns the lines of the process's log that contain all of the words.
func (p *Process) Logged(t testing.TB, words ...string) []string {
	t.Helper()
	text, err := os.ReadFile(p.Log)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
lines:
	for line := range strings.Lines(string(text)) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		found = append(found, strings.TrimSuffix(line, "\n"))
	}
	return found
}

// Run runs one of the binaries, or another program, to its end and returns what it wrote to both outputs.
func Run(t testing.TB, env []string, args ...string) (out string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Env = append(environment(), env...)
	c.Dir = t.TempDir() // clinker reads .clinker/openrc of the working folder
	b, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		t.Fatalf("running %s: %v", args[0], err)
	}
	return string(b), c.ProcessState.ExitCode()
}

// environment is the test's own, without the variables that would set something in a server or client.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "CLINKER_") || strings.HasPrefix(v, "OS_") || strings.HasPrefix(v, "CINDER")
	})
}

func tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
