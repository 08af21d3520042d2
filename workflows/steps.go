package workflows

import (
	"errors"
	"slices"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// base is what every flow has in common.
type base struct {
	hdr        flow.Header
	planned    []string // names of the tasks in order
	tasks      taskList
	undo       saga
	gate       gate
	backend    string              // host@backend, once it is known
	busyStatus models.VolumeStatus // of its volume, while the flow works
	heldStatus models.VolumeStatus // of its volume, while it is held
	// The same of the snapshots that it owns; "" leaves them as they are.
	busySnapshot, heldSnapshot models.SnapshotStatus
	// The same of its attachment.
	busyAttachment, heldAttachment models.AttachmentStatus
	busyBackup, heldBackup         models.BackupStatus // and of the backups
}

// begin prepares a flow: its list of tasks, the operator's gate, and a context for its work that abort can cancel.
func (b *base) begin(ctx workflow.Context, hdr flow.Header, tasks []string) (workflow.Context, error) {
	b.hdr = hdr
	if len(hdr.Tasks) > 0 {
		tasks = hdr.Tasks
	}
	b.planned, b.tasks = tasks, plan(tasks)
	work, cancel := workflow.WithCancel(ctx)
	b.gate.cancel = cancel
	return work, b.gate.open(ctx)
}

// record runs a database step as a task of the flow.
func (b *base) record(ctx workflow.Context, task string, in, out any) error {
	b.tasks.begin(ctx, task)
	err := b.recordStep(ctx, task, in, out)
	b.tasks.end(ctx, task, err)
	return err
}

// recordStep runs a database step: at once in this process, or, when that does not succeed, as an activity that is
// tried until it does and that people can see.
func (b *base) recordStep(ctx workflow.Context, task string, in, out any) error {
	err := workflow.ExecuteLocalActivity(localRecord(ctx), task, in).Get(ctx, out)
	if err == nil || wire.Final(err) {
		return err
	}
	return workflow.ExecuteActivity(record(ctx), task, in).Get(ctx, out)
}

// node runs a step on a storage node as a task of the flow. The context carries the option set.
func (b *base) node(ctx workflow.Context, task string, in flow.NodeInput) (flow.NodeResult, error) {
	b.tasks.begin(ctx, task)
	var out flow.NodeResult
	err := workflow.ExecuteActivity(ctx, task, in).Get(ctx, &out)
	b.tasks.end(ctx, task, err)
	return out, err
}

// step runs a step with an input of its own on a node as a task of the flow. The context carries the option set.
func (b *base) step(ctx workflow.Context, task string, in, out any) error {
	b.tasks.begin(ctx, task)
	err := workflow.ExecuteActivity(ctx, task, in).Get(ctx, out)
	b.tasks.end(ctx, task, err)
	return err
}

// nodeOrHold runs a step on a storage node until it succeeds, fails for certain, or an operator ends it. A step that is skipped
// answers what it was given.
func (b *base) nodeOrHold(ctx workflow.Context, task string, in flow.NodeInput) (flow.NodeResult, error) {
	out := flow.NodeResult{Volume: in.Volume, Snapshot: in.Snapshot}
	err := b.orHold(ctx, task, func() error {
		done, err := b.node(ctx, task, in)
		if err == nil {
			out = done
		}
		return err
	})
	return out, err
}

// orHold tries a task until it succeeds, fails for certain, or an operator ends it. It returns an error of type Aborted
// when the operator said so, and heldOut when nobody came; skipped is nil.
func (b *base) orHold(ctx workflow.Context, task string, try func() error) error {
	for {
		err := try()
		if err == nil || b.aborted(err) || !needsPerson(err) {
			return err
		}
		switch b.hold(ctx, task, err) {
		case flow.UpdateRetry:
		case flow.UpdateSkip:
			return nil
		case flow.UpdateAbort:
			return abortedAfter(err)
		default:
			return heldOut(err)
		}
	}
}

// abortedAfter says that an operator gave the flow up.
func abortedAfter(cause error) error {
	return wire.Error(&flow.Error{Type: flow.ErrAborted, Message: "given up by an operator after: " + wire.Parse(cause).Message})
}

// end writes how the flow ended. It uses a context that a cancelled flow can't take away.
func (b *base) end(ctx workflow.Context, e flow.FlowEndInput) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	e.Header, e.Tasks = b.hdr, b.tasks
	return b.recordStep(ctx, flow.TaskFlowEnd, e, nil)
}

// aborted tells whether err comes from an operator's abort or a cancelled workflow.
func (b *base) aborted(err error) bool {
	return temporal.IsCanceledError(err) || wire.Parse(err).Type == flow.ErrAborted
}

// needsPerson tells whether a step failed in a way that time alone did not mend.
func needsPerson(err error) bool {
	t := wire.Parse(err).Type
	return t.Retryable() || t == flow.ErrNoSpace || t == flow.ErrBackendDown
}

// heldOut ends a flow that waited for an operator in vain.
func heldOut(cause error) error {
	fe := wire.Parse(cause)
	return wire.Error(&flow.Error{Type: flow.ErrAborted, Message: "nobody decided within flow_hold_hours: " + fe.Message, Hint: fe.Hint, Code: codeHeldOut})
}

const codeHeldOut = "HoldExpired"

func isHeldOut(err error) bool { return wire.Parse(err).Code == codeHeldOut }

// neverStarted tells whether a step expired in its queue: no worker took it, so nothing can have been done.
func neverStarted(err error) bool {
	var timeout *temporal.TimeoutError
	return errors.As(err, &timeout) && timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START
}

// failedTask is the last task that failed, "" when none did.
func (b *base) failedTask() string {
	for _, t := range slices.Backward(b.tasks) {
		if t.State == models.TaskFailure {
			return t.Name
		}
	}
	return ""
}

// finish returns what the workflow shall end with once its updates have been answered.
func finish(ctx workflow.Context, err error) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	return err
}
