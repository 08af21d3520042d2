package workers

import (
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/clinker-storage/clinker/internal/flow"
)

// DataEngine is what a data worker needs of Temporal.
type DataEngine interface {
	Flows() client.Client
}

// DataOptions are the settings of the worker of a host that moves bytes.
type DataOptions struct {
	// Hosts are those that it answers for: its own, and those that its backends are named with.
	Hosts []string
	// Slots is how many movers run at once for each of them; 0 is 4.
	Slots int
	// Activities are structs whose methods are the steps.
	Activities []any
	Logger     *slog.Logger
}

// Data moves bytes: copies of volumes, backups, restores. It knows neither the catalogue nor what is being asked of it before a step arrives.
type Data struct{ group }

// StartData begins to poll the hosts' queues. What the activities hold stays the caller's to close, after Stop. On Stop movers hand over at once:
// they go on from their checkpoints.
func StartData(e DataEngine, o DataOptions) (*Data, error) {
	if o.Slots == 0 {
		o.Slots = 4
	}
	d := &Data{}
	for _, host := range o.Hosts {
		w := worker.New(e.Flows(), flow.DataQueue(host), worker.Options{
			WorkerStopTimeout: stopTimeout, DisableWorkflowWorker: true,
			MaxConcurrentActivityExecutionSize: o.Slots, MaxConcurrentActivityTaskPollers: 2,
			Interceptors: interceptors(o.Logger, host),
		})
		register(w, o.Activities)
		d.group = append(d.group, w)
	}
	if err := d.start(); err != nil {
		return nil, err
	}
	return d, nil
}
