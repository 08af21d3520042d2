package activities

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// A file that a hypervisor writes is not copied; a device, of which the driver takes a snapshot for that, is.
func TestCopyOfAttached(t *testing.T) {
	for protocol, refused := range map[string]bool{"glusterfs": true, "nfs": true, "iSCSI": false} {
		c := newCatalogue(t)
		views, err := c.Store.ListPools(ctx)
		require.NoError(t, err)
		stats := views[0].Stats
		stats.StorageProtocol = protocol
		c.report(t, views[0].Name, stats)
		v := c.available(t, 10, views[0].Name)
		in := createRequest(10)
		in.SourceVolID = v.ID
		_, err = c.ExtractVolumeRequest(ctx, in)
		require.NoError(t, err, protocol)
		used := models.VolumeInUse
		_, err = c.Store.ResetVolume(ctx, v.ID, models.StatusReset{Status: &used})
		require.NoError(t, err)
		in.Header = request(flow.VolumeCreate, uuid.NewString())
		_, err = c.ExtractVolumeRequest(ctx, in)
		if refused {
			require.Equal(t, flow.ErrInvalid, class(t, err))
			require.Contains(t, wire.Parse(err).Message, "detach it first")
		} else {
			require.NoError(t, err)
		}
	}
}
