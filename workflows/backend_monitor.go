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
	upkeep(ctx, flow.TaskPurge)
	for range monitorRounds {
		round(ctx)
		upkeep(ctx, flow.TaskReconcile)
		upkeep(ctx, flow.TaskSyncSchedules)
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			break
		}
		if err := workflow.Sleep(ctx, in.Interval); err != nil {
			return err
		}
	}
	return workflow.NewContinueAsNewError(ctx, flow.BackendMonitor, in)
}

// upkeep runs a step that looks after the catalogue; what fails is tried again in a later round.
func upkeep(ctx workflow.Context, task string) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: flow.ControlQueue, StartToCloseTimeout: 5 * time.Minute, HeartbeatTimeout: 30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	if err := workflow.ExecuteActivity(ctx, task).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("upkeep failed", "task", task, "error", err)
	}
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
	asked := workflow.Now(ctx)
	var report flow.BackendReport
	if err := workflow.ExecuteActivity(node, flow.TaskGatherStats).Get(ctx, &report); err != nil {
		return
	}
	// By our clock: a node whose clock is off must neither seem down nor hide what was claimed since.
	report.GatheredAt = asked
	in := flow.SaveReportInput{Backend: backend, Report: report}
	if err := workflow.ExecuteLocalActivity(localRecord(ctx), flow.TaskSaveReport, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("report not written", "backend", backend, "error", err)
	}
}
