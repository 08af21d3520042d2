package rig

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

// TgtServer is an iSCSI target in user space (tgtd) with no targets yet.
type TgtServer struct {
	// ControlPort is what tgtadm's -C wants.
	ControlPort int
	// Portal is where it listens, "address:port": at an address of this machine's loopback, or, from TgtForNodes, at one
	// that nodes reach too.
	Portal string

	t    T
	dir  string
	proc *process
}

// Tgt starts a tgtd for processes of this machine: qemu-img, iscsi-ls. It is killed at the end of the test.
func Tgt(t T) *TgtServer {
	t.Helper()
	return startTgt(t, func(s *session, number int) (string, error) {
		return fmt.Sprintf("127.99.%d.%d:3260", s.number, number), nil
	})
}

// TgtForNodes starts a tgtd that nodes of this test reach too.
func TgtForNodes(t T) *TgtServer {
	t.Helper()
	return startTgt(t, func(s *session, number int) (string, error) {
		return fmt.Sprintf("%s:%d", s.gateway(), 3259+number), s.bridge()
	})
}

func startTgt(t T, portal func(s *session, number int) (string, error)) *TgtServer {
	t.Helper()
	needs(t, "tgtd", "tgtadm", "ip")
	s := open(t)
	dir, number := s.folder(t, "tgt")
	if number > 99 {
		t.Fatalf("no control port left for a tgtd: this process had 99")
	}
	at, err := portal(s, number)
	if err != nil {
		t.Fatalf("%v", err)
	}
	g := &TgtServer{t: t, dir: dir, Portal: at, ControlPort: 100*s.number + number}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the log of tgtd:\n%s", lastLines(g.log(), 20))
		}
	})
	g.Start()
	return g
}

func (g *TgtServer) log() string { return filepath.Join(g.dir, "tgtd.log") }

// Start starts tgtd, first or again; it knows no targets then.
func (g *TgtServer) Start() {
	g.t.Helper()
	if err := g.start(); err != nil {
		g.t.Fatalf("starting tgtd: %v: %s", err, lastLines(g.log(), 5))
	}
}

func (g *TgtServer) start() error {
	socket := fmt.Sprintf("/var/run/tgtd/socket.%d", g.ControlPort)
	for _, file := range []string{socket, socket + ".lock"} {
		if err := note(g.dir, "files", file); err != nil {
			return err
		}
	}
	var err error
	g.proc, err = launch(g.dir, g.log(), nil, find("tgtd"), "-f", "-C", strconv.Itoa(g.ControlPort), "--iscsi", "portal="+g.Portal)
	if err != nil {
		return err
	}
	return eventually(time.Minute, "tgtd", func() error {
		if !g.proc.running() {
			return fmt.Errorf("it ended: %w", g.proc.err)
		}
		conn, err := net.Dial("tcp", g.Portal)
		if err != nil {
			return err
		}
		conn.Close()
		_, err = g.adm("--lld", "iscsi", "--mode", "sys", "--op", "show")
		return err
	})
}

// Kill kills tgtd. Its sessions break and its targets are forgotten.
func (g *TgtServer) Kill() {
	g.t.Helper()
	if err := g.proc.kill(); err != nil {
		g.t.Fatalf("%v", err)
	}
}

// Adm runs tgtadm, fails the test when it ends badly, and returns what it said.
func (g *TgtServer) Adm(args ...string) string {
	g.t.Helper()
	out, err := g.adm(args...)
	if err != nil {
		g.t.Fatalf("%v", err)
	}
	return out
}

func (g *TgtServer) adm(args ...string) (string, error) {
	return output(append([]string{find("tgtadm"), "-C", strconv.Itoa(g.ControlPort)}, args...)...)
}

// Listens is its portal, for suites that don't know the rig.
func (g *TgtServer) Listens() string { return g.Portal }
