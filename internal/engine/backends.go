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
	var out []string
	req := &workflowservice.ListWorkersRequest{Namespace: e.namespace + flow.SystemNamespaceSuffix, PageSize: 1000}
	for {
		resp, err := e.system.WorkflowService().ListWorkers(ctx, req)
		if err != nil {
			return nil, answered(err)
		}
		for _, w := range resp.GetWorkers() {
			if b, ok := served(w); ok {
				out = append(out, b)
			}
		}
		if req.NextPageToken = resp.GetNextPageToken(); len(req.NextPageToken) == 0 {
			return out, nil
		}
	}
}

// served names the backend that a worker answers for. A worker that is gone leaves the list by itself after two minutes.
func served(w *workerpb.WorkerListInfo) (backend string, ok bool) {
	b, ok := flow.StatsBackend(w.GetTaskQueue())
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
