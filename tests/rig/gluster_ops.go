package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// With returns the same cluster for a subtest: what fails then fails that.
func (g *GlusterCluster) With(t T) *GlusterCluster {
	sub := *g
	sub.t = t
	return &sub
}

// CLI runs the gluster command at the first server, fails the test when it ends badly, and returns what it said.
// From anywhere on this machine `gluster --remote-host=HOST` reaches it too, as far as that goes.
func (g *GlusterCluster) CLI(args ...string) string {
	g.t.Helper()
	out, err := g.cli(0, args...)
	if err != nil {
		g.t.Fatalf("%v", err)
	}
	return out
}

func (g *GlusterCluster) cli(i int, args ...string) (string, error) {
	argv := []string{"gluster", "--mode=script", "--wignore", "--log-file=" + filepath.Join(g.server(i), "log", "cli.log")}
	if i > 0 {
		argv = append(argv, "--glusterd-sock="+g.socket(i))
	}
	argv = g.ns.entered(append(argv, args...)...)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := output(argv...)
		// The servers do one thing at a time, and asking one is a thing.
		busy := err != nil && (strings.Contains(err.Error(), "Another transaction is in progress") || strings.Contains(err.Error(), "Locking failed"))
		if !busy || time.Now().After(deadline) {
			return out, err
		}
	}
}

// RunAt runs a program as a server does, the first being 0, fails the test when it ends badly, and returns what it said: `gluster` talks to
// that server, all others see the servers' mounts.
func (g *GlusterCluster) RunAt(i int, args ...string) string {
	g.t.Helper()
	var out string
	var err error
	if args[0] == "gluster" {
		out, err = g.cli(i, args[1:]...)
	} else {
		out, err = output(g.ns.entered(args...)...)
	}
	if err != nil {
		g.t.Fatalf("at %s: %v", g.Hosts[i], err)
	}
	return out
}

// Folder is one of a server's own, the first being 0.
func (g *GlusterCluster) Folder(i int) string { return g.server(i) }

// Brick is the folder of a volume's brick at a server, the first being 0. The bricks' file systems are mounted in a
// namespace of the servers; this path leads there.
func (g *GlusterCluster) Brick(i int, volume string) string {
	return g.ns.path(g.brick(i, volume))
}

// Mount mounts a share by FUSE at a new folder, until the end of the test.
func (g *GlusterCluster) Mount(share string) (at string) {
	g.t.Helper()
	at, err := os.MkdirTemp(g.dir, "mnt")
	if err != nil {
		g.t.Fatalf("%v", err)
	}
	host, volume, _ := strings.Cut(share, ":/")
	_, err = output(find("glusterfs"), "--volfile-server="+host, "--volfile-id="+volume, "--log-file="+at+".log", at)
	if err == nil {
		// The program goes into the background before it is known whether anybody answers.
		err = eventually(time.Minute, "the mount of "+share, func() error {
			var here, above syscall.Stat_t
			if err := syscall.Stat(at, &here); err != nil {
				return err
			}
			if err := syscall.Stat(g.dir, &above); err != nil || here.Dev == above.Dev {
				return fmt.Errorf("not mounted: %s", lastLines(at+".log", 5))
			}
			return nil
		})
	}
	if err != nil {
		g.t.Fatalf("mounting %s: %v", share, err)
	}
	return at
}

// KillBrick kills a volume's brick process at a server, the first being 0, as a power cut would.
func (g *GlusterCluster) KillBrick(i int, volume string) {
	g.t.Helper()
	pid, err := g.brickPid(i, volume)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err == nil {
		err = eventually(time.Minute, "the end of the brick", func() error {
			online, err := g.online(volume)
			if err == nil && online[i] {
				err = errors.New("still online")
			}
			return err
		})
	}
	if err != nil {
		g.t.Fatalf("killing the brick of %s at %s: %v", volume, g.Hosts[i], err)
	}
}

// BrickPid is the process of a volume's brick at a server, the first being 0: to be stopped and continued, say.
func (g *GlusterCluster) BrickPid(i int, volume string) int {
	g.t.Helper()
	pid, err := g.brickPid(i, volume)
	if err != nil {
		g.t.Fatalf("%v", err)
	}
	return pid
}

func (g *GlusterCluster) brickPid(i int, volume string) (int, error) {
	files, err := filepath.Glob(filepath.Join(g.server(i), "run", "vols", volume, "*.pid"))
	if err != nil {
		return 0, err
	}
	if len(files) != 1 {
		return 0, fmt.Errorf("%s has %d bricks at %s: %q", volume, len(files), g.Hosts[i], files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// StartBricks starts those bricks of a volume that don't run and waits until all do. Healing goes on after that.
func (g *GlusterCluster) StartBricks(volume string) {
	g.t.Helper()
	if err := g.awaitBricks(volume); err != nil {
		g.t.Fatalf("%v", err)
	}
}

// awaitBricks asks again and again: after a kill glusterd may take a brick for running still.
func (g *GlusterCluster) awaitBricks(volume string) error {
	asked := time.Now()
	return eventually(60*time.Second, "the bricks of "+volume, func() error {
		online, err := g.online(volume)
		if err != nil {
			return err
		}
		for i, host := range g.Hosts {
			if online[i] {
				continue
			}
			if time.Since(asked) > 500*time.Millisecond {
				asked = time.Now()
				if _, err := g.cli(0, "volume", "start", volume, "force"); err != nil {
					return err
				}
			}
			return fmt.Errorf("that at %s is not online", host)
		}
		return nil
	})
}

// online says of each server whether its brick of a volume runs, as `volume status` has it.
func (g *GlusterCluster) online(volume string) ([]bool, error) {
	out, err := g.cli(0, "volume", "status", volume, "--xml")
	if err != nil {
		return nil, err
	}
	return parseStatus(out, g.Hosts)
}

// KillServer kills a server's glusterd, not its bricks.
func (g *GlusterCluster) KillServer(i int) {
	g.t.Helper()
	if err := g.servers[i].kill(); err != nil {
		g.t.Fatalf("%v", err)
	}
}

// StartServer starts a server's glusterd again.
func (g *GlusterCluster) StartServer(i int) {
	g.t.Helper()
	err := g.startServer(i)
	if err == nil {
		err = g.awaitPeers()
	}
	if err != nil {
		g.t.Fatalf("%v", err)
	}
}

// SetOption sets an option of a volume ("cluster.quorum-type", "auto").
func (g *GlusterCluster) SetOption(volume, option, value string) {
	g.t.Helper()
	g.CLI("volume", "set", volume, option, value)
}

// ToHeal is how many entries of a volume wait to be healed, and how many of them hold two truths.
func (g *GlusterCluster) ToHeal(volume string) (entries, splitBrain int) {
	g.t.Helper()
	var err error
	if entries, err = countEntries(g.cli(0, "volume", "heal", volume, "info")); err == nil {
		splitBrain, err = countEntries(g.cli(0, "volume", "heal", volume, "info", "split-brain"))
	}
	if err != nil {
		g.t.Fatalf("heal info of %s: %v", volume, err)
	}
	return entries, splitBrain
}

// AwaitHealed asks for healing and waits until nothing is left to heal.
func (g *GlusterCluster) AwaitHealed(volume string) {
	g.t.Helper()
	err := eventually(120*time.Second, "healing of "+volume, func() error {
		n, err := countEntries(g.cli(0, "volume", "heal", volume, "info"))
		if err == nil && n == 0 {
			return nil
		}
		_, _ = g.cli(0, "volume", "heal", volume) // the daemon may not be connected yet
		time.Sleep(300 * time.Millisecond)
		if err == nil {
			err = fmt.Errorf("%d entries left", n)
		}
		return err
	})
	if err != nil {
		g.t.Fatalf("%v", err)
	}
}

func (g *GlusterCluster) tellFailure() {
	if !g.t.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(g.dir, "*", "log", "*.log"))
	for _, log := range logs {
		g.t.Logf("end of %s:\n%s", log, lastLines(log, 12))
	}
}
