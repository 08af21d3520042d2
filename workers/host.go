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
	Key        seal.Key
	Logger     *slog.Logger
}

const (
	// hostSteps is how many steps on volumes run at once on the host. Logins are limited besides, by their connector.
	hostSteps = 8
	// hostSlots are more: steps wait in them for their turn, and what the host has is told beside them, in time for the client that waits for it.
	hostSlots = 100
)

// Host serves a compute host.
type Host struct {
	group
	on *activities.Host
}

// NewHost is what will serve a compute host; stateDir is where it notes what it has. Guests that a process before this one has left holding still are let go on
// here: that needs nobody but them, and must not wait until Temporal is back.
func NewHost(guests hypervisors.Hypervisor, stateDir string) (*Host, error) {
	on := &activities.Host{Hypervisor: guests, StateDir: stateDir, Steps: make(chan struct{}, hostSteps)}
	return &Host{on: on}, activities.ThawLeft(on)
}

// Start begins to poll the host's queue.
func (h *Host) Start(e HostEngine, o HostOptions) error {
	h.on.Connectors, h.on.Key = o.Connectors, o.Key
	w := worker.New(e.Flows(), flow.HostQueue(o.Host), worker.Options{
		WorkerStopTimeout: stopTimeout, DisableWorkflowWorker: true,
		MaxConcurrentActivityExecutionSize: hostSlots, MaxConcurrentActivityTaskPollers: 2,
		Interceptors: interceptors(o.Logger, o.Host),
	})
	register(w, []any{h.on})
	h.group = group{w}
	return h.start()
}
