package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// monitorRounds is how often the monitor goes round before it begins a new history.
const monitorRounds = 200

// BackendMonitor asks each backend's node for its statistics, round after round, and writes them to the catalogue.
// A node that does not answer is left out of the round; its service goes down by its age.
func BackendMonitor(ctx workflow.Context, in flow.MonitorInput) error {
	for range monitorRounds {
		round(ctx)
		if err := workflow.Sleep(ctx, in.Interval); err != nil {
			return err
		}
	}
	return workflow.NewContinueAsNewError(ctx, flow.BackendMonitor, in)
}

func round(ctx workflow.Context) {
	local := localRecord(ctx)
	var backends flow.Backends
	if err := workflow.ExecuteLocalActivity(local, flow.TaskFindBackends).Get(ctx, &backends); err != nil {
		workflow.GetLogger(ctx).Warn("backends not listed", "error", err)
		return
	}
	wg := workflow.NewWaitGroup(ctx)
	for _, name := range backends.Names {
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			ask(ctx, name)
		})
	}
	wg.Wait(ctx)
}

func ask(ctx workflow.Context, backend string) {
	node := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              flow.StatsQueue(backend),
		ScheduleToStartTimeout: 5 * time.Second,
		StartToCloseTimeout:    30 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var report flow.BackendReport
	if err := workflow.ExecuteActivity(node, flow.TaskGatherStats).Get(ctx, &report); err != nil {
		return
	}
	in := flow.SaveReportInput{Backend: backend, Report: report}
	if err := workflow.ExecuteLocalActivity(localRecord(ctx), flow.TaskSaveReport, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("report not written", "backend", backend, "error", err)
	}
}
