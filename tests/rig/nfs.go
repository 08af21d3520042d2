package rig

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// NFSServer is an NFS server in user space (nfs-ganesha), version 4, with one export on a file system of its own. Nodes of
// the test mount it; this machine's kernel needs no NFS.
type NFSServer struct {
	Addr  string // IPv4 address, the port is the usual one
	Share string // "198.18.1.254:/export"
	Path  string // the exported folder as the test's processes see it

	t      T
	dir    string
	ns     *namespace
	proc   *process
	ended  atomic.Bool // as it should be
	deaths atomic.Int32
}

// ganesha 4.3 dies (op_ctx without an export) when it takes the state of a client away whose lease has run out, which a node
// on a busy machine may well let happen in less than the longest lease that can be set.
const ganeshaConf = `NFS_CORE_PARAM { NFS_Port = 2049; Protocols = 4; Bind_addr = %s; mount_path_pseudo = true; Enable_NLM = false; Enable_RQUOTA = false; }
NFSV4 { Grace_Period = 1; Lease_Lifetime = 120; Graceless = true; RecoveryBackend = fs; Minor_Versions = 0,1,2; }
EXPORT { Export_Id = 1; Path = %s; Pseudo = /export; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Protocols = 4; Transports = TCP; FSAL { Name = VFS; } }
NFS_KRB5 { Active_krb5 = false; }
`

// NFS starts an NFS server whose export has this many bytes of room, at least 300 MiB. It goes at the end of the test.
func NFS(t T, size int64) *NFSServer {
	t.Helper()
	needs(t, "ganesha.nfsd", "mkfs.xfs", "unshare", "nsenter", "ip")
	s := open(t)
	dir, number := s.folder(t, "nfs")
	if number > 40 {
		t.Fatalf("no addresses left for an NFS server: this process had 40")
	}
	addr := fmt.Sprintf("%s.%d", s.prefix(), 255-number)
	n := &NFSServer{t: t, dir: dir, Addr: addr, Share: addr + ":/export"}
	t.Cleanup(func() {
		n.ended.Store(true)
		if t.Failed() {
			t.Logf("end of the log of nfs-ganesha:\n%s", lastLines(n.log(), 20))
		}
	})
	if err := n.prepare(s, size); err != nil {
		t.Fatalf("preparing an NFS server: %v", err)
	}
	n.Start()
	return n
}

func (n *NFSServer) log() string { return filepath.Join(n.dir, "ganesha.log") }

func (n *NFSServer) prepare(s *session, size int64) error {
	if err := s.bridge(); err != nil {
		return err
	}
	if err := ip("addr", "add", n.Addr+"/24", "dev", s.link()); err != nil {
		return err
	}
	var err error
	if n.ns, err = newNamespace(n.dir, "/run/ganesha", "/var/lib/nfs"); err != nil {
		return err
	}
	export := filepath.Join(n.dir, "export")
	if err := n.ns.mountImage(export, size); err != nil {
		return err
	}
	n.Path = n.ns.path(export)
	return os.WriteFile(filepath.Join(n.dir, "ganesha.conf"), fmt.Appendf(nil, ganeshaConf, n.Addr, export), 0o600)
}

// Start starts the server, first or again.
func (n *NFSServer) Start() {
	n.t.Helper()
	err := n.start()
	if err != nil {
		n.t.Fatalf("starting nfs-ganesha: %v", err)
	}
}

func (n *NFSServer) start() error {
	var err error
	n.proc, err = launch(n.dir, filepath.Join(n.dir, "ganesha.out"), nil, n.ns.entered(find("ganesha.nfsd"), "-F",
		"-f", filepath.Join(n.dir, "ganesha.conf"), "-L", n.log(), "-p", filepath.Join(n.dir, "ganesha.pid"))...)
	if err != nil {
		return err
	}
	n.ended.Store(false)
	go n.watch(n.proc)
	return eventually(time.Minute, "nfs-ganesha", func() error {
		if !n.proc.running() {
			return fmt.Errorf("it ended: %w", n.proc.err)
		}
		conn, err := net.Dial("tcp", net.JoinHostPort(n.Addr, "2049"))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// mostDeaths is how often the server may die by itself in one test, for the reason that ganeshaConf tells.
const mostDeaths = 3

// watch starts the server again when it dies by itself, as a machine's service manager would: its clients wait for it and go
// on. One that dies again and again fails the test.
func (n *NFSServer) watch(p *process) {
	<-p.done
	if n.ended.Load() {
		return
	}
	if n.deaths.Add(1) > mostDeaths {
		n.t.Errorf("nfs-ganesha died: %v", p.err)
		return
	}
	n.t.Logf("nfs-ganesha died and is started again: %v", p.err)
	if err := n.start(); err != nil {
		n.t.Errorf("starting nfs-ganesha again: %v", err)
	}
}

// Kill kills the server. Clients wait for it, or give up, as they were told when they mounted.
func (n *NFSServer) Kill() {
	n.t.Helper()
	n.ended.Store(true)
	if err := n.proc.kill(); err != nil {
		n.t.Fatalf("%v", err)
	}
}
