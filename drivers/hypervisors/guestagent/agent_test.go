package guestagent_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors/guestagent"
)

const patience = time.Minute

// TestRealAgent asks a qemu-ga of this machine, which is nobody and may not freeze anything.
func TestRealAgent(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	dir, err := os.MkdirTemp("", "agent") // where nobody may go
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777))
	socket := filepath.Join(dir, "agent")
	cmd := exec.Command("qemu-ga", "-m", "unix-listen", "-p", socket, "-t", dir, "--block-rpcs=guest-fsfreeze-freeze,guest-fsfreeze-freeze-list") //nolint:forbidigo // a test of a program
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ask := guestagent.On(socket, patience)
	require.Eventually(t, func() bool { return guestagent.Ready(t.Context(), ask) == nil }, patience, 10*time.Millisecond)
	held, err := guestagent.Thaw(t.Context(), ask)
	require.NoError(t, err)
	require.False(t, held)
	err = guestagent.Freeze(t.Context(), ask)
	require.ErrorIs(t, err, drivers.ErrNotSupported)
	require.Contains(t, drivers.Hint(err), "qemu-ga.conf")
	require.ErrorContains(t, ask(t.Context(), "no-such-command", nil), "no-such-command")

	// What a client that was cut off has left half said does not get in the way of the next.
	conn, err := net.Dial("unix", socket)
	require.NoError(t, err)
	_, err = fmt.Fprint(conn, `{"execute":"guest-info"}`+"\n"+`{"execute":"guest-fsfr`)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, guestagent.Ready(t.Context(), ask))
}

// guest answers like an agent whose file systems can be frozen, after what said says to the first of all.
func guest(t *testing.T, said string, mute bool, mounted int) guestagent.Ask {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	status := "thawed"
	serve := func(conn net.Conn) {
		defer conn.Close()
		fmt.Fprint(conn, said)
		said = ""
		for in := bufio.NewScanner(conn); in.Scan(); {
			var c struct {
				Execute   string `json:"execute"`
				Arguments struct{ ID int64 }
			}
			if mute || json.Unmarshal([]byte(strings.TrimPrefix(in.Text(), "\xff")), &c) != nil {
				continue
			}
			answer := `{"return": 1}`
			switch c.Execute {
			case "guest-sync":
				answer = fmt.Sprintf(`{"return": %d}`, c.Arguments.ID)
			case "guest-info":
				answer = `{"return": {"supported_commands": [{"name": "guest-fsfreeze-thaw", "enabled": false}]}}`
			case "guest-fsfreeze-status":
				answer = fmt.Sprintf(`{"return": %q}`, status)
			case "guest-fsfreeze-freeze":
				if answer = fmt.Sprintf(`{"return": %d}`, mounted); mounted > 0 {
					status = "frozen"
				}
			case "guest-fsfreeze-thaw":
				status = "thawed"
			}
			fmt.Fprintln(conn, answer)
		}
	}
	go func() {
		for { // one client at a time, as QEMU's port
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	return guestagent.On(socket, patience)
}

func TestFreezeOnce(t *testing.T) {
	ask := guest(t, "{\"return\": 7}\n{\"error\": {\"desc\": \"of another time\"}}\nhalf a li\n", false, 2)
	require.NoError(t, guestagent.Freeze(t.Context(), ask))
	require.ErrorIs(t, guestagent.Freeze(t.Context(), ask), drivers.ErrBusy)
	held, err := guestagent.Thaw(t.Context(), ask)
	require.NoError(t, err)
	require.True(t, held)
	held, err = guestagent.Thaw(t.Context(), ask)
	require.NoError(t, err)
	require.False(t, held)
	require.ErrorIs(t, guestagent.Freeze(t.Context(), guest(t, "", false, 0)), drivers.ErrNotSupported, "nothing is mounted")
	require.ErrorIs(t, guestagent.Ready(t.Context(), ask), drivers.ErrNotSupported, "its owner has switched it off")
}

func TestNobodyAnswers(t *testing.T) {
	absent := guestagent.On(filepath.Join(t.TempDir(), "agent"), patience)
	err := guestagent.Ready(t.Context(), absent)
	require.ErrorIs(t, err, drivers.ErrNotSupported)
	require.Contains(t, drivers.Hint(err), "virtserialport")

	mute := guest(t, "", true, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, guestagent.Freeze(ctx, mute), context.DeadlineExceeded)

	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket) // who connects is not even taken
	require.NoError(t, err)
	defer l.Close()
	err = guestagent.Freeze(t.Context(), guestagent.On(socket, 10*time.Millisecond))
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, drivers.Hint(err), "qemu-guest-agent")

	for _, line := range []string{"{", `{"return": 3}`} {
		require.ErrorIs(t, guestagent.Answer([]byte(line), new(string)), drivers.ErrUnavailable, line)
	}
}
