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
