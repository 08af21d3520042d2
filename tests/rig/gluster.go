package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// GlusterCluster is a GlusterFS of two or three servers on loopback addresses of this machine, or on the nodes' bridge, with one replicated volume.
// Everybody on this machine may mount it, in any network namespace that has these addresses; nothing need be entered.
type GlusterCluster struct {
	Share  string // "127.98.1.1:/vol1": what a share's line in shares.conf begins with
	Volume string // "vol1"
	Hosts  []string

	t       T
	dir     string
	options glusterOptions
	ns      *namespace // in which the servers run
	servers []*process
}

type glusterOptions struct {
	arbiter   bool
	bare      bool
	bridge    bool
	brickSize int64
}

// GlusterOption changes what Gluster makes.
type GlusterOption func(*glusterOptions)

// Arbiter adds a third server that holds names and versions of files only, so that a write without a majority fails. Without
// it the volume is replica 2 and can be made to hold two truths.
func Arbiter() GlusterOption { return func(o *glusterOptions) { o.arbiter = true } }

// Bare leaves the servers for themselves, without a cluster and without vol1: the test makes both with RunAt, as an operator does.
func Bare() GlusterOption { return func(o *glusterOptions) { o.bare = true } }

// OnBridge puts the servers where storage nodes reach them, too (firstServer).
func OnBridge() GlusterOption { return func(o *glusterOptions) { o.bridge = true } }

// BrickSize is the size of each brick's file system in bytes, in place of 2 GiB; at least 300 MiB. Only what is written
// takes room.
func BrickSize(bytes int64) GlusterOption { return func(o *glusterOptions) { o.brickSize = bytes } }

// Gluster starts a replicated GlusterFS with volume vol1. All of it goes at the end of the test, mounts of the volume
// included, whoever made them.
func Gluster(t T, opts ...GlusterOption) *GlusterCluster {
	t.Helper()
	needs(t, "glusterd", "gluster", "glusterfs", "mkfs.xfs", "unshare", "nsenter")
	s := open(t)
	g := &GlusterCluster{t: t, Volume: "vol1", options: glusterOptions{brickSize: 2 * GiB}}
	for _, o := range opts {
		o(&g.options)
	}
	var number int
	g.dir, number = s.folder(t, "gluster")
	if number > 80 {
		t.Fatalf("no addresses left for a GlusterFS: this process had 80")
	}
	t.Cleanup(g.tellFailure)
	for i := range 3 {
		if i < 2 || g.options.arbiter {
			g.Hosts = append(g.Hosts, fmt.Sprintf("127.98.%d.%d", s.number, 3*number-2+i))
		}
	}
	if g.options.bridge {
		if err := g.ontoBridge(s, number); err != nil {
			t.Fatalf("addresses for GlusterFS: %v", err)
		}
	}
	if err := g.start(); err != nil {
		t.Fatalf("starting GlusterFS: %v", err)
	}
	if !g.options.bare {
		g.Share = g.AddVolume(g.Volume)
		return g
	}
	g.Share = g.Hosts[0] + ":/" + g.Volume
	if err := g.noteShares(g.Volume); err != nil {
		t.Fatalf("%v", err)
	}
	return g
}

// firstServer is the last number of the first address that servers on the bridge have; nodes have those up to 201.
const firstServer = 202

// ontoBridge gives the servers addresses of the bridge, which go with it.
func (g *GlusterCluster) ontoBridge(s *session, number int) error {
	if err := s.bridge(); err != nil {
		return err
	}
	for i := range g.Hosts {
		last := firstServer + 3*(number-1) + i
		if last > 254 {
			return fmt.Errorf("none is left on the bridge: this process had %d", last-firstServer)
		}
		g.Hosts[i] = fmt.Sprintf("%s.%d", s.prefix(), last)
		if err := ip("addr", "add", g.Hosts[i]+"/24", "dev", s.link()); err != nil {
			return err
		}
	}
	return nil
}

// start makes the namespace, the servers and their cluster.
func (g *GlusterCluster) start() error {
	var err error
	if g.ns, err = newNamespace(g.dir, "/run/gluster", "/var/log/glusterfs"); err != nil {
		return err
	}
	g.servers = make([]*process, len(g.Hosts))
	for i := range g.Hosts {
		for _, sub := range []string{"wd", "run", "log"} {
			if err := os.MkdirAll(filepath.Join(g.server(i), sub), 0o755); err != nil {
				return err
			}
		}
		if err := g.startServer(i); err != nil {
			return err
		}
	}
	if g.options.bare {
		return nil
	}
	return g.join()
}

func (g *GlusterCluster) server(i int) string { return filepath.Join(g.dir, strconv.Itoa(i+1)) }

// socket is where a server takes commands. The first has the default one, without which `heal info` doesn't find it.
func (g *GlusterCluster) socket(i int) string {
	if i == 0 {
		return "/var/run/glusterd.socket"
	}
	return filepath.Join(g.server(i), "gd.sock")
}

func (g *GlusterCluster) startServer(i int) error {
	dir := g.server(i)
	var err error
	// Each has a /tmp of its own, as machines have: what all of them keep there while a brick is added has the same name.
	g.servers[i], err = launch(g.dir, filepath.Join(dir, "glusterd.out"), nil, g.ns.entered("unshare", "--mount", "--propagation", "slave",
		"/bin/sh", "-c", `mount -t tmpfs tmpfs /tmp && exec "$@"`, "sh", "glusterd", "-N",
		"--xlator-option", "management.working-directory="+filepath.Join(dir, "wd"),
		"--xlator-option", "management.run-directory="+filepath.Join(dir, "run"),
		"--xlator-option", "management.transport.socket.bind-address="+g.Hosts[i],
		"--xlator-option", "management.glusterd-sockfile="+g.socket(i),
		"--xlator-option", "management.cluster-test-mode="+filepath.Join(dir, "log"),
		"-l", filepath.Join(dir, "log", "glusterd.log"), "-p", filepath.Join(dir, "gd.pid"))...)
	if err != nil {
		return err
	}
	return eventually(time.Minute, "glusterd at "+g.Hosts[i], func() error {
		if !g.servers[i].running() {
			return fmt.Errorf("it ended: %w", g.servers[i].err)
		}
		_, err := g.cli(i, "pool", "list")
		return err
	})
}

// join makes one cluster of the servers.
func (g *GlusterCluster) join() error {
	for _, host := range g.Hosts[1:] {
		if _, err := g.cli(0, "peer", "probe", host); err != nil {
			return err
		}
	}
	return g.awaitPeers()
}

// awaitPeers waits until each server sees each other one.
func (g *GlusterCluster) awaitPeers() error {
	return eventually(time.Minute, "the servers' cluster", func() error {
		for i := range g.Hosts {
			out, err := g.cli(i, "peer", "status")
			if err != nil {
				return err
			}
			if strings.Count(out, "Peer in Cluster (Connected)") != len(g.Hosts)-1 {
				return fmt.Errorf("%s sees: %s", g.Hosts[i], out)
			}
		}
		return nil
	})
}

// AddVolume makes and starts one more volume of the same kind, with bricks of its own, and returns its share.
func (g *GlusterCluster) AddVolume(name string) (share string) {
	g.t.Helper()
	share = g.Hosts[0] + ":/" + name
	if err := g.addVolume(name, share); err != nil {
		g.t.Fatalf("making the GlusterFS volume %s: %v", name, err)
	}
	return share
}

func (g *GlusterCluster) addVolume(name, share string) error {
	args := []string{"volume", "create", name, "replica", strconv.Itoa(len(g.Hosts))}
	if g.options.arbiter {
		args = append(args, "arbiter", "1")
	}
	for i, host := range g.Hosts {
		if err := g.makeBrick(i, name); err != nil {
			return err
		}
		args = append(args, host+":"+g.brick(i, name))
	}
	if err := g.noteShares(name); err != nil {
		return err
	}
	for _, args := range [][]string{
		append(args, "force"),
		{"volume", "set", name, "server.allow-insecure", "on"}, // clients without a port below 1024: qemu, other namespaces
		{"volume", "set", name, "network.ping-timeout", "5"},   // the default lets a frozen brick block for 42 s
		{"volume", "start", name},
	} {
		if _, err := g.cli(0, args...); err != nil {
			return err
		}
	}
	return g.awaitBricks(name)
}

// noteShares has mounts of a volume taken away with the cluster; any server may stand in their source.
func (g *GlusterCluster) noteShares(name string) error {
	for _, host := range g.Hosts {
		if err := note(g.dir, "shares", host+":/"+name); err != nil {
			return err
		}
	}
	return nil
}

func (g *GlusterCluster) brick(i int, volume string) string {
	return filepath.Join(g.server(i), volume, "brick")
}

func (g *GlusterCluster) makeBrick(i int, volume string) error {
	if err := g.ns.mountImage(filepath.Join(g.server(i), volume), g.options.brickSize); err != nil {
		return err
	}
	return os.Mkdir(g.ns.path(g.brick(i, volume)), 0o755)
}
