package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// AttachmentConnection asks a node how a host that is let in reaches a volume, for the client that waits for the update `accepted`. It
// changes nothing, has no record, and ends soon, whatever the node does.
func AttachmentConnection(ctx workflow.Context, in flow.ConnectionInput) error {
	var a answer[flow.ConnectResult]
	if err := a.serve(ctx); err != nil {
		return err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: flow.StorageQueue(in.Backend), ScheduleToCloseTimeout: 8 * time.Second, Summary: "the way to " + in.Ask.Volume.Name,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var out flow.ConnectResult
	err := workflow.ExecuteActivity(ctx, flow.TaskDescribeConnection, in.Ask).Get(ctx, &out)
	if err != nil {
		a.refuseWith(err)
	} else {
		a.result = &out
	}
	return finish(ctx, err)
}
