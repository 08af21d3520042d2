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
	Logger     *slog.Logger
}

const (
	// hostSteps is how many steps on volumes run at once on the host. Logins are limited besides, by their connector.
	hostSteps = 8
	// hostSlots are more: steps wait in them for their turn, and what the host has is told beside them, in time for the client that waits for it.
	hostSlots = 100
)

// Host serves a compute host.
type Host struct{ group }

// StartHost begins to poll the host's queue.
func StartHost(e HostEngine, o HostOptions) (*Host, error) {
	on := hostActivities(o)
	w := worker.New(e.Flows(), flow.HostQueue(o.Host), worker.Options{
		WorkerStopTimeout: stopTimeout, DisableWorkflowWorker: true,
		MaxConcurrentActivityExecutionSize: hostSlots, MaxConcurrentActivityTaskPollers: 2,
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
	return &activities.Host{Connectors: o.Connectors, Hypervisor: o.Hypervisor, Key: o.Key, StateDir: o.StateDir, Steps: make(chan struct{}, hostSteps)}
}
