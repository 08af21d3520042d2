package engine

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
	"github.com/clinker-storage/clinker/workers"
)

// blanking makes volumes as slowly as a disk that is written full of zeros: none is done before the gate is open.
type blanking struct {
	*fake.Driver
	begun chan string
	gate  chan struct{}
}

func (d *blanking) CreateVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	d.begun <- v.ID
	select {
	case <-d.gate:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	return d.Driver.CreateVolume(ctx, v)
}

// TestBusyNodeIsUp: while volumes are blanked in every slot of a node, and more wait for one, it tells its statistics and shows that it
// lives, time and again.
func TestBusyNodeIsUp(t *testing.T) {
	const slots, asked = 2, 4
	e, log := serve(t), slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "catalogue.db"), store.Options{Logger: log, QuotaDefaults: map[string]int64{
		models.QuotaVolumes: -1, models.QuotaGigabytes: -1, models.QuotaPerVolumeGigabyte: -1,
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.EnsureDefaultType(t.Context(), "__DEFAULT__"))
	control, err := workers.StartControl(t.Context(), e, s, workers.ControlOptions{
		Host: "control", Zone: "nova", DefaultType: "__DEFAULT__", DefaultZone: "nova", Names: flow.Names{Volume: "volume-%s", Snapshot: "snapshot-%s"}, ReportInterval: 100 * time.Millisecond, Logger: log,
	})
	require.NoError(t, err)
	t.Cleanup(control.Stop)
	d := &blanking{Driver: fake.New(fake.Options{}), begun: make(chan string, 10*asked), gate: make(chan struct{})}
	node, err := workers.StartStorage(e, d, workers.StorageOptions{Backend: backend, Zone: "nova", Slots: slots, Logger: log})
	require.NoError(t, err)
	t.Cleanup(node.Stop)

	// report waits for one that was gathered after the given time, of a node that is up.
	report := func(after time.Time) time.Time {
		t.Helper()
		var pools []models.PoolView
		require.Eventually(t, func() bool {
			pools, err = s.ListPools(t.Context())
			return err == nil && len(pools) == 1 && pools[0].GatheredAt.After(after)
		}, 2*time.Minute, 20*time.Millisecond, "no report after %s", after)
		require.True(t, pools[0].ServiceUp, pools[0].ServiceReason)
		return pools[0].GatheredAt
	}
	report(time.Time{})
	var flows []string
	for range asked {
		f := create()
		require.NoError(t, e.Accept(within(t, time.Minute), f, &flow.VolumeResult{}))
		flows = append(flows, f.Header.FlowID)
	}
	for range slots {
		select {
		case <-d.begun:
		case <-time.After(2 * time.Minute):
			t.Fatal("the slots are not filled")
		}
	}

	last := time.Now()
	for range 5 {
		last = report(last)
		services, err := s.ListServices(t.Context(), models.BinaryVolume, "")
		require.NoError(t, err)
		require.Len(t, services, 1)
		require.Equal(t, "up", services[0].BackendState)
		require.False(t, services[0].UpdatedAt.Before(last), "the sign of life came with the report")
	}
	found, err := e.Backends(t.Context())
	require.NoError(t, err)
	require.True(t, slices.Contains(found, backend), "Temporal's list of workers has it")
	require.Empty(t, d.begun, "as many at once as there are slots")

	close(d.gate)
	for _, id := range flows {
		require.NoError(t, e.AwaitClosed(within(t, 2*time.Minute), id))
		f, err := s.GetFlow(t.Context(), "", id)
		require.NoError(t, err)
		require.Equal(t, models.FlowSuccess, f.State, f.Error)
	}
}
