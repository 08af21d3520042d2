package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// ManageableList asks a node for a page of what it has to take over, and hands it to the client that waits for the update
// `accepted`. It changes nothing, has no record, and ends soon, whatever the node does.
func ManageableList(ctx workflow.Context, in flow.ManageableListInput) error {
	var a answer[flow.ManageableListResult]
	if err := a.serve(ctx); err != nil {
		return err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: flow.StorageQueue(in.Backend), ScheduleToCloseTimeout: 8 * time.Second, Summary: "what " + in.Backend + " has to manage",
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var out flow.ManageableListResult
	err := workflow.ExecuteActivity(ctx, flow.TaskListManageable, in).Get(ctx, &out)
	if err != nil {
		a.refuseWith(err)
	} else {
		a.result = &out
	}
	return finish(ctx, err)
}
