package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// What flows that make a volume or a snapshot have in common: the row and its quota, and how they are taken back.

// registerUndo is called before anything is done: a worker that dies while the client waits leaves steps behind that did their
// work and lost their answers, and whichever step refuses in the next attempt has them to undo.
func (b *base) registerUndo() {
	b.undo.push(flow.TaskQuotaReserve, b.quotaRollback)
	b.undo.push(flow.TaskEntryCreate, b.entryDestroy)
}

func (b *base) quotaRollback(ctx workflow.Context) error {
	return b.recordStep(ctx, flow.TaskQuotaRollback, flow.FlowRef{Header: b.hdr}, nil)
}

// entryDestroy takes the row away again if it was written; the record says REVERTED, or stays ABANDONED.
func (b *base) entryDestroy(ctx workflow.Context) error {
	end := flow.FlowEndInput{Header: b.hdr, State: models.FlowReverted, Gone: true, Tasks: b.tasks}
	return b.recordStep(ctx, flow.TaskFlowEnd, end, nil)
}

// refuse ends a flow that has no row: nothing is left of it but Temporal's history.
func refuse[R any](ctx workflow.Context, b *base, a *answer[R], cause error) error {
	err := b.undo.rollback(ctx, &b.tasks)
	a.refuseWith(cause)
	if err != nil {
		return err
	}
	return cause
}

// giveUpMaking ends a flow whose row is written. Given up by an operator, everything is undone and nothing stays; failed
// for certain or held in vain, the row stays with its held status and the reason, until it is deleted. takeBack removes
// from the node what was or may have been made there; nil says that nothing can have been.
func (b *base) giveUpMaking(ctx workflow.Context, cause error, takeBack func(workflow.Context) error) error {
	fe := wire.Parse(cause)
	end := flow.FlowEndInput{
		State: models.FlowFailure, Status: b.heldStatus, Snapshots: b.heldSnapshot, Backups: b.heldBackup,
		FailedTask: b.failedTask(), Error: fe.Message, Hint: fe.Hint, Message: true,
	}
	// A row that is gone was destroyed by a forced delete, which may have been there before anything was made.
	if (b.aborted(cause) || fe.Type == flow.ErrNotFound) && takeBack != nil {
		safe, cancel := workflow.NewDisconnectedContext(ctx)
		defer cancel()
		if err := takeBack(safe); err != nil {
			end.Error, end.Hint = "could not be undone: "+wire.Parse(err).Message, wire.Parse(err).Hint
			_ = b.end(ctx, end)
			return cause
		}
	}
	if b.aborted(cause) && !isHeldOut(cause) {
		end.State, end.Status, end.Snapshots, end.Backups, end.Gone, end.Message = models.FlowReverted, "", "", "", true, false
		b.tasks.reverted(ctx, b.planned[1:len(b.planned)-1]...) // the first only reads, the last only ends
	}
	_ = b.end(ctx, end)
	return cause
}

// removeStays ends a flow that could not let its resource go: the row says so, and the same may be asked for again. Where the
// node refused for certain, nothing has happened, and what shall stay whole (back) returns to where it was.
func (b *base) removeStays(ctx workflow.Context, cause error, back bool) error {
	fe := wire.Parse(cause)
	end := flow.FlowEndInput{
		State: models.FlowFailure, Status: b.heldStatus, Snapshots: b.heldSnapshot, Backups: b.heldBackup,
		FailedTask: b.failedTask(), Error: fe.Message, Hint: fe.Hint, Message: true,
	}
	if back && (fe.Type == flow.ErrCertain || fe.Type == flow.ErrNotSupported || fe.Type == flow.ErrNotFound) {
		end.State, end.Status, end.Snapshots = models.FlowReverted, models.EndPrevious, models.EndPrevious
	}
	_ = b.end(ctx, end)
	return cause
}
