package fake_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/connectortest"
	"github.com/clinker-storage/clinker/drivers/connectors/fake"
	"github.com/clinker-storage/clinker/models"
)

func TestConformance(t *testing.T) {
	var c *fake.Connector
	connectortest.Run(t, connectortest.Options{
		Volume: connectortest.File("nbd"), Shared: true,
		New: func(*testing.T) connectors.Connector {
			if c == nil {
				c = fake.New(fake.Options{Protocol: "nbd", Machine: models.Connector{Host: "compute-1"}})
			}
			return c
		},
		Left: func(*testing.T) []string { return c.Connected() },
	})
}

func TestFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	c := fake.New(fake.Options{Missing: "open-iscsi", File: func(connectors.ConnectionInfo) string { return path }})
	info := connectors.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{"volume_id": uuid.NewString()}}
	c.Fail("Connect", &drivers.Error{Err: drivers.ErrUnavailable, Hint: "mend it"})
	_, err := c.Connect(t.Context(), info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Equal(t, "mend it", drivers.Hint(err))
	require.Empty(t, c.Connected())
	_, err = c.Extend(t.Context(), info)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	d, err := c.Connect(t.Context(), info)
	require.NoError(t, err)
	require.Equal(t, path, d.Path)
	require.Equal(t, []string{info.Data["volume_id"].(string)}, c.Connected())
	p, err := c.Properties(t.Context())
	require.NoError(t, err)
	require.Equal(t, "install open-iscsi on this host", p.Client("iscsi").Hint)
	require.False(t, p.Client("iscsi").Ready)
}
