package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// AttachmentCreate makes an attachment together with its connection: ExtractAttachRequest, EntryCreate, AttachCast,
// InitializeConnection on the volume's node, EntryReady, [the client gets its answer]. The attachment is then `attaching` until its
// client says that the volume is in use. What fails is taken back whole, the row too: the client got nothing.
func AttachmentCreate(ctx workflow.Context, in flow.AttachInput) error {
	return attach(ctx, in, flow.AttachmentCreate)
}

// AttachmentUpdate is AttachmentCreate for an attachment that is `reserved`, or `attaching` to the same host: asked again, it answers again.
// What fails leaves it as it was.
func AttachmentUpdate(ctx workflow.Context, in flow.AttachInput) error {
	return attach(ctx, in, flow.AttachmentUpdate)
}

func attach(ctx workflow.Context, in flow.AttachInput, op flow.Operation) error {
	f := &attachment{
		in: in, operation: op,
		base: base{busyAttachment: models.AttachmentAttaching, heldAttachment: models.AttachmentErrorAttaching},
	}
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.AttachTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type attachment struct {
	base
	answer[flow.AttachmentResult]
	in        flow.AttachInput
	operation flow.Operation
	spec      flow.AttachSpec
	row       models.Attachment
	begun     bool // the host may be let in
}

func (f *attachment) run(ctx workflow.Context) error {
	out, err := f.connect(ctx)
	if err != nil {
		return f.giveUp(ctx, err)
	}
	f.row.Connection, f.row.FlowID = &out.Connection, ""
	f.result = &flow.AttachmentResult{Attachment: f.row, Sealed: out.Sealed}
	return nil
}

func (f *attachment) connect(ctx workflow.Context) (flow.ConnectResult, error) {
	var out flow.ConnectResult
	if err := f.record(ctx, flow.TaskExtractAttachRequest, f.in, &f.spec); err != nil {
		return out, err
	}
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: f.operation, Attachment: &f.spec.Attachment, Request: f.in}
	var row flow.EntryResult
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &row); err != nil {
		return out, err
	}
	f.row = row.Attachment
	var at flow.AttachCastResult
	if err := f.record(ctx, flow.TaskAttachCast, flow.AttachCastInput{Header: f.hdr, VolumeID: f.in.VolumeID}, &at); err != nil {
		return out, err
	}
	f.backend, f.spec.Volume = at.Backend, at.Volume
	f.show(ctx, attrBackend.ValueSet(f.backend))
	f.begun = true
	work := node(ctx, f.backend, f.spec.Volume.Name+" to "+f.spec.Connector.Host)
	if err := f.step(work, flow.TaskInitializeConnection, f.ask(), &out); err != nil {
		return out, err
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return out, f.recordStep(safe, flow.TaskEntryReady, flow.EntryReadyInput{
		Header: f.hdr, Connection: &out.Connection, Tasks: f.tasks.closing(ctx, flow.TaskEntryReady),
	}, nil)
}

func (f *attachment) ask() flow.ConnectInput {
	return flow.ConnectInput{
		Header: f.hdr, Volume: f.spec.Volume, Connector: f.spec.Connector, Mode: f.row.Mode, Readonly: f.spec.Readonly, Encrypted: f.spec.Encrypted,
		SealTo: f.in.SealTo,
	}
}

// giveUp tells the client at once, then shuts the host out again, and the row is what it was. A host that was let in by an earlier
// request stays in.
func (f *attachment) giveUp(ctx workflow.Context, cause error) error {
	f.refuseWith(cause)
	fe := wire.Parse(cause)
	end := flow.FlowEndInput{State: models.FlowReverted, Gone: f.operation == flow.AttachmentCreate, Attachment: models.AttachmentReserved}
	end.FailedTask, end.Error, end.Hint = f.failedTask(), fe.Message, fe.Hint
	if f.row.PreviousStatus == models.AttachmentAttaching {
		end.Attachment = models.EndPrevious
	} else if f.begun {
		safe, cancel := workflow.NewDisconnectedContext(ctx)
		defer cancel()
		if err := f.takeBack(safe); err != nil {
			end.State, end.Gone, end.Attachment = models.FlowFailure, false, models.AttachmentErrorAttaching
			end.Error, end.Hint = "could not be undone: "+wire.Parse(err).Message, wire.Parse(err).Hint
		}
	}
	if end.State == models.FlowReverted {
		f.tasks.reverted(ctx, f.planned[1:len(f.planned)-1]...)
	}
	_ = f.end(ctx, end)
	return cause
}

func (f *attachment) takeBack(ctx workflow.Context) error {
	in := f.ask()
	in.Last = true // unless another host is let in, which the node knows
	return f.orHold(ctx, flow.TaskTerminateConnection, func() error {
		return f.step(undo(ctx, f.backend, "shut "+f.spec.Connector.Host+" out"), flow.TaskTerminateConnection, in, nil)
	})
}
