package iscsi_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/connectors"
)

// connectVariable has TestInsideChild connect and disconnect what it holds, until it is killed.
const connectVariable = "CLINKER_TEST_CONNECT"

// TestInsideChild is the victim of TestInsideKilled; by itself it has nothing to do.
func TestInsideChild(t *testing.T) {
	text := os.Getenv(connectVariable)
	if text == "" {
		return
	}
	var info connectors.ConnectionInfo
	require.NoError(t, json.Unmarshal([]byte(text), &info))
	c := connector(t, t.Output())
	for {
		_, err := c.Connect(t.Context(), info)
		require.NoError(t, err)
		require.NoError(t, c.Disconnect(t.Context(), info, false))
	}
}

// TestInsideKilled kills a process with all that it runs, at many moments of its calls: the next one's calls bring all to a whole.
func TestInsideKilled(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	text, err := json.Marshal(v.Info)
	require.NoError(t, err)
	c := connector(t, t.Output())
	for after := 150 * time.Millisecond; after < 900*time.Millisecond; after += 70 * time.Millisecond {
		child := exec.Command("/proc/self/exe", "-test.run=^TestInsideChild$", "-test.timeout=60s")
		child.Env = append(os.Environ(), connectVariable+"="+string(text))
		require.NoError(t, child.Start())
		time.Sleep(after)
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait(), "it ended by itself")
		d, err := c.Connect(t.Context(), v.Info)
		require.NoError(t, err, "after %v", after)
		require.Len(t, d.Paths, 1)
		require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
		require.Empty(t, left(t))
	}
}
