package execxtest

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAwaitStopped(t *testing.T) {
	c := exec.Command("sleep", "60")
	require.NoError(t, c.Start())
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	require.False(t, stopped(c.Process.Pid))
	require.NoError(t, c.Process.Signal(syscall.SIGSTOP))
	AwaitStopped(t, c.Process.Pid)
	require.False(t, stopped(1<<30), "there is no such process")
}
