package pgtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var (
	mu       sync.Mutex
	shared   *Server
	failed   error
	sweeping sync.Once
)

// Start gives the test an empty database of its own on the server that the tests of this binary share, and returns its DSN. A
// binary that calls Main stops the server at its end; else it goes down with the process.
func Start(t testing.TB) string {
	t.Helper()
	skip(t)
	mu.Lock()
	defer mu.Unlock()
	if shared == nil && failed == nil {
		shared, failed = launch()
	}
	if failed != nil {
		t.Fatalf("starting PostgreSQL: %v", failed)
	}
	dsn, err := shared.create()
	if err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return dsn
}

// Main runs the tests of a binary and stops the shared server: func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	if shared != nil {
		if err := shared.destroy(); err != nil && code == 0 {
			println("pgtest:", err.Error())
			code = 1
		}
		shared = nil
	}
	return code
}

// New starts a server for this test alone, which it may stop and start; it goes at the end of the test.
func New(t testing.TB) *Server {
	t.Helper()
	skip(t)
	s, err := launch()
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := s.destroy(); err != nil {
			t.Errorf("stopping PostgreSQL: %v", err)
		}
	})
	return s
}

// Port is where the server listens, on loopback.
func (s *Server) Port() int { return s.port }

// Database makes an empty database on this server and returns its DSN.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	dsn, err := s.create()
	if err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return dsn
}

// Stop ends the server at once: connections break in mid-statement, what was committed stays.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.halt(); err != nil {
		t.Fatalf("stopping PostgreSQL: %v", err)
	}
}

// Restart starts a stopped server on the same port and waits until it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.halt(); err != nil {
		t.Fatalf("stopping PostgreSQL: %v", err)
	}
	if err := s.run(); err != nil {
		t.Fatalf("starting PostgreSQL again: %v", err)
	}
}

// skip looks for the one variable that allows to go without, and clears away what killed runs have left.
func skip(t testing.TB) {
	t.Helper()
	if os.Getenv("CLINKER_SKIP_POSTGRES") != "" {
		t.Skip("CLINKER_SKIP_POSTGRES is set")
	}
	sweeping.Do(sweep)
}

func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "clinker-pgtest-*"))
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[2])
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir)
		}
	}
}
