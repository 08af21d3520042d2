package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// plainRights make root what any user is to the processes of the same user: without the rights to trace and to measure.
const plainRights = "-sys_ptrace,-sys_admin,-perfmon"

// TestNoDumps: what a process of clinkerd knows is in no core file, not in what it says when it dies, and no other process of its user reads it. Beside it
// a program of the system shows that there is something to be seen.
func TestNoDumps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	out, code := harness.Run(t, nil, harness.Binary(t, "clinkerd"), "temporal", "payload-key", keys)
	require.Zero(t, code, out)
	secrets := map[string][]byte{}
	addPayloadKeys(t, secrets, keys)
	addr := harness.FreeAddr(t)
	for name, c := range map[string]struct {
		argv []string
		open bool
	}{
		"clinkerd": {[]string{harness.Binary(t, "clinkerd"), "codec-server", "--addr", addr}, false},
		"sleep":    {[]string{"sleep", "600"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			p := exec.Command("setpriv", append([]string{"--bounding-set", plainRights, "sh", "-c", `ulimit -c unlimited; exec "$@"`, "sh"}, c.argv...)...)
			var said strings.Builder
			p.Dir, p.Stdout, p.Stderr = home, &said, &said
			p.Env = append(os.Environ(), "GOTRACEBACK=crash", "CLINKER_TEMPORAL__PAYLOAD_KEYS="+keys, "CLINKER_STATE_PATH="+home)
			require.NoError(t, p.Start())
			t.Cleanup(func() { _ = p.Process.Kill() })
			harness.Await(t, harness.Patience, func() (bool, string) {
				words, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Process.Pid))
				started := err == nil && strings.HasPrefix(string(words), c.argv[0]+"\x00")
				return started && (c.open || listens(addr)), fmt.Sprintf("%s to run: %q", name, words)
			})
			for what, look := range map[string]string{"mem": `: <"/proc/$0/mem"`, "environ": `head -c1 "/proc/$0/environ" | grep -q .`} {
				out, code := harness.Run(t, nil, "setpriv", "--bounding-set", plainRights, "sh", "-ec", look, fmt.Sprint(p.Process.Pid))
				require.Equal(t, c.open, code == 0, "%s: %s", what, out)
			}
			if !c.open {
				require.NotEmpty(t, inMemory(t, secrets, p.Process.Pid)[p.Process.Pid], "it has the keys, for root to see")
			}
			require.NoError(t, p.Process.Signal(syscall.SIGABRT))
			var exit *exec.ExitError
			require.True(t, errors.As(p.Wait(), &exit))
			status := exit.Sys().(syscall.WaitStatus)
			require.Equal(t, syscall.SIGABRT, status.Signal(), said.String())
			require.Equal(t, c.open, status.CoreDump())
			cores, err := filepath.Glob(filepath.Join(home, "core*"))
			require.NoError(t, err)
			require.True(t, c.open || len(cores) == 0, "%v", cores)
			if !c.open {
				require.Contains(t, said.String(), "goroutine ", "it has said where it was")
				for what, secret := range secrets {
					require.NotContains(t, said.String(), string(secret), what)
				}
			}
		})
	}
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	return err == nil && conn.Close() == nil
}
