package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// VolumeDelete removes a volume whose row the API has moved to `deleting` in the name of this flow: with Cascade its snapshots
// one after the other, each with its row and quota; then DeleteVolume on its node, then EntryDestroy, which gives the quota back
// with the row. A delete only goes forward: given up, it leaves what is left `error_deleting`, and a delete may be
// asked for again.
func VolumeDelete(ctx workflow.Context, in flow.VolumeDeleteInput) error {
	f := &volumeDelete{in: in, removal: removal{
		base: base{busyStatus: models.VolumeDeleting, heldStatus: models.VolumeErrorDeleting},
		host: in.Host, task: flow.TaskDeleteVolume, work: flow.NodeInput{Volume: in.Volume}, name: in.Volume.Name,
	}}
	tasks := flow.VolumeDeleteTasks()
	if in.Cascade {
		tasks = flow.VolumeCascadeTasks()
		f.busySnapshot, f.heldSnapshot = models.SnapshotDeleting, models.SnapshotErrorDeleting
	}
	ctx, err := f.begin(ctx, in.Header, tasks)
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

// VolumeUnmanage lets a volume go whose row the API has moved to `unmanaging`: ReleaseVolume on its node, which touches no byte
// of it, then EntryDestroy.
func VolumeUnmanage(ctx workflow.Context, in flow.VolumeDeleteInput) error {
	f := &removal{
		base: base{busyStatus: models.VolumeUnmanaging, heldStatus: models.VolumeError},
		host: in.Host, task: flow.TaskReleaseVolume, work: flow.NodeInput{Volume: in.Volume}, name: in.Volume.Name, keeps: true,
	}
	ctx, err := f.begin(ctx, in.Header, flow.VolumeUnmanageTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type volumeDelete struct {
	removal
	in flow.VolumeDeleteInput
}

func (f *volumeDelete) run(ctx workflow.Context) error {
	if f.in.Cascade {
		if err := f.snapshots(ctx); err != nil {
			return f.removeStays(ctx, err, false)
		}
	}
	return f.removal.run(ctx)
}

// snapshots deletes those that the API has put under this flow, the newest first: in a chain of files nobody stands on it.
func (f *volumeDelete) snapshots(ctx workflow.Context) error {
	backend, _ := flow.SplitHost(f.in.Host)
	for {
		f.tasks.again(flow.TaskNextSnapshot)
		var next flow.NextSnapshotResult
		if err := f.record(ctx, flow.TaskNextSnapshot, flow.FlowRef{Header: f.hdr}, &next); err != nil || next.ID == "" {
			f.tasks.drop(flow.TaskDeleteSnapshot, flow.TaskSnapshotDestroy) // there may have been none
			return err
		}
		f.tasks.again(flow.TaskDeleteSnapshot, flow.TaskSnapshotDestroy)
		if backend != "" {
			work := node(ctx, backend, fmt.Sprintf("%s of %s, %d left", next.Snapshot.Name, f.in.Volume.Name, next.Left))
			in := flow.NodeInput{Header: f.hdr, Volume: next.Snapshot.Volume, Snapshot: &next.Snapshot}
			if _, err := f.nodeOrHold(work, flow.TaskDeleteSnapshot, in); err != nil {
				return err
			}
		}
		gone := flow.SnapshotDestroyInput{Header: f.hdr, SnapshotID: next.ID}
		if err := f.record(ctx, flow.TaskSnapshotDestroy, gone, nil); err != nil {
			return err
		}
	}
}
