package connectortest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/connectors"
)

// File is an Options.Volume for connectors that open a file or device of this machine, at data.device_path.
func File(protocol string) func(*testing.T) Volume {
	return func(t *testing.T) Volume {
		path := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Truncate(path, int64(Size)))
		return Volume{
			Info: connectors.ConnectionInfo{DriverVolumeType: protocol, Data: map[string]any{"device_path": path, "volume_id": uuid.NewString()}},
			Read: func(off int64, n int) []byte { return ReadFile(t, path, off, n) },
			Grow: func(size connectors.Bytes) { require.NoError(t, os.Truncate(path, int64(size))) },
		}
	}
}

// ReadFile reads a part of a file or device.
func ReadFile(t *testing.T, path string, off int64, n int) []byte {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	p := make([]byte, n)
	_, err = f.ReadAt(p, off)
	require.NoError(t, err)
	return p
}
