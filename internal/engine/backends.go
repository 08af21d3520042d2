package engine

import (
	"context"
	"errors"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workerpb "go.temporal.io/api/worker/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/clinker-storage/clinker/internal/flow"
)

// Backends lists the backends ("host@backend") that have a worker, by the heartbeats that workers send to Temporal.
func (e *Engine) Backends(ctx context.Context) ([]string, error) {
	return workersOf(ctx, e.system, e.namespace+flow.SystemNamespaceSuffix, flow.StatsBackend)
}

// DataHosts lists the hosts that a data worker answers for, by the same heartbeats.
func (e *Engine) DataHosts(ctx context.Context) ([]string, error) {
	return workersOf(ctx, e.flows, e.namespace, flow.DataHost)
}

// workersOf lists what name makes of the queues of a namespace's workers; one that several workers poll comes several times.
func workersOf(ctx context.Context, c client.Client, namespace string, name func(queue string) (string, bool)) ([]string, error) {
	var out []string
	req := &workflowservice.ListWorkersRequest{Namespace: namespace, PageSize: 1000}
	for {
		resp, err := c.WorkflowService().ListWorkers(ctx, req)
		if err != nil {
			return nil, answered(err)
		}
		for _, w := range resp.GetWorkers() {
			if b, ok := served(w, name); ok {
				out = append(out, b)
			}
		}
		if req.NextPageToken = resp.GetNextPageToken(); len(req.NextPageToken) == 0 {
			return out, nil
		}
	}
}

// served names what a worker answers for. A worker that is gone leaves the list by itself after two minutes.
func served(w *workerpb.WorkerListInfo, name func(queue string) (string, bool)) (what string, ok bool) {
	b, ok := name(w.GetTaskQueue())
	return b, ok && w.GetStatus() != enums.WORKER_STATUS_SHUTDOWN
}

// EnsureMonitor sees to it that the one workflow that gathers statistics runs.
func (e *Engine) EnsureMonitor(ctx context.Context, interval time.Duration) error {
	_, err := e.system.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: flow.BackendMonitor, TaskQueue: flow.ControlQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
		StaticSummary:            "gathers the statistics of all backends, looks after open flows",
	}, flow.BackendMonitor, flow.MonitorInput{Interval: interval})
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	return answered(err)
}
