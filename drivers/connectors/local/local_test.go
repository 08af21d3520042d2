package local_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/connectortest"
	"github.com/clinker-storage/clinker/drivers/connectors/local"
	"github.com/clinker-storage/clinker/models"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Options{
		Volume: connectortest.File("local"), Shared: true,
		New: func(*testing.T) connectors.Connector { return local.New(models.Connector{Host: "compute-1"}) },
	})
}

func TestGone(t *testing.T) {
	c := local.New(models.Connector{})
	v := connectortest.File("local")(t)
	path := v.Info.Data["device_path"].(string)
	require.NoError(t, os.Remove(path))
	_, err := c.Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotEmpty(t, drivers.Hint(err))
	_, err = c.Extend(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, err = c.Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrInvalid)
}
