package iscsi_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/tests/rig"
)

// The halves of TestTargetReboots. The storage node's /host keeps what it exports; the host's, whether it writes.

const (
	blocks    = 400
	blockSize = 4096
)

func theTarget(t *testing.T) targets.Target {
	return exporter(t, "/host/exports", os.Getenv("CLINKER_TEST_ADDRESS"))
}

func TestInsideExport(t *testing.T) {
	const id = "6a3e1c52-7d0b-4b7a-9a86-0f1d2c3b4a59"
	target := theTarget(t)
	e := targets.Export{VolumeID: id, Name: "volume-" + id, Path: rig.InsideDisks()[0], Size: 64 << 20}
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	info, err := target.Allow(t.Context(), e, models.Connector{Initiator: os.Getenv("CLINKER_TEST_INITIATOR")})
	require.NoError(t, err)
	text, err := json.Marshal(info)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("/host/info.json", text, 0o600))
}

func TestInsideRestore(t *testing.T) { require.NoError(t, theTarget(t).Restore(t.Context())) }

// TestInsideWritesOn writes numbered blocks, each flushed; the longest takes as long as the node is away.
func TestInsideWritesOn(t *testing.T) {
	c := connector(t, t.Output())
	info := readInfo(t)
	d, err := c.Connect(t.Context(), info)
	require.NoError(t, err)
	f, err := os.OpenFile(d.Path, os.O_RDWR|os.O_SYNC, 0)
	require.NoError(t, err)
	var longest time.Duration
	for i := range blocks {
		p := make([]byte, blockSize)
		binary.BigEndian.PutUint64(p, uint64(i)+1)
		begun := time.Now()
		_, err := f.WriteAt(p, int64(i)*blockSize)
		require.NoError(t, err, "block %d", i)
		longest = max(longest, time.Since(begun))
		if i == 20 {
			require.NoError(t, os.WriteFile("/host/writing", nil, 0o600))
		}
		time.Sleep(10 * time.Millisecond)
		if i > 20 && longest < 3*time.Second && i == blocks/2 {
			for begun := time.Now(); time.Since(begun) < time.Minute && longest < 3*time.Second; {
				at := time.Now()
				_, err := f.WriteAt(p, int64(i)*blockSize)
				require.NoError(t, err)
				longest = max(longest, time.Since(at))
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
	require.NoError(t, f.Close())
	t.Logf("the longest write took %v", longest.Round(time.Millisecond))
	require.Greater(t, longest, 3*time.Second, "the node was not away")
	again, err := c.Connect(t.Context(), info)
	require.NoError(t, err)
	require.Equal(t, d.Path, again.Path)
	require.NoError(t, c.Disconnect(t.Context(), info, false))
	require.Empty(t, left(t))
}

func TestInsideHasAll(t *testing.T) {
	f, err := os.Open(rig.InsideDisks()[0])
	require.NoError(t, err)
	defer f.Close()
	for i := range blocks {
		p := make([]byte, blockSize)
		_, err := f.ReadAt(p, int64(i)*blockSize)
		require.NoError(t, err)
		require.EqualValues(t, i+1, binary.BigEndian.Uint64(p), "block %d", i)
	}
}
