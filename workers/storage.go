package workers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/internal/flow"
)

// StorageEngine is what a storage worker needs of Temporal.
type StorageEngine interface {
	Flows() client.Client
	System() client.Client
}

// StorageOptions are the settings of the worker of one backend.
type StorageOptions struct {
	Backend string // host@backend
	Zone    string
	CloudID string
	// Target exports the backend's volumes; nil where hosts mount it.
	Target  targets.Target
	Discard bool // report_discard_supported
	// Slots is how many steps run at once on the node for this backend; 0 is 8.
	Slots  int
	Logger *slog.Logger
}

// Storage serves one backend: its work queue, and a queue of its own for statistics, so that they are answered
// while every slot is at work.
type Storage struct {
	group
	stopKeeping context.CancelFunc
	kept        chan struct{} // closed when exports are no longer looked after
}

// StartStorage begins to poll the backend's queues. The driver stays the caller's to close, after Stop.
func StartStorage(e StorageEngine, d drivers.Driver, o StorageOptions) (*Storage, error) {
	if o.Slots == 0 {
		o.Slots = 8
	}
	work := worker.New(e.Flows(), flow.StorageQueue(o.Backend), worker.Options{
		WorkerStopTimeout: stopTimeout, DisableWorkflowWorker: true,
		MaxConcurrentActivityExecutionSize: o.Slots, MaxConcurrentActivityTaskPollers: 3,
		Interceptors: interceptors(o.Logger, o.Backend),
	})
	register(work, workActivities(d, o))
	stats := worker.New(e.System(), flow.StatsQueue(o.Backend), worker.Options{
		WorkerStopTimeout: stopTimeout, DisableWorkflowWorker: true,
		MaxConcurrentActivityExecutionSize: 1, MaxConcurrentActivityTaskPollers: 1,
	})
	stats.RegisterActivity(statsActivities(d, o))
	s := &Storage{group: group{work, stats}, kept: make(chan struct{})}
	if err := s.start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopKeeping = cancel
	go func() {
		defer close(s.kept)
		if o.Target != nil {
			keepExports(ctx, d, o.Target, o.Logger.With("backend", o.Backend))
		}
	}()
	return s, nil
}

// Stop ends the workers as group.Stop does; exports stay.
func (s *Storage) Stop() {
	s.stopKeeping()
	s.group.Stop()
	<-s.kept
}

// restoreEvery is how often exports are compared with what should be exported.
const restoreEvery = time.Minute

// keepExports brings exports back after a reboot of the node or a restart of the target's daemon: at once, and again and again,
// since the daemon may come up later than the worker (operators of Cinder know the guests that lost their disks there).
func keepExports(ctx context.Context, d drivers.Driver, t targets.Target, log *slog.Logger) {
	tick := time.NewTicker(restoreEvery)
	defer tick.Stop()
	last := ""
	for {
		text := ""
		if err := restoreExports(ctx, d, t); err != nil && ctx.Err() == nil {
			if text = err.Error(); text != last { // once, not each minute
				log.Warn("exports are not as they should be", "error", err, "hint", drivers.Hint(err))
			}
		} else if last != "" && err == nil {
			log.Info("exports are as they should be again")
		}
		last = text
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// restoreExports restores. A reboot can leave volumes that are not there until somebody asks the driver for them (LVM activates by itself what its
// configuration says); those of the exports that are down are asked for.
func restoreExports(ctx context.Context, d drivers.Driver, t targets.Target) error {
	err := t.Restore(ctx)
	if !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	for e, failed := range t.Exports(ctx) {
		if failed != nil {
			return errors.Join(err, failed)
		}
		if e.Recorded && !e.Live {
			_, _ = d.Source(ctx, drivers.Volume{ID: e.VolumeID, Name: e.Name}) // what is still missing then, Restore says again
		}
	}
	return t.Restore(ctx)
}

func workActivities(d drivers.Driver, o StorageOptions) []any {
	volumes := &activities.Volumes{Driver: d, CloudID: o.CloudID}
	if o.Target != nil { // not an interface that holds nil
		volumes.Exports = o.Target
	}
	return []any{
		volumes,
		&activities.Snapshots{Driver: d, CloudID: o.CloudID},
		&activities.Adoption{Driver: d},
		&activities.Connections{Driver: d, Target: o.Target, Discard: o.Discard},
	}
}

func statsActivities(d drivers.Driver, o StorageOptions) any {
	return &activities.Stats{Driver: d, AvailabilityZone: o.Zone}
}
