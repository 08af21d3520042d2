package workers

import (
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers"
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
	// Slots is how many steps run at once on the node for this backend; 0 is 8.
	Slots  int
	Logger *slog.Logger
}

// Storage serves one backend: its work queue, and a queue of its own for statistics, so that they are answered
// while every slot is at work.
type Storage struct{ group }

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
	s := &Storage{group{work, stats}}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

func workActivities(d drivers.Driver, o StorageOptions) []any {
	return []any{
		&activities.Volumes{Driver: d, CloudID: o.CloudID},
		&activities.Snapshots{Driver: d, CloudID: o.CloudID},
		&activities.Adoption{Driver: d},
	}
}

func statsActivities(d drivers.Driver, o StorageOptions) any {
	return &activities.Stats{Driver: d, AvailabilityZone: o.Zone}
}
