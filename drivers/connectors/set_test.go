package connectors_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/connectortest"
	"github.com/clinker-storage/clinker/drivers/connectors/fake"
	"github.com/clinker-storage/clinker/drivers/connectors/local"
	"github.com/clinker-storage/clinker/models"
)

func TestSet(t *testing.T) {
	machine := connectors.Machine("compute-1", "192.0.2.9")
	require.Equal(t, "linux", machine.OSType)
	s := connectors.Set{
		"local": local.New(machine),
		"iscsi": fake.New(fake.Options{Machine: models.Connector{Initiator: "iqn.x:a"}, Missing: "open-iscsi"}),
	}
	p, err := s.Properties(t.Context())
	require.NoError(t, err)
	require.Equal(t, "compute-1", p.Connector.Host)
	require.Equal(t, "192.0.2.9", p.Connector.IP)
	require.Equal(t, "iqn.x:a", p.Connector.Initiator)
	require.True(t, p.Client("local").Ready)
	require.Equal(t, "open-iscsi is not installed", p.Client("iscsi").Reason)
	require.False(t, p.Client("nfs").Ready)
	require.Contains(t, p.Client("nfs").Reason, "nfs")

	v := connectortest.File("local")(t)
	d, err := s.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	require.Equal(t, connectortest.Size, d.Size)
	v.Grow(2 * connectortest.Size)
	n, err := s.Extend(t.Context(), v.Info)
	require.NoError(t, err)
	require.Equal(t, 2*connectortest.Size, n)
	require.NoError(t, s.Disconnect(t.Context(), v.Info, false))

	for _, err := range []error{
		func() error {
			_, err := s.Connect(t.Context(), connectors.ConnectionInfo{DriverVolumeType: "rbd"})
			return err
		}(),
		func() error { _, err := s.Extend(t.Context(), connectors.ConnectionInfo{}); return err }(),
		s.Disconnect(t.Context(), connectors.ConnectionInfo{}, true),
	} {
		require.ErrorIs(t, err, drivers.ErrNotSupported)
		require.ErrorContains(t, err, "iscsi, local")
	}
}
