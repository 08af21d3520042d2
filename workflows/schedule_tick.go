package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// due is what Temporal tells a workflow that a schedule started of when that was to be.
var due = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// ScheduleTick begins a run of a backup schedule that is due. It waits for the catalogue and for Temporal as long as a day: the run that it
// begins then is the latest one that was due.
func ScheduleTick(ctx workflow.Context, in flow.TickInput) error {
	in.Due = workflow.GetInfo(ctx).WorkflowStartTime
	if at, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(due); ok {
		in.Due = at
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: flow.ControlQueue, StartToCloseTimeout: 30 * time.Second, ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	})
	return workflow.ExecuteActivity(ctx, flow.TaskStartScheduledRun, in).Get(ctx, nil)
}
