package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Node is a storage node: user-mode Linux with LVM, LIO and open-iscsi. Its methods are not safe for concurrent use, but
// for Run, RunErr and Runner's.
type Node struct {
	Name  string // "node1": the host name
	Addr  string // IPv4 address, reachable from the test's processes and from other nodes
	Share string // folder of the test's side that is /host in the node

	s       *session
	t       T
	dir     string
	number  int
	options options
	tap     string
	client  *sshClient
	kernel  *kernel
}

// kernel is what changes with each boot.
type kernel struct {
	proc   *process
	boots  int
	booted time.Duration
}

// With returns the same node for a subtest: what fails then fails that.
func (n *Node) With(t T) *Node {
	sub := *n
	sub.t = t
	return &sub
}

// Booted is how long the last boot took.
func (n *Node) Booted() time.Duration { return n.kernel.booted }

// StorageNode boots a node. It is killed, and its disks go, at the end of the test.
func StorageNode(t T, opts ...Option) *Node {
	t.Helper()
	needs(t, "linux.uml", "gcc", "dropbear", "dropbearkey", "ip", "lvm", "thin_check", "iscsid", "mount.nfs")
	s := open(t)
	n := &Node{s: s, t: t, options: defaults(), kernel: &kernel{}}
	for _, o := range opts {
		o(&n.options)
	}
	n.dir, n.number = s.folder(t, "node")
	t.Cleanup(func() {
		n.tellFailure()
		if n.client != nil {
			n.client.close()
		}
	})
	n.Name = fmt.Sprintf("node%d", n.number)
	n.Addr = fmt.Sprintf("%s.%d", s.prefix(), n.number+1)
	n.Share = filepath.Join(n.dir, "share")
	if n.number > 200 {
		t.Fatalf("no addresses left for a node: this process had 200")
	}
	if err := n.prepare(); err != nil {
		t.Fatalf("preparing %s: %v", n.Name, err)
	}
	n.Start()
	return n
}

// Gateway is the address by which nodes reach processes of the test.
func (n *Node) Gateway() string { return n.s.gateway() }

// Initiator is the iSCSI name of the node.
func (n *Node) Initiator() string { return "iqn.2004-10.org.test:" + n.Name }

// Disks are the block devices of the node's data disks.
func (n *Node) Disks() []string {
	names := make([]string, len(n.options.disks))
	for i := range names {
		names[i] = fmt.Sprintf("/dev/ubd%c", 'b'+i)
	}
	return names
}

// DiskFile is the file behind a data disk, the first being 0. It may be read, or damaged, while the node is down.
func (n *Node) DiskFile(i int) string { return filepath.Join(n.dir, fmt.Sprintf("disk%d.img", i)) }

// Running tells whether the node's kernel runs.
func (n *Node) Running() bool { return n.kernel.proc != nil && n.kernel.proc.running() }

// Kill is a power cut: the kernel is gone in mid-instruction. What the node has synced to its disks is there after
// Start; what only its memory had is not. Files under /host are the test's side's, and stay as they are.
func (n *Node) Kill() {
	n.t.Helper()
	if n.kernel.proc == nil {
		return
	}
	if err := n.kernel.proc.kill(); err != nil {
		n.t.Fatalf("killing %s: %v", n.Name, err)
	}
	n.client.close()
}

// Stop syncs the node's file systems and disks, and then cuts the power.
func (n *Node) Stop() {
	n.t.Helper()
	if _, err := n.RunErr("sync"); err != nil {
		n.t.Fatalf("stopping %s: %v", n.Name, err)
	}
	n.Kill()
}

// Reboot is Kill and Start. The root begins anew: /etc, /var and /tmp are as on the first boot; the disks stay.
func (n *Node) Reboot() {
	n.t.Helper()
	n.Kill()
	n.Start()
}

// Console is what the kernel and process 1 have said since the first boot.
func (n *Node) Console() string {
	text, err := os.ReadFile(n.console())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (n *Node) console() string { return filepath.Join(n.dir, "console.log") }

func (n *Node) tellFailure() {
	if !n.t.Failed() {
		return
	}
	lines := strings.Split(strings.TrimSpace(n.Console()), "\n")
	n.t.Logf("end of the console of %s:\n%s", n.Name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
}
