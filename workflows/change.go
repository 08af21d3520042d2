package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// What flows that change a volume which was there before have in common: what fails or is given up leaves it as it was.

// refuseChange ends a flow that the client was not told of: what it reserved goes back, and the status, should the row have been
// written and the answer lost.
func refuseChange[R any](ctx workflow.Context, b *base, a *answer[R], cause error) error {
	err := b.undo.rollback(ctx, &b.tasks)
	if err == nil {
		err = b.end(ctx, flow.FlowEndInput{State: models.FlowReverted, Status: models.EndPrevious})
	}
	a.refuseWith(cause)
	if err != nil {
		return err
	}
	return cause
}

// giveUpChange undoes what was done and gives the volume its former status.
func (b *base) giveUpChange(ctx workflow.Context, cause error) error {
	fe := wire.Parse(cause)
	failed := b.failedTask() // an undo that fails must not be taken for what went wrong
	if err := b.undo.rollback(ctx, &b.tasks); err != nil {
		return err
	}
	_ = b.end(ctx, flow.FlowEndInput{
		State: models.FlowReverted, Status: models.EndPrevious,
		FailedTask: failed, Error: fe.Message, Hint: fe.Hint, Message: true,
	})
	return cause
}
