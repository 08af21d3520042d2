package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// guests are those of a volume in use, with the agents of two hosts.
type guests struct {
	*shelf
	still map[string]bool // instances
	late  bool            // the host has let them go on by itself
	froze int             // guests that held still when the snapshot was made
}

func newGuests(t *testing.T, quiesce string) *guests {
	g := &guests{shelf: newShelf(t), still: map[string]bool{}}
	g.shelf.temporary, g.shelf.quiesce = true, quiesce
	g.shelf.guests = []flow.HostNode{{Node: "h1", Instance: "vm1"}, {Node: "h2", Instance: "vm2"}}
	register(g.world, flow.TaskFindAgent, func(flow.FreezeInput) (any, error) { return nil, nil })
	register(g.world, flow.TaskFreezeGuest, func(in flow.FreezeInput) (any, error) {
		require.Equal(t, flow.FreezeLimit, in.Limit)
		g.still[in.Instance] = true
		return nil, nil
	})
	register(g.world, flow.TaskThawGuest, func(in flow.FreezeInput) (flow.ThawResult, error) {
		held := g.still[in.Instance] && !g.late
		delete(g.still, in.Instance)
		return flow.ThawResult{Held: held}, nil
	})
	g.snapped = func() { g.froze = len(g.still) }
	return g
}

func TestQuiescedBackup(t *testing.T) {
	g := newGuests(t, flow.QuiesceRequired)
	require.NoError(t, g.make(t))
	require.Equal(t, 2, g.froze)
	require.Empty(t, g.still)
	require.True(t, g.made.Quiesced)
	require.Equal(t, []string{
		flow.TaskExtractBackupRequest, flow.TaskFindAgent, flow.TaskFindAgent, flow.TaskQuotaReserve, flow.TaskEntryCreate, flow.TaskQuotaCommit, flow.TaskBackupCast,
		flow.TaskFreezeGuest, flow.TaskFreezeGuest, flow.TaskCreateSnapshot, flow.TaskThawGuest, flow.TaskThawGuest, flow.TaskBackupChunks, flow.TaskDeleteSnapshot, flow.TaskEntryReady,
	}, g.calls, "they go on before the bytes are moved")
	require.Equal(t, models.FlowSuccess, g.state)
}

// Whatever happens, guests go on, and no snapshot is left; a backup that requires it is not made, the other one is crash-consistent.
func TestQuiesceThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		plan func(*guests)
		told flow.ErrorType // refused before anything is done
	}{
		"no agent":       {plan: func(g *guests) { g.failing(flow.TaskFindAgent, 1, flow.ErrInvalid) }, told: flow.ErrInvalid},
		"no host worker": {plan: func(g *guests) { g.fail[flow.TaskFindAgent] = []error{nil, temporal.NewTimeoutError(2, nil)} }, told: flow.ErrInvalid},
		"frozen never":   {plan: func(g *guests) { g.failing(flow.TaskFreezeGuest, 1, flow.ErrNotSupported) }},
		"second never": {plan: func(g *guests) {
			g.fail[flow.TaskFreezeGuest] = []error{nil, wire.Error(&flow.Error{Type: flow.ErrCertain})}
		}},
		"busy":         {plan: func(g *guests) { g.failing(flow.TaskCreateSnapshot, stillAttempts, flow.ErrBusy) }},
		"no snapshot":  {plan: func(g *guests) { g.failing(flow.TaskCreateSnapshot, 1, flow.ErrCertain) }},
		"too late":     {plan: func(g *guests) { g.late = true }},
		"never thawed": {plan: func(g *guests) { g.failing(flow.TaskThawGuest, 1, flow.ErrCertain) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuests(t, flow.QuiesceRequired)
			c.plan(g)
			require.Error(t, g.make(t))
			require.Empty(t, g.disks, "no temporary snapshot is left")
			require.False(t, g.stored)
			if c.told != "" {
				require.Equal(t, c.told, wire.Parse(g.reply).Type)
				require.Zero(t, count(g.calls, flow.TaskEntryCreate))
				require.Zero(t, count(g.calls, flow.TaskFreezeGuest))
			} else {
				require.Equal(t, models.BackupError, g.last.Backups)
				require.Equal(t, count(g.calls, flow.TaskFreezeGuest), count(g.calls, flow.TaskThawGuest), "who was asked to hold still is let go on")
			}

			g = newGuests(t, flow.QuiesceIfPossible)
			c.plan(g)
			require.NoError(t, g.make(t))
			require.False(t, g.made.Quiesced)
			require.True(t, g.stored)
			require.Empty(t, g.disks, "no temporary snapshot is left")
			require.Equal(t, models.FlowSuccess, g.state)
		})
	}
}
