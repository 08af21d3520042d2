package e2e

import (
	"bufio"
	"encoding/json"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// monitor stands before the monitor of a QEMU. It can keep QEMU's answer to a command to itself: who asked is then in the middle of its step for
// certain, and what it asked for has been done.
type monitor struct {
	folder string // where the host worker finds it, under the guest's name
	qemu   string

	mu   sync.Mutex
	keep string // the command whose answer is kept; "" for none
	kept chan struct{}
}

func newMonitor(t *testing.T, vm *rig.VM) *monitor {
	t.Helper()
	name := vm.Name + ".sock"
	m := &monitor{folder: t.TempDir(), qemu: filepath.Join(vm.Sockets, name)}
	l, err := net.Listen("unix", filepath.Join(m.folder, name))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(client)
		}
	}()
	return m
}

// serve passes lines on until one side is gone, which ends the other's connection: QEMU's monitor has one client at a time.
func (m *monitor) serve(client net.Conn) {
	defer client.Close()
	qemu, err := net.Dial("unix", m.qemu)
	if err != nil {
		return
	}
	defer qemu.Close()
	asked := make(chan string, 1) // the id of the command whose answer is kept
	go func() {
		defer qemu.Close()
		lines(client, func(line []byte) bool {
			var command struct{ Execute, ID string }
			if json.Unmarshal(line, &command) == nil && m.keeps(command.Execute) {
				asked <- command.ID
			}
			_, err := qemu.Write(line)
			return err == nil
		})
	}()
	silent, id := false, ""
	lines(qemu, func(line []byte) bool {
		select {
		case id = <-asked:
		default:
		}
		var answer struct{ ID string }
		if !silent && id != "" && json.Unmarshal(line, &answer) == nil && answer.ID == id {
			silent = true
			close(m.kept)
		}
		if silent {
			return true // and nothing is said any more
		}
		_, err := client.Write(line)
		return err == nil
	})
}

func lines(from net.Conn, each func(line []byte) bool) {
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil || !each(line) {
			return
		}
	}
}

// keeps tells whether that is the command to keep the answer of, which is asked for once.
func (m *monitor) keeps(command string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.keep != "" && m.keep == command
	if found {
		m.keep = ""
	}
	return found
}

// during has act lead to a command, whose answer never comes, and does something then.
func (m *monitor) during(t *testing.T, command string, act, then func()) {
	t.Helper()
	m.mu.Lock()
	m.keep, m.kept = command, make(chan struct{})
	m.mu.Unlock()
	act()
	select {
	case <-m.kept:
	case <-time.After(harness.Patience):
		t.Fatalf("QEMU was not told to %s", command)
	}
	then()
}

// kill ends a worker with SIGKILL in the middle of its step, where QEMU has done a command and the worker does not know, and starts it again.
func (m *monitor) kill(t *testing.T, w *harness.Process, task, command string, act func()) {
	t.Helper()
	done := len(w.Logged(t, "state=SUCCESS", "task="+task))
	m.during(t, command, act, func() {
		w.Kill(t)
		require.Len(t, w.Logged(t, "state=SUCCESS", "task="+task), done, "%s was over before its worker", task)
		w.Start(t)
	})
}
