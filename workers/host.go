package workers

import (
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/seal"
)

// HostEngine is what a host worker needs of Temporal.
type HostEngine interface {
	Flows() client.Client
}

// HostOptions are the settings of the worker of a compute host.
type HostOptions struct {
	Host       string // its name in Clinker
	Connectors connectors.Connector
	Hypervisor hypervisors.Hypervisor
	Key        seal.Key
	StateDir   string // where the worker notes what it has
	// Slots is how many steps run at once on the host; 0 is 8. Logins are limited besides, by their connector.
	Slots  int
	Logger *slog.Logger
}

// Host serves a compute host.
type Host struct{ group }

// StartHost begins to poll the host's queue.
func StartHost(e HostEngine, o HostOptions) (*Host, error) {
	if o.Slots == 0 {
		o.Slots = 8
	}
	on := hostActivities(o)
	w := worker.New(e.Flows(), flow.HostQueue(o.Host), worker.Options{
		WorkerStopTimeout: stopTimeout, DisableWorkflowWorker: true,
		MaxConcurrentActivityExecutionSize: o.Slots, MaxConcurrentActivityTaskPollers: 2,
		Interceptors: interceptors(o.Logger, o.Host),
	})
	register(w, []any{on})
	if err := activities.ThawLeft(on); err != nil {
		return nil, err
	}
	h := &Host{group{w}}
	if err := h.start(); err != nil {
		return nil, err
	}
	return h, nil
}

func hostActivities(o HostOptions) *activities.Host {
	return &activities.Host{Connectors: o.Connectors, Hypervisor: o.Hypervisor, Key: o.Key, StateDir: o.StateDir}
}
