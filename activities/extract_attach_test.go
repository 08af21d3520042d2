package activities

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// What is wrong with a connector is told in words of the API.
func TestBadConnectors(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 2, pool)
	for text, want := range map[string]string{
		`{"host": "h", "initiator": 7}`: "the connector is not what os-brick describes a host by, look at initiator.",
		`[]`:                            "the connector is not what os-brick describes a host by.",
		`{"host": "h", "clinker": {"node": "n1"}}`:    "has the key clinker",
		`"` + strings.Repeat("x", maxConnector) + `"`: "it may have 16384",
	} {
		in := flow.AttachInput{Header: request(flow.AttachmentCreate, uuid.NewString()), VolumeID: v.ID, Connector: json.RawMessage(text)}
		_, err := c.ExtractAttachRequest(ctx, in)
		require.Equal(t, flow.ErrInvalid, wire.Parse(err).Type)
		require.Contains(t, err.Error(), want)
		require.NotContains(t, err.Error(), "json")
	}
}

// A host without the volume's client is refused with what to install; the clients that it lacks of other protocols don't matter.
func TestHostWithoutClient(t *testing.T) {
	c := newCatalogue(t)
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	stats := views[0].Stats
	stats.StorageProtocol = "glusterfs"
	c.report(t, views[0].Name, stats)
	v := c.available(t, 2, views[0].Name)
	in := flow.AttachInput{Header: request(flow.AttachmentCreate, uuid.NewString()), VolumeID: v.ID, Connector: json.RawMessage(`{"host": "h"}`)}
	in.Clients = []flow.HostClient{{Protocol: "nfs", Reason: "mount.nfs is not installed", Hint: "install nfs-common"}, {Protocol: "glusterfs", Ready: true}}
	_, err = c.ExtractAttachRequest(ctx, in)
	require.NoError(t, err)
	in.Clients[1] = flow.HostClient{Protocol: "glusterfs", Reason: "mount.glusterfs is not installed", Hint: "install glusterfs-client"}
	_, err = c.ExtractAttachRequest(ctx, in)
	require.Equal(t, flow.ErrInvalid, wire.Parse(err).Type)
	require.Regexp(t, "^host h can't take in volume .* over glusterfs: mount.glusterfs is not installed; install glusterfs-client$", wire.Parse(err).Message)
}
