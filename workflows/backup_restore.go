package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// BackupRestore writes a backup over a volume that is there: ExtractRestoreRequest, EntryCreate (the volume `restoring-backup`, the backup `restoring`),
// [the client gets its answer], RestoreCast, RestoreChunks on a data worker, EntryRestored. It can't be undone: given up, the volume is
// `error_restoring`, which takes another restore. A restore into a new volume is a volume-create with a BackupID.
func BackupRestore(ctx workflow.Context, in flow.BackupRestoreInput) error {
	f := &backupRestore{in: in, base: base{busyStatus: models.VolumeRestoringBackup, heldStatus: models.VolumeErrorRestoring}}
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.BackupRestoreTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type backupRestore struct {
	base
	answer[flow.VolumeResult]
	in   flow.BackupRestoreInput
	spec flow.RestoreSpec
}

func (f *backupRestore) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuse(ctx, &f.base, &f.answer, err)
	}
	if err := f.restore(ctx); err != nil {
		return f.removeStays(ctx, err, false)
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryRestored, flow.FlowEndInput{
		Header: f.hdr, State: models.FlowSuccess, Status: models.VolumeAvailable, Tasks: f.tasks.closing(ctx, flow.TaskEntryRestored),
	}, nil)
}

func (f *backupRestore) accept(ctx workflow.Context) error {
	f.undo.push(flow.TaskEntryCreate, f.letGo)
	if err := f.record(ctx, flow.TaskExtractRestoreRequest, f.in, &f.spec); err != nil {
		return err
	}
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: flow.BackupRestore, VolumeID: f.in.VolumeID, Request: f.in}
	var out flow.EntryResult
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &out); err != nil {
		return err
	}
	f.result = &flow.VolumeResult{Volume: out.Volume}
	return nil
}

// letGo gives both rows back as they were: nothing was written to the volume yet.
func (f *backupRestore) letGo(ctx workflow.Context) error {
	return f.recordStep(ctx, flow.TaskFlowEnd, flow.FlowEndInput{Header: f.hdr, State: models.FlowReverted, Tasks: f.tasks}, nil)
}

func (f *backupRestore) restore(ctx workflow.Context) error {
	cast, err := f.cast(ctx, flow.TaskRestoreCast, flow.BackupCastInput{Header: f.hdr, Host: f.spec.Host})
	if err != nil {
		return err
	}
	f.backend, _ = flow.SplitHost(f.spec.Host)
	f.show(ctx, attrBackend.ValueSet(f.backend))
	in := flow.RestoreChunksInput{Header: f.hdr, Backup: f.spec.Backup, Volume: f.spec.Volume, Host: f.spec.Host}
	return f.restoreBytes(ctx, cast, in, flow.TaskEntryRestored)
}

// restoreBytes writes a backup over a volume, on its own host or from another; after is the step that comes next.
func (b *base) restoreBytes(ctx workflow.Context, cast flow.BackupCastResult, in flow.RestoreChunksInput, after string) error {
	far, err := b.far(ctx, cast, in.Volume, false, flow.TaskRestoreChunks, after)
	if err != nil {
		return err
	}
	host := cast.Host
	if far.there() {
		host = far.way.DataHost
	}
	return far.through(ctx, b, func(way flow.Far) error {
		in.Far = way
		return b.moveOrHold(move(ctx, host, "backup "+in.Backup.ID+" to "+in.Volume.Name), flow.TaskRestoreChunks, in, nil)
	})
}
