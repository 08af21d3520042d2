package workflows

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// VolumeAttach brings a volume to a host that has a worker, and to a guest there: HostProperties, ExtractAttachRequest, EntryCreate, [the client
// gets its answer], AttachCast, InitializeConnection on the volume's node, ConnectVolume and PlugVolume on the host, EntryReady: the attachment is
// `attached`. What fails is taken back in reverse, and the row goes too.
func VolumeAttach(ctx workflow.Context, in flow.VolumeAttachInput) error {
	f := &hostAttach{in: in, base: base{busyAttachment: models.AttachmentAttaching, heldAttachment: models.AttachmentErrorAttaching}}
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.VolumeAttachTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type hostAttach struct {
	base
	answer[flow.AttachmentResult]
	in      flow.VolumeAttachInput
	host    flow.HostPropertiesResult
	spec    flow.AttachSpec
	row     models.Attachment
	connect flow.ConnectResult
}

func (f *hostAttach) run(ctx workflow.Context) error {
	err := f.reserve(ctx)
	if err == nil {
		f.result = &flow.AttachmentResult{Attachment: f.row}
		err = f.bring(ctx)
	}
	if err != nil {
		return f.giveUp(ctx, err)
	}
	return nil
}

// reserve asks everybody before it writes anything: a host that isn't there, or has no client for the volume's protocol, is a refusal.
func (f *hostAttach) reserve(ctx workflow.Context) error {
	if f.in.Instance == "" {
		f.tasks.drop(flow.TaskPlugVolume)
	}
	if err := f.step(askHost(ctx, f.in.Node), flow.TaskHostProperties, flow.HostPropertiesInput{Header: f.hdr, Instance: f.in.Instance}, &f.host); err != nil {
		if noAnswer(err) {
			err = wire.Error(&flow.Error{
				Type: flow.ErrInvalid, Message: "host " + f.in.Node + " does not answer: it has no host worker, or that one is down",
				Hint: "start `clinkerd worker host` there",
			})
		}
		return err
	}
	connector, err := json.Marshal(f.host.Connector) //workflowcheck:ignore the fields of a struct, in their order
	if err != nil {
		return err
	}
	ask := flow.AttachInput{
		Header: f.hdr, VolumeID: f.in.VolumeID, Instance: f.in.Instance, Connector: connector, Mode: f.in.Mode, Clients: f.host.Clients,
	}
	if err := f.record(ctx, flow.TaskExtractAttachRequest, ask, &f.spec); err != nil {
		return err
	}
	// From now on the row says who has the volume, so that whoever takes it away asks that host first.
	f.spec.Attachment.Connector, err = flow.NoteNode(f.host.Connector, flow.HostNode{Node: f.in.Node, Instance: f.in.Instance})
	if err != nil {
		return err
	}
	var entry flow.EntryResult
	err = f.record(ctx, flow.TaskEntryCreate, flow.EntryCreateInput{Header: f.hdr, Operation: flow.VolumeAttach, Attachment: &f.spec.Attachment, Request: f.in}, &entry)
	f.row = entry.Attachment
	return err
}

func (f *hostAttach) bring(ctx workflow.Context) error {
	var at flow.AttachCastResult
	if err := f.record(ctx, flow.TaskAttachCast, flow.AttachCastInput{Header: f.hdr, VolumeID: f.in.VolumeID}, &at); err != nil {
		return err
	}
	f.backend, f.spec.Volume = at.Backend, at.Volume
	f.show(ctx, attrBackend.ValueSet(f.backend))
	f.undo.push(flow.TaskInitializeConnection, f.shutOut)
	let := node(ctx, f.backend, f.spec.Volume.Name+" to "+f.in.Node)
	if err := f.step(let, flow.TaskInitializeConnection, f.let(), &f.connect); err != nil {
		return err
	}
	work := onHost(ctx, f.in.Node, f.spec.Volume.Name)
	in := f.hostInput()
	f.undo.push(flow.TaskConnectVolume, func(ctx workflow.Context) error {
		return f.takeBack(ctx, flow.TaskDisconnectVolume)
	})
	if err := f.step(work, flow.TaskConnectVolume, in, &in.Device); err != nil {
		return err
	}
	if f.in.Instance != "" {
		f.undo.push(flow.TaskPlugVolume, func(ctx workflow.Context) error {
			return f.takeBack(ctx, flow.TaskUnplugVolume)
		})
		if err := f.step(work, flow.TaskPlugVolume, in, nil); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryReady, flow.EntryReadyInput{
		Header: f.hdr, Connection: &f.connect.Connection, InUse: true, Tasks: f.tasks.closing(ctx, flow.TaskEntryReady),
	}, nil)
}

func (f *hostAttach) let() flow.ConnectInput {
	return flow.ConnectInput{
		Header: f.hdr, Volume: f.spec.Volume, Connector: f.spec.Connector, Mode: f.row.Mode, Readonly: f.spec.Readonly, Encrypted: f.spec.Encrypted,
		SealTo: f.host.SealTo,
	}
}

func (f *hostAttach) hostInput() flow.HostInput {
	return flow.HostInput{
		Header: f.hdr, VolumeID: f.in.VolumeID, Connection: f.connect.Connection, Sealed: f.connect.Sealed, Instance: f.in.Instance,
		Readonly: f.row.Mode == models.ModeReadOnly,
	}
}

// takeBack undoes a step on the host. It waits for the host: whoever is shut out while a guest writes loses what it wrote.
func (f *hostAttach) takeBack(ctx workflow.Context, task string) error {
	return f.orHold(ctx, task, func() error {
		return f.step(onHost(ctx, f.in.Node, "take back "+f.spec.Volume.Name), task, f.hostInput(), nil)
	})
}

func (f *hostAttach) shutOut(ctx workflow.Context) error {
	in := f.let()
	in.Last = true // unless another host is let in, which the node knows
	return f.orHold(ctx, flow.TaskTerminateConnection, func() error {
		return f.step(undo(ctx, f.backend, "shut "+f.in.Node+" out"), flow.TaskTerminateConnection, in, nil)
	})
}

// giveUp tells the client, if it still waits, and undoes what was done, last first.
func (f *hostAttach) giveUp(ctx workflow.Context, cause error) error {
	if f.result == nil {
		f.refuseWith(cause)
	}
	fe := wire.Parse(cause)
	end := flow.FlowEndInput{State: models.FlowReverted, Gone: true, FailedTask: f.failedTask(), Error: fe.Message, Hint: fe.Hint, Message: true}
	if err := f.undo.rollback(ctx, &f.tasks); err != nil {
		end.State, end.Gone, end.Attachment = models.FlowFailure, false, models.AttachmentErrorAttaching
		end.Error, end.Hint = "could not be undone: "+wire.Parse(err).Message, wire.Parse(err).Hint
	}
	_ = f.end(ctx, end)
	return cause
}

// askHost is a question to a host that somebody waits for.
func askHost(ctx workflow.Context, host string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: flow.HostQueue(host), ScheduleToCloseTimeout: 6 * time.Second, Summary: "what " + host + " has",
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// onHost is a step of a host worker. Like node: it waits for its host as long as it takes.
func onHost(ctx workflow.Context, host, summary string) workflow.Context {
	opts := workflow.GetActivityOptions(node(ctx, "", summary))
	opts.TaskQueue = flow.HostQueue(host)
	return workflow.WithActivityOptions(ctx, opts)
}

// noAnswer tells whether nobody took or finished a step in its time.
func noAnswer(err error) bool { return temporal.IsTimeoutError(err) }
