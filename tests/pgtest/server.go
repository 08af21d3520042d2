package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const startTimeout = 60 * time.Second

// Server is one PostgreSQL. Its methods are not safe for concurrent use.
type Server struct {
	bin, dir string
	port     int
	owner    *syscall.Credential // nil: the user of the test
	cmd      *exec.Cmd
	done     chan error
	log      *bytes.Buffer
	lastDB   int
}

// launch makes a data folder and starts a server on it.
func launch() (*Server, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	// The process id in the name tells a later run that this folder is nobody's any more.
	if s.dir, err = os.MkdirTemp("", fmt.Sprintf("clinker-pgtest-%d-", os.Getpid())); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if err := s.becomePostgres(); err != nil {
			return nil, errors.Join(err, os.RemoveAll(s.dir))
		}
	}
	if s.port, err = freePort(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(s.dir))
	}
	if err := s.run(); err != nil {
		return nil, errors.Join(err, s.destroy())
	}
	return s, nil
}

// findBinaries finds the newest PostgreSQL where Debian puts it, else the one on the PATH.
func findBinaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		p, err := exec.LookPath("initdb")
		if err != nil {
			return "", errors.New("no PostgreSQL here: install the package postgresql, or set CLINKER_SKIP_POSTGRES=1 to go without")
		}
		return filepath.Dir(p), nil
	}
	major := func(p string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(p))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })), nil
}

func (s *Server) becomePostgres() error {
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("tests run as root, and PostgreSQL needs the user postgres: %w", err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	return c
}

// run starts the server and waits until it answers.
func (s *Server) run() error {
	c := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories="+s.dir, "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "deadlock_timeout=200ms")
	s.log = &bytes.Buffer{}
	c.Stdout, c.Stderr = s.log, s.log
	c.SysProcAttr.Pdeathsig = syscall.SIGQUIT // a test that is killed takes its server with it
	started, done := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel sends that signal when the thread that started the server ends
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			done <- c.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.done = c, done
	return s.await()
}

func (s *Server) await() error {
	deadline := time.Now().Add(startTimeout)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			err = conn.Close(ctx)
			cancel()
			return err
		}
		cancel()
		select {
		case werr := <-s.done:
			s.cmd = nil
			return fmt.Errorf("postgres ended: %w: %s", werr, s.log)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer after %s: %w", startTimeout, err)
		}
	}
}

// halt ends the server at once, as a power cut would: connections break in mid-statement.
func (s *Server) halt() error {
	if s.cmd == nil {
		return nil
	}
	if err := s.signal(syscall.SIGCONT); err != nil { // a paused one would never hear of its end
		return err
	}
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	<-s.done // it answers with an exit code that is no failure of ours
	s.cmd = nil
	return nil
}

func (s *Server) destroy() error { return errors.Join(s.halt(), os.RemoveAll(s.dir)) }

func (s *Server) dsn(db string) string {
	return fmt.Sprintf("postgresql://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, db)
}

// create makes an empty database and returns where it is.
func (s *Server) create() (string, error) {
	s.lastDB++
	name := fmt.Sprintf("test_%d", s.lastDB)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	return s.dsn(name), err
}
