package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// SnapshotCreate keeps what a volume holds now: ExtractSnapshotRequest, QuotaReserve, EntryCreate, [the client gets its answer],
// QuotaCommit, SnapshotCast (has the volume's pool the room?), CreateSnapshot on the volume's node, EntryReady. The volume stays
// as it is and may be used meanwhile.
func SnapshotCreate(ctx workflow.Context, in flow.SnapshotCreateInput) error {
	return makeSnapshot(ctx, &snapshotCreate{
		in: in, operation: flow.SnapshotCreate, task: flow.TaskCreateSnapshot, undoTask: flow.TaskDeleteSnapshot,
	}, flow.SnapshotCreateTasks())
}

// SnapshotManage takes over a snapshot that others made of a volume of ours: as SnapshotCreate, with AdoptSnapshot. Undone, the snapshot is
// let go, never deleted.
func SnapshotManage(ctx workflow.Context, in flow.SnapshotCreateInput) error {
	return makeSnapshot(ctx, &snapshotCreate{
		in: in, operation: flow.SnapshotManage, task: flow.TaskAdoptSnapshot, undoTask: flow.TaskReleaseSnapshot,
	}, flow.SnapshotManageTasks())
}

type snapshotCreate struct {
	base
	answer[flow.SnapshotResult]
	in             flow.SnapshotCreateInput
	operation      flow.Operation
	task, undoTask string // on the node
	spec           flow.SnapshotSpec
	begun          bool // the node may have something
}

func makeSnapshot(ctx workflow.Context, f *snapshotCreate, tasks []string) error {
	f.busySnapshot, f.heldSnapshot = models.SnapshotCreating, models.SnapshotError
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, f.in.Header, tasks)
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

func (f *snapshotCreate) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuse(ctx, &f.base, &f.answer, err)
	}
	made, err := f.build(ctx)
	if err == nil {
		err = f.ready(ctx, made)
	}
	if err != nil {
		return f.giveUp(ctx, err)
	}
	return nil
}

func (f *snapshotCreate) accept(ctx workflow.Context) error {
	f.registerUndo()
	if err := f.record(ctx, flow.TaskExtractSnapshotRequest, f.in, &f.spec); err != nil {
		return err
	}
	if err := f.record(ctx, flow.TaskQuotaReserve, flow.QuotaReserveInput{Header: f.hdr, Deltas: f.spec.Quota}, nil); err != nil {
		return err
	}
	row, request := f.spec.Snapshot, f.in
	row.Metadata, request.Metadata = f.in.Metadata, nil // once: payloads are bounded
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: f.operation, Snapshot: &row, InUse: f.in.InUse, Request: request}
	var out flow.EntryResult
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &out); err != nil {
		return err
	}
	f.result = &flow.SnapshotResult{Snapshot: out.Snapshot}
	return nil
}

func (f *snapshotCreate) build(ctx workflow.Context) (models.StorageSnapshot, error) {
	made := f.spec.Storage
	if err := f.record(ctx, flow.TaskQuotaCommit, flow.FlowRef{Header: f.hdr}, nil); err != nil {
		return made, err
	}
	if err := f.record(ctx, flow.TaskSnapshotCast, flow.SnapshotCastInput{Header: f.hdr, Spec: f.spec}, nil); err != nil {
		return made, err
	}
	f.backend, _ = flow.SplitHost(f.spec.Host)
	f.show(ctx, attrBackend.ValueSet(f.backend))
	f.begun = true
	out, err := f.nodeOrHold(node(ctx, f.backend, made.Name+" of "+made.Volume.Name+" in "+f.spec.Host), f.task, f.storage())
	if err == nil && out.Snapshot != nil {
		made = *out.Snapshot
	}
	return made, err
}

func (f *snapshotCreate) storage() flow.NodeInput {
	s := f.spec.Storage
	s.Volume.Tags = map[string]string{"clinker.flow": f.hdr.FlowID}
	return flow.NodeInput{Header: f.hdr, Volume: s.Volume, Snapshot: &s, Ref: f.in.Ref}
}

// ready is the point of no return, as of a volume.
func (f *snapshotCreate) ready(ctx workflow.Context, made models.StorageSnapshot) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryReady, flow.EntryReadyInput{
		Header: f.hdr, Host: f.spec.Host, ProviderLocation: made.Location, Tasks: f.tasks.closing(ctx, flow.TaskEntryReady),
	}, nil)
}

func (f *snapshotCreate) giveUp(ctx workflow.Context, cause error) error {
	if !f.begun {
		return f.giveUpMaking(ctx, cause, nil)
	}
	return f.giveUpMaking(ctx, cause, func(ctx workflow.Context) error {
		_, err := f.nodeOrHold(undo(ctx, f.backend, "take back"), f.undoTask, f.storage())
		return err
	})
}
