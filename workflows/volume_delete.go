package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// VolumeDelete removes a volume whose row the API has moved to `deleting` in the name of this flow: DeleteVolume on
// its node, then EntryDestroy, which gives the quota back with the row. A delete only goes forward: given up, it
// leaves the row `error_deleting`, and a delete may be asked for again.
func VolumeDelete(ctx workflow.Context, in flow.VolumeDeleteInput) error {
	f := &volumeDelete{in: in, base: base{busyStatus: models.VolumeDeleting, heldStatus: models.VolumeErrorDeleting}}
	ctx, err := f.begin(ctx, in.Header, flow.VolumeDeleteTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type volumeDelete struct {
	base
	in flow.VolumeDeleteInput
}

func (f *volumeDelete) run(ctx workflow.Context) error {
	if f.in.Host != "" {
		f.backend, _ = flow.SplitHost(f.in.Host)
		work := node(ctx, f.backend, f.in.Volume.Name+" in "+f.in.Host)
		if _, err := f.nodeOrHold(work, flow.TaskDeleteVolume, flow.NodeInput{Header: f.hdr, Volume: f.in.Volume}); err != nil {
			return f.giveUp(ctx, err)
		}
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryDestroy, flow.FlowEndInput{
		Header: f.hdr, State: models.FlowSuccess, Gone: true, Tasks: f.tasks.closing(ctx, flow.TaskEntryDestroy),
	}, nil)
}

func (f *volumeDelete) giveUp(ctx workflow.Context, cause error) error {
	fe := wire.Parse(cause)
	_ = f.end(ctx, flow.FlowEndInput{
		State: models.FlowFailure, Status: models.VolumeErrorDeleting,
		FailedTask: f.failedTask(), Error: fe.Message, Hint: fe.Hint, Message: true,
	})
	return cause
}
