package workflows

import (
	"cmp"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// AttachmentDelete takes an attachment away that the API has put under this flow: TerminateConnection on the volume's node (the host is
// shut out, and with the last one the export goes), then EntryDestroy. It only goes forward: given up, it leaves the attachment
// `error_detaching`, and may be asked for again.
func AttachmentDelete(ctx workflow.Context, in flow.DetachInput) error { return detach(ctx, in, true) }

// AttachmentTerminate ends the connection of an attachment whose row stays (os-terminate_connection): os-detach takes that away.
func AttachmentTerminate(ctx workflow.Context, in flow.DetachInput) error {
	return detach(ctx, in, false)
}

func detach(ctx workflow.Context, in flow.DetachInput, gone bool) error {
	f := &detachment{in: in, gone: gone, base: base{heldAttachment: models.AttachmentErrorDetaching}}
	if gone {
		f.busyAttachment = models.AttachmentDetaching
	}
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.DetachTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type detachment struct {
	base
	answer[flow.AttachmentResult]
	in   flow.DetachInput
	gone bool // the row goes too
}

func (f *detachment) run(ctx workflow.Context) error {
	err := f.leaveHost(ctx)
	if err == nil {
		err = f.terminate(ctx)
	}
	if err != nil {
		f.refuseWith(err)
		fe := wire.Parse(err)
		_ = f.end(ctx, flow.FlowEndInput{
			State: models.FlowFailure, Attachment: models.AttachmentErrorDetaching, FailedTask: f.failedTask(), Error: fe.Message, Hint: fe.Hint, Message: true,
		})
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	end := flow.FlowEndInput{Header: f.hdr, State: models.FlowSuccess, Gone: f.gone, Tasks: f.tasks.closing(ctx, flow.TaskEntryDestroy)}
	if !f.gone {
		end.Attachment = models.EndPrevious
	}
	if err := f.recordStep(safe, flow.TaskEntryDestroy, end, nil); err != nil {
		f.refuseWith(err)
		return err
	}
	f.result = &flow.AttachmentResult{Attachment: models.Attachment{ID: f.hdr.ResourceID}}
	return nil
}

// leaveHost has the host worker take the volume out of its guest and give it back, where one brought it there. By force that is left out: the host may be
// gone, and what fences it comes after this.
func (f *detachment) leaveHost(ctx workflow.Context) error {
	if f.in.Node.Node == "" || f.in.Connection == nil || f.in.Force {
		f.tasks.drop(flow.TaskUnplugVolume, flow.TaskDisconnectVolume)
		return nil
	}
	in := flow.HostInput{Header: f.hdr, VolumeID: cmp.Or(f.in.VolumeID, f.in.Volume.ID), Connection: *f.in.Connection, Instance: f.in.Node.Instance}
	work := onHost(ctx, f.in.Node.Node, f.in.Volume.Name)
	for _, task := range []string{flow.TaskUnplugVolume, flow.TaskDisconnectVolume} {
		if task == flow.TaskUnplugVolume && in.Instance == "" {
			f.tasks.drop(task)
			continue
		}
		err := f.orHold(ctx, task, func() error {
			err := f.step(work, task, in, nil)
			if err != nil && !f.aborted(err) {
				f.refuseWith(err)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// terminate waits for the node. A client that waits for an answer gets the reason when the flow is held, and the flow goes on without it.
func (f *detachment) terminate(ctx workflow.Context) error {
	if f.in.Host == "" || !f.in.Connected || f.in.Shared {
		f.tasks.drop(flow.TaskTerminateConnection)
		return nil
	}
	f.backend, _ = flow.SplitHost(f.in.Host)
	in := flow.ConnectInput{
		Header: f.hdr, Volume: f.in.Volume, Connector: f.in.Connector, Last: f.in.Last, Fence: f.in.Force, Fenced: f.in.Fenced,
	}
	work := node(ctx, f.backend, f.in.Volume.Name+" from "+f.in.Connector.Host)
	return f.orHold(ctx, flow.TaskTerminateConnection, func() error {
		err := f.step(work, flow.TaskTerminateConnection, in, nil)
		if err != nil && !f.aborted(err) {
			f.refuseWith(err)
		}
		return err
	})
}
