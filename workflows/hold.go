package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// gate is where a held flow waits for an operator's word.
type gate struct {
	held     bool
	decision string // one of the update names once an operator has spoken, "" before
	cancel   workflow.CancelFunc
}

var (
	attrState   = temporal.NewSearchAttributeKeyKeyword(flow.AttrFlowState)
	attrBackend = temporal.NewSearchAttributeKeyKeyword(flow.AttrBackend)
)

// open sets the update handlers. Retry and skip are refused while nothing is held; abort works on a running flow
// too and cancels the step that it waits for (a node that never comes back).
func (g *gate) open(ctx workflow.Context) error {
	onlyHeld := workflow.UpdateHandlerOptions{
		Description: "only while the flow is held",
		Validator: func(workflow.Context, flow.Decision) error {
			if !g.held {
				return wire.Error(&flow.Error{Type: flow.ErrInvalid, Message: "nothing is held in this flow"})
			}
			return nil
		},
	}
	decide := func(word string) func(workflow.Context, flow.Decision) error {
		return func(ctx workflow.Context, d flow.Decision) error {
			workflow.GetLogger(ctx).Info("operator decided", "decision", word, "reason", d.Reason, "user", d.User)
			if g.decision != flow.UpdateAbort { // of two words at once, the one that was promised an end
				g.decision = word
			}
			if !g.held {
				g.cancel()
			}
			return nil
		}
	}
	for _, word := range []string{flow.UpdateRetry, flow.UpdateSkip} {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, word, decide(word), onlyHeld); err != nil {
			return err
		}
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, flow.UpdateAbort, decide(flow.UpdateAbort),
		workflow.UpdateHandlerOptions{Description: "undo what the flow did and end it"})
}

// hold shows the failed task with its error and hint, waits for an operator and returns the decision: retry, skip,
// abort, or "" when flow_hold_hours are over. A cancelled flow reads as abort.
func (b *base) hold(ctx workflow.Context, task string, cause error) string {
	fe := wire.Parse(cause)
	safe, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	b.gate.held, b.gate.decision = true, ""
	_ = b.recordStep(safe, flow.TaskFlowHold, flow.FlowEndInput{
		Header: b.hdr, State: models.FlowHeld, Status: b.heldStatus, Snapshots: b.heldSnapshot, Attachment: b.heldAttachment, Backups: b.heldBackup,
		FailedTask: task, Error: fe.Message, Hint: fe.Hint, Tasks: b.tasks, Unclaim: fe.Type == flow.ErrNoSpace,
	}, nil)
	b.show(safe, attrState.ValueSet(string(models.FlowHeld)))
	workflow.SetCurrentDetails(safe, "**HELD** at "+task+": "+fe.Message+"\n\n"+fe.Hint+
		"\n\nSend the update `retry`, `skip` or `abort`.")

	hours := time.Duration(max(b.hdr.HoldHours, 1)) * time.Hour
	_, err := workflow.AwaitWithTimeout(ctx, hours, func() bool { return b.gate.decision != "" })
	b.gate.held = false
	b.show(safe, attrState.ValueUnset())
	if err != nil {
		b.gate.decision = flow.UpdateAbort
	}
	word := b.gate.decision
	b.gate.decision = ""
	if word == flow.UpdateRetry || word == flow.UpdateSkip {
		_ = b.recordStep(safe, flow.TaskFlowResume, flow.FlowEndInput{
			Header: b.hdr, State: models.FlowRunning, Status: b.busyStatus, Snapshots: b.busySnapshot, Attachment: b.busyAttachment, Backups: b.busyBackup,
		}, nil)
		workflow.SetCurrentDetails(safe, "")
	}
	return word
}

// show updates what the Web UI can list flows by. FlowState is there while a flow is held, and only then: for all else
// Temporal's own ExecutionStatus tells, and a write at each end of each flow is saved.
func (b *base) show(ctx workflow.Context, attrs ...temporal.SearchAttributeUpdate) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, attrs...); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not updated", "error", err)
	}
}
