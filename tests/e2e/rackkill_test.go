package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// hold takes from a step what it waits on in the middle of its work, so that it can't end before it is killed. All three are scripts of a shell's in the
// node: reached succeeds once the step waits.
type hold struct{ take, reached, give string }

// fileLock is a lock on a file of the storage node, or on a region of it: what Python's lockf wants after the command.
func fileLock(file, region string) hold {
	return hold{
		take: `rm -f /run/held; mkdir -p $(dirname ` + file + `); /usr/bin/python3 -c 'import fcntl, time
f = open("` + file + `", "a+")
fcntl.lockf(f, fcntl.LOCK_EX` + region + `)
open("/run/held", "w").close()
time.sleep(3600)' >/dev/null 2>&1 & echo $! >/run/holder.pid; until [ -e /run/held ]; do sleep 0.02; done`,
		give: `kill -KILL $(cat /run/holder.pid)`,
	}
}

// exportLock is the lock of the storage node's records of exports: the volume is active then, or its host gone, and nobody is let in or shut out.
func exportLock(w *nodeWorker) hold {
	const file = "/host/state/exports/lvm/.lock"
	h := fileLock(file, "")
	h.reached = `ls -l /proc/$(cat ` + w.pidFile() + `)/fd | grep -q ` + file
	return h
}

// initiatorDaemon is the host's iscsid: what it was asked for by iscsiadm it does when its worker is dead.
func initiatorDaemon(asked string) hold {
	return hold{
		take:    `kill -STOP $(pidof iscsid)`,
		reached: `for p in $(pidof iscsiadm); do tr '\0' ' ' </proc/$p/cmdline; done | grep -q -e ` + asked,
		give:    `kill -CONT $(pidof iscsid)`,
	}
}

// killAt ends a worker with SIGKILL in the middle of a task that act leads to, and starts it again. act does not wait for the flow: what it returns does,
// and answers its id.
func (c *computeNode) killAt(t *testing.T, w *nodeWorker, task string, h hold, act func() (flow func() string)) (flow func() string) {
	t.Helper()
	script := func(text string) error {
		_, err := w.node.With(t).RunErr("sh", "-c", text)
		return err
	}
	begun, done := len(w.logged(t, "state=RUNNING", "task="+task+" ")), len(w.logged(t, "state=SUCCESS", "task="+task+" "))
	require.NoError(t, script(h.take))
	flow = act()
	harness.Await(t, rackLimit, func() (bool, string) {
		return len(w.logged(t, "state=RUNNING", "task="+task+" ")) > begun && script(h.reached) == nil, task + " to wait for what it needs"
	})
	w.kill(t)
	require.Len(t, w.logged(t, "state=SUCCESS", "task="+task+" "), done, "%s was over before its worker", task)
	require.NoError(t, script(h.give))
	w.start(t)
	return flow
}

// killedAtEachStep kills the worker that does a step in the middle of it, for each step of attach and detach on both nodes.
func (c *computeNode) killedAtEachStep(t *testing.T) {
	attaching := func(v harness.Volume) func() func() string {
		return func() func() string {
			id := c.attach(t, v)
			return func() string { return id }
		}
	}
	detaching := func(v harness.Volume) func() func() string {
		return func() func() string { return detachLater(t, c.api, v.ID) }
	}
	steps := []struct {
		task   string
		worker *nodeWorker
		hold   hold
		act    func(harness.Volume) func() func() string
		status string
	}{
		{"InitializeConnection", c.lvm, exportLock(c.lvm), attaching, "in-use"},
		{"ConnectVolume", c.host, initiatorDaemon("--login"), attaching, "in-use"},
		{"DisconnectVolume", c.host, initiatorDaemon("--logout"), detaching, "available"},
		{"TerminateConnection", c.lvm, exportLock(c.lvm), detaching, "available"},
	}
	volumes := make([]harness.Volume, len(steps))
	for i, s := range steps {
		volumes[i] = c.volume(t, s.task)
		if s.status == "available" {
			c.api.WaitFlow(t, c.attach(t, volumes[i]), "SUCCESS")
		}
	}
	flows := make([]func() string, len(steps))
	for i, s := range steps {
		flows[i] = c.killAt(t, s.worker, s.task, s.hold, s.act(volumes[i]))
	}
	for i, s := range steps {
		id := flows[i]()
		c.api.WaitFlow(t, id, "SUCCESS")
		c.api.WaitStatus(t, volumes[i].ID, s.status)
		again(t, s.worker.logged, s.task, id)
	}
	require.Equal(t, "2", c.onCompute(t, "ls /sys/class/iscsi_session | wc -l"))
	for _, v := range volumes[:2] {
		c.api.WaitFlow(t, c.detach(t, v), "SUCCESS")
	}
	c.nothingAttached(t)
}
