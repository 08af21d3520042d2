package execx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// DefaultGrace is the time between SIGTERM and SIGKILL.
	DefaultGrace = 3 * time.Second
	// pipeDelay is how long a program that has ended may have its outputs held open by others, such as a daemon it
	// left behind, before they are taken as they are.
	pipeDelay = time.Second
)

// Exec is the Runner that really runs programs. The zero value is ready.
type Exec struct {
	Log   *slog.Logger  // each program at level debug; nil is slog.Default
	Grace time.Duration // 0 is DefaultGrace
}

// New returns a Runner that logs to log.
func New(log *slog.Logger) *Exec { return &Exec{Log: log} }

// Run runs a program to its end; see Runner.
func (x *Exec) Run(ctx context.Context, c Command) (Result, error) {
	begun := time.Now()
	result, err := x.run(ctx, c)
	result.Duration = time.Since(begun)
	log := x.Log
	if log == nil {
		log = slog.Default()
	}
	if log.Enabled(ctx, slog.LevelDebug) {
		attrs := []any{"command", c.String(), "exit_code", result.ExitCode, "duration", result.Duration}
		if err != nil {
			attrs = append(attrs, "error", err)
		}
		log.DebugContext(ctx, "ran a program", attrs...)
	}
	return result, err
}

func (x *Exec) run(ctx context.Context, c Command) (Result, error) {
	result := Result{ExitCode: -1}
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("%s was not run: %w", c.Name, err)
	}
	path, err := Find(c.Name)
	if err != nil {
		return result, err
	}
	stdout, stderr := &head{limit: c.limit()}, &rear{limit: c.limit()}
	cmd := c.prepare(path)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	interrupted, err := x.supervise(ctx, c, cmd)
	result.Stdout, result.Stderr = stdout.kept, stderr.last()
	if cmd.ProcessState != nil {
		result.ExitCode = cmd.ProcessState.ExitCode()
	}
	if interrupted {
		return result, fmt.Errorf("%s was stopped: %w", c, ctx.Err())
	}
	if err == nil && stdout.over {
		return result, fmt.Errorf("%s: %w: over %d bytes", c, ErrOutput, stdout.limit)
	}
	return result, c.failure(err, result)
}

func (c Command) prepare(path string) *exec.Cmd {
	cmd := exec.Command(path, c.Args...) //nolint:noctx // supervise ends the whole group, which CommandContext doesn't
	cmd.Args[0] = c.Name
	cmd.Stdin, cmd.Env, cmd.Dir = c.Stdin, environment(c.Env), c.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/" // a program in a mounted folder would keep it busy
	}
	cmd.ExtraFiles = c.Hold
	cmd.WaitDelay = pipeDelay
	// A worker that is killed takes its programs with it: they would write on beside those of its successor.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if c.Gentle {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	}
	return cmd
}

// failure turns what Wait says into what callers see.
func (c Command) failure(err error, result Result) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended well and left a daemon behind
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("%s: %w", c, err)
	}
	e := &ExitError{Command: c.String(), ExitCode: result.ExitCode, Stderr: c.tail(result.Stderr)}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	return e
}

// supervise runs cmd to its end and tells whether the context ended it.
func (x *Exec) supervise(ctx context.Context, c Command, cmd *exec.Cmd) (interrupted bool, err error) {
	started, ended, reap, waited := make(chan error), make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel sends Pdeathsig when the thread that started the process ends
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		awaitExit(cmd.Process.Pid)
		close(ended)
		<-reap
		waited <- cmd.Wait()
	}()
	if err := <-started; err != nil {
		return false, err
	}
	select {
	case <-ended:
	case <-ctx.Done():
		select {
		case <-ended: // at the same moment
		default:
			interrupted = true
			x.stop(cmd.Process.Pid, c.Gentle, ended)
		}
	}
	close(reap)
	return interrupted, <-waited
}

// stop ends a process group and returns when its leader has ended. The leader isn't reaped yet: as long as it is a
// zombie, its number is nobody else's.
func (x *Exec) stop(pid int, gentle bool, ended <-chan struct{}) {
	_ = syscall.Kill(-pid, syscall.SIGTERM) // ESRCH: it has ended by itself
	if gentle {
		<-ended
		return
	}
	grace := x.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // also what outlived its leader
	<-ended
}

// awaitExit waits for a child without reaping it.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
