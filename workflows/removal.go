package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// removal is a flow that lets a resource go: one step on its node, then its row. The API has written the transitional status
// in the name of the flow before it began.
type removal struct {
	base
	host  string // of the volume; "" leaves the node out
	task  string // what the node does
	work  flow.NodeInput
	name  string // at the backend
	keeps bool   // the data stays whole, and so may the row
}

func (f *removal) run(ctx workflow.Context) error {
	if f.host != "" {
		f.backend, _ = flow.SplitHost(f.host)
		f.work.Header = f.hdr
		if _, err := f.nodeOrHold(node(ctx, f.backend, f.name+" in "+f.host), f.task, f.work); err != nil {
			return f.removeStays(ctx, err, f.keeps)
		}
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryDestroy, flow.FlowEndInput{
		Header: f.hdr, State: models.FlowSuccess, Gone: true, Tasks: f.tasks.closing(ctx, flow.TaskEntryDestroy),
	}, nil)
}

// SnapshotDelete removes a snapshot whose row the API has moved to `deleting`: DeleteSnapshot on its volume's node, then
// EntryDestroy. Like a volume's, it only goes forward.
func SnapshotDelete(ctx workflow.Context, in flow.SnapshotRemoveInput) error {
	return removeSnapshot(ctx, in, flow.SnapshotDeleteTasks(), &removal{
		base: base{busySnapshot: models.SnapshotDeleting, heldSnapshot: models.SnapshotErrorDeleting}, task: flow.TaskDeleteSnapshot,
	})
}

// SnapshotUnmanage lets a snapshot go whose row the API has moved to `unmanaging`: ReleaseSnapshot, then EntryDestroy.
func SnapshotUnmanage(ctx workflow.Context, in flow.SnapshotRemoveInput) error {
	return removeSnapshot(ctx, in, flow.SnapshotUnmanageTasks(), &removal{
		base: base{busySnapshot: models.SnapshotUnmanaging, heldSnapshot: models.SnapshotError}, task: flow.TaskReleaseSnapshot, keeps: true,
	})
}

func removeSnapshot(ctx workflow.Context, in flow.SnapshotRemoveInput, tasks []string, f *removal) error {
	f.host, f.name = in.Host, in.Snapshot.Name
	f.work = flow.NodeInput{Volume: in.Snapshot.Volume, Snapshot: &in.Snapshot}
	ctx, err := f.begin(ctx, in.Header, tasks)
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}
