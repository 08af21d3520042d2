package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

type novaFake struct {
	err  error
	told []string
}

func (n *novaFake) VolumeExtended(_ context.Context, volumeID string, servers []string) error {
	n.told = append(append(n.told, volumeID), servers...)
	return n.err
}

func TestTellExtended(t *testing.T) {
	in := flow.TellExtendedInput{Header: request(flow.VolumeExtend, "v1"), Servers: []string{"s1", "s2"}}
	n := &novaFake{}
	require.NoError(t, (&Compute{Service: n}).TellExtended(ctx, in))
	require.Equal(t, []string{"v1", "s1", "s2"}, n.told)
	for _, want := range []flow.ErrorType{flow.ErrCertain, flow.ErrUnavailable} {
		n.err = &flow.Error{Type: want, Message: "no"}
		require.Equal(t, want, wire.Parse((&Compute{Service: n}).TellExtended(ctx, in)).Type)
	}
	err := (&Compute{}).TellExtended(ctx, in)
	require.Equal(t, flow.ErrMisconfigured, wire.Parse(err).Type)
	require.True(t, wire.Final(err), "no use to ask again")
}

// Whose volume it is learns of it, once.
func TestExtendedUntold(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	in := flow.ExtendedUntoldInput{Header: request(flow.VolumeExtend, v.ID), Why: "the compute service answered 503", Hint: "for operators only"}
	for range 2 {
		require.NoError(t, (&Compute{Store: c.Store, MessageTTL: time.Hour}).ExtendedUntold(ctx, in))
	}
	told, err := c.Store.ListMessages(ctx, models.MessageQuery{Page: models.Page{Limit: -1}, ProjectID: project})
	require.NoError(t, err)
	require.Len(t, told, 1)
	m := told[0]
	require.Equal(t, []string{"VOLUME_VOLUME_007_009", v.ID, in.FlowID, "the volume has its new size, but its servers may not see it: the compute service answered 503"},
		[]string{m.EventID, m.ResourceID, m.FlowID, m.UserMessage})
}
