package workflows

import (
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// ScheduleRun is one run of a backup schedule: ExtractScheduleRequest, the flow backup-create, now and then BeginVerify and backup-verify,
// then PlanRetention and a backup-delete for each backup that is not kept, EntryScheduled. What fails ends the run, so that nothing is
// deleted unless a new backup is there and whole.
func ScheduleRun(ctx workflow.Context, in flow.ScheduleRunInput) error {
	f := &scheduleRun{in: in}
	ctx, err := f.begin(ctx, in.Header, flow.ScheduleRunTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type scheduleRun struct {
	base
	in   flow.ScheduleRunInput
	done models.ScheduleEnd
}

func (f *scheduleRun) run(ctx workflow.Context) error {
	err := f.backup(ctx)
	f.tasks.drop(flow.ScheduleRunTasks()...)
	if err != nil {
		fe := wire.Parse(err)
		_ = f.end(ctx, flow.FlowEndInput{
			State: models.FlowFailure, FailedTask: f.failedTask(), Error: fe.Message, Hint: fe.Hint, Message: true, Schedule: &f.done,
		})
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryScheduled, flow.FlowEndInput{
		Header: f.hdr, State: models.FlowSuccess, Tasks: f.tasks.closing(ctx, flow.TaskEntryScheduled), Schedule: &f.done,
	}, nil)
}

func (f *scheduleRun) backup(ctx workflow.Context) error {
	var spec flow.ScheduleSpec
	if err := f.record(ctx, flow.TaskExtractScheduleRequest, f.in, &spec); err != nil {
		if fe := wire.Parse(err); fe.Type == flow.ErrNotFound {
			f.done.Pause = fe.Message // or it would fail each night
		}
		return err
	}
	if err := f.sub(ctx, flow.BackupCreate, spec.Backup.Header, spec.Backup); err != nil {
		return err
	}
	f.done.BackupID = spec.Backup.ResourceID
	if spec.Verify {
		var verify flow.BackupVerifyInput
		if err := f.record(ctx, flow.TaskBeginVerify, flow.BackupRef{Header: f.hdr, BackupID: f.done.BackupID}, &verify); err != nil {
			return err
		}
		if err := f.sub(ctx, flow.BackupVerify, verify.Header, verify); err != nil {
			return err
		}
	}
	return f.expire(ctx)
}

// expire deletes what the schedule does not keep. A backup that something is being done with by now stays until the next run.
func (f *scheduleRun) expire(ctx workflow.Context) error {
	var plan flow.RetentionPlan
	if err := f.record(ctx, flow.TaskPlanRetention, flow.FlowRef{Header: f.hdr}, &plan); err != nil {
		return err
	}
	for _, id := range plan.Expired {
		f.tasks.again(flow.TaskBeginExpire, string(flow.BackupDelete))
		var out flow.ExpireResult
		if err := f.record(ctx, flow.TaskBeginExpire, flow.BackupRef{Header: f.hdr, BackupID: id}, &out); err != nil {
			return err
		}
		if out.Kept != "" {
			workflow.GetLogger(ctx).Info("expired backup stays", "backup", id, "reason", out.Kept)
			continue
		}
		if err := f.sub(ctx, flow.BackupDelete, out.Remove.Header, out.Remove); err != nil {
			return err
		}
	}
	return nil
}

// outcomePause is between two looks at the record of a flow that is not a child of this run.
const outcomePause = 30 * time.Second

// sub has a flow done and waits for its end, as a task of this one. The flow's record tells how it ended: one that is held is waited for.
// After Temporal was lost it may have been started by whoever looks after open flows; then it is no child, and only the record is watched.
func (b *base) sub(ctx workflow.Context, op flow.Operation, h flow.Header, in any) error {
	b.tasks.begin(ctx, string(op))
	b.tasks.find(string(op)).Hint = "flow " + h.FlowID
	err := b.await(ctx, h, workflow.ExecuteChildWorkflow(child(ctx, op, h), string(op), in).Get(ctx, nil))
	b.tasks.end(ctx, string(op), err)
	return err
}

func (b *base) await(ctx workflow.Context, h flow.Header, ended error) error {
	for {
		var out flow.Outcome
		if err := b.recordStep(ctx, flow.TaskFlowOutcome, flow.OutcomeInput{Header: b.hdr, Of: h.FlowID}, &out); err != nil {
			return err
		}
		switch {
		case !out.Known && ended == nil, out.State == models.FlowSuccess:
			return nil
		case !out.Known:
			return wire.Error(wire.Parse(ended)) // refused before it had a record
		case !out.State.Open():
			return wire.Error(&flow.Error{Type: flow.ErrCertain, Message: "flow " + h.FlowID + " ended as " + string(out.State) + ": " + out.Error, Hint: out.Hint})
		}
		if err := workflow.Sleep(ctx, outcomePause); err != nil {
			return err
		}
	}
}

// child are the options of a flow that a run has done; they are those that the engine starts flows with.
func child(ctx workflow.Context, op flow.Operation, h flow.Header) workflow.Context {
	key := temporal.NewSearchAttributeKeyKeyword
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: h.FlowID, TaskQueue: flow.ControlQueue, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON, WaitForCancellation: true, StaticSummary: h.Summary,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			key(flow.AttrProjectID).ValueSet(h.ProjectID), key(flow.AttrResourceID).ValueSet(h.ResourceID),
			key(flow.AttrResourceKind).ValueSet(op.Kind()), key(flow.AttrOperation).ValueSet(string(op)), key(flow.AttrRequestID).ValueSet(h.RequestID),
		),
	})
}
