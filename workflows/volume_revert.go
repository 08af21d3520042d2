package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// VolumeRevert gives a volume back what its latest snapshot holds; the API has moved the volume to `reverting` and the snapshot to
// `restoring` in the name of this flow. RevertVolume on the node, then EntryReverted. It can't be undone: given up, the volume
// is `error`, since half of it may be the snapshot's; but what the node refused for certain has changed nothing. The snapshot is
// available again in any case.
func VolumeRevert(ctx workflow.Context, in flow.VolumeRevertInput) error {
	f := &volumeRevert{in: in, base: base{busyStatus: models.VolumeReverting, heldStatus: models.VolumeError}}
	ctx, err := f.begin(ctx, in.Header, flow.VolumeRevertTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type volumeRevert struct {
	base
	in flow.VolumeRevertInput
}

func (f *volumeRevert) run(ctx workflow.Context) error {
	s := f.in.Snapshot
	f.backend, _ = flow.SplitHost(f.in.Host)
	work := node(ctx, f.backend, s.Volume.Name+" to "+s.Name+" in "+f.in.Host)
	in := flow.NodeInput{Header: f.hdr, Volume: s.Volume, Snapshot: &s}
	if _, err := f.nodeOrHold(work, flow.TaskRevertVolume, in); err != nil {
		return f.removeStays(ctx, err, true)
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryReverted, flow.FlowEndInput{
		Header: f.hdr, State: models.FlowSuccess, Status: models.EndPrevious, Snapshots: models.EndPrevious,
		Tasks: f.tasks.closing(ctx, flow.TaskEntryReverted),
	}, nil)
}
