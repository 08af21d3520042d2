package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// BackupCreate brings what a volume or a snapshot holds to the backup store: ExtractBackupRequest, QuotaReserve, EntryCreate, [the client gets its
// answer], QuotaCommit, BackupCast, CreateSnapshot where the volume is in use (between FreezeGuest and
// ThawGuest on the hosts of its guests, where that was asked for), BackupChunks on a data worker, DeleteSnapshot, EntryReady. A
// worker that dies costs at most one checkpoint: the store has it. The temporary snapshot goes away whatever happens, but where its backend keeps it for
// the next backup (KeepBase) and this one is made.
func BackupCreate(ctx workflow.Context, in flow.BackupCreateInput) error {
	f := &backupCreate{in: in}
	f.busyBackup, f.heldBackup = models.BackupCreating, models.BackupError
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.BackupCreateTasks(false))
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type backupCreate struct {
	base
	answer[flow.BackupResult]
	in   flow.BackupCreateInput
	spec flow.BackupSpec
	data string // the data worker's host, once it is known
	far  farSide
	// left says that the temporary snapshot may be there; kept that it shall stay if the backup does.
	left, kept bool
	// quiesced says that the guests held still while it was made.
	quiesced bool
}

func (f *backupCreate) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuse(ctx, &f.base, &f.answer, err)
	}
	made, err := f.build(ctx)
	if err == nil {
		err = ready(ctx, &f.base, f.data, made)
	}
	if err != nil {
		f.dropLeft(ctx)
		return f.giveUp(ctx, err)
	}
	return nil
}

func (f *backupCreate) accept(ctx workflow.Context) error {
	f.registerUndo()
	if err := f.record(ctx, flow.TaskExtractBackupRequest, f.in, &f.spec); err != nil {
		return err
	}
	if err := f.findAgents(ctx); err != nil {
		return err
	}
	if err := f.record(ctx, flow.TaskQuotaReserve, flow.QuotaReserveInput{Header: f.hdr, Deltas: f.spec.Quota}, nil); err != nil {
		return err
	}
	row, request := f.spec.Backup, f.in
	row.Metadata, request.Metadata = f.in.Metadata, nil // once: payloads are bounded
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: flow.BackupCreate, Backup: &row, InUse: f.in.Force, Request: request}
	var out flow.EntryResult
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &out); err != nil {
		return err
	}
	f.spec.Backup.DataTimestamp = out.Backup.DataTimestamp
	if f.spec.Keep {
		f.planned = flow.BackupKeepTasks()
		f.tasks.insert(flow.TaskCreateSnapshot, flow.TaskBackupChunks)
		f.tasks.insert(flow.TaskKeepBase, flow.TaskEntryReady)
	}
	f.result = &flow.BackupResult{Backup: out.Backup}
	return nil
}

// build makes the backup, and takes the temporary snapshot away before it returns, however it ends, but where it is kept.
func (f *backupCreate) build(ctx workflow.Context) (models.BackupData, error) {
	made, err := f.copy(ctx)
	if !f.left {
		f.tasks.drop(flow.TaskCreateSnapshot, flow.TaskDeleteSnapshot, flow.TaskKeepBase)
		return made, err
	}
	if err == nil && f.spec.Keep && f.keepBase(ctx) {
		made.BaseHost, f.kept = f.spec.Host, true
		f.tasks.drop(flow.TaskDeleteSnapshot)
		return made, nil
	}
	f.tasks.drop(flow.TaskKeepBase)
	f.tasks.insert(flow.TaskDeleteSnapshot, flow.TaskEntryReady)
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if tidy := f.dropSnapshot(safe); err == nil {
		err = tidy
	}
	return made, err
}

func (f *backupCreate) copy(ctx workflow.Context) (made models.BackupData, err error) {
	if err := f.record(ctx, flow.TaskQuotaCommit, flow.FlowRef{Header: f.hdr}, nil); err != nil {
		return made, err
	}
	f.backend, _ = flow.SplitHost(f.spec.Host)
	if err := f.findData(ctx); err != nil {
		return made, err
	}
	f.show(ctx, attrBackend.ValueSet(f.backend))
	b, snapshot := f.spec.Backup, f.spec.Snapshot
	if f.spec.Temporary {
		if snapshot, err = f.takeSnapshot(ctx); err != nil {
			return made, err
		}
	}
	in := flow.BackupChunksInput{
		Header: f.hdr, Volume: f.spec.Volume, Snapshot: snapshot, Host: f.spec.Host, BackupID: b.ID, ParentID: b.ParentID, Name: b.Name,
		Note: b.Description, OfUser: b.SnapshotID, Container: b.Container, Timestamp: b.DataTimestamp, Origin: f.spec.Origin,
		Keep: f.spec.Keep,
	}
	var out flow.StoredBackupResult
	err = f.far.through(ctx, &f.base, func(far flow.Far) error {
		in.Far = far
		return f.moveOrHold(move(ctx, f.data, f.spec.Volume.Name+" of "+f.spec.Host+" to the backup store"), flow.TaskBackupChunks, in, &out)
	})
	out.Data.Quiesced = f.quiesced
	return out.Data, err
}

// findData finds the data worker. A snapshot is to be had on the volume's own host only; one that is taken for the next backup's sake alone is done without where
// the volume is read from another host.
func (f *backupCreate) findData(ctx workflow.Context) error {
	near := f.spec.Snapshot != nil && (!f.spec.Temporary || f.spec.InUse || !f.spec.Keep)
	cast, err := f.cast(ctx, flow.TaskBackupCast, flow.BackupCastInput{Header: f.hdr, Host: f.spec.Host, Near: near})
	if err != nil {
		return err
	}
	f.data = cast.Host
	if f.far, err = f.base.far(ctx, cast, f.spec.Volume, true, flow.TaskBackupChunks, flow.TaskEntryReady); err != nil || !f.far.there() {
		return err
	}
	f.data = f.far.way.DataHost
	if f.spec.Temporary {
		f.spec.Temporary, f.spec.Keep, f.spec.Snapshot = false, false, nil
		f.tasks.drop(flow.TaskCreateSnapshot, flow.TaskKeepBase)
	}
	return nil
}

// takeSnapshot makes the temporary snapshot. Where it were only for the next backup's sake, and there is no room for it, the volume itself is read: nil. Where
// guests that were to hold still did not, the backup ends, or it is made of the volume as they go on.
func (f *backupCreate) takeSnapshot(ctx workflow.Context) (*models.StorageSnapshot, error) {
	f.left = true
	if len(f.spec.Guests) > 0 {
		taken, err := f.still(ctx)
		if err == nil {
			f.quiesced = true
			return taken, nil
		}
		if err := f.unlessRequired(ctx, err); err != nil {
			return nil, err // build takes back what may be there
		}
	}
	ctx = node(ctx, f.backend, "temporary snapshot of "+f.spec.Volume.Name)
	in := f.temporary()
	if !f.spec.Keep || f.spec.InUse {
		out, err := f.nodeOrHold(ctx, flow.TaskCreateSnapshot, in)
		if err != nil || out.Snapshot == nil {
			return f.spec.Snapshot, err
		}
		return out.Snapshot, nil
	}
	taken := in.Snapshot
	err := f.orHold(ctx, flow.TaskCreateSnapshot, func() error {
		out, err := f.node(ctx, flow.TaskCreateSnapshot, in)
		switch {
		case err == nil && out.Snapshot != nil:
			taken = out.Snapshot
		case err != nil && wire.Parse(err).Type == flow.ErrNoSpace:
			taken, f.spec.Keep = nil, false
			return nil
		}
		return err
	})
	return taken, err
}

// keepBase has the snapshot kept. That it can't be is no reason to lose the backup: the next one is by hashes.
func (f *backupCreate) keepBase(ctx workflow.Context) bool {
	_, err := f.node(node(ctx, f.backend, "snapshot of "+f.spec.Volume.Name+" for the next backup"), flow.TaskKeepBase, f.temporary())
	if err != nil {
		workflow.GetLogger(ctx).Warn("the snapshot is not kept for the next backup", "error", err)
	}
	return err == nil
}

// dropLeft takes away the kept snapshot of a backup that came to nothing after all.
func (f *backupCreate) dropLeft(ctx workflow.Context) {
	if !f.kept {
		return
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if err := f.dropSnapshot(safe); err != nil {
		workflow.GetLogger(ctx).Warn("a snapshot is left until its volume goes", "snapshot", f.spec.Snapshot.Name, "error", err)
	}
}

func (f *backupCreate) temporary() flow.NodeInput {
	s := *f.spec.Snapshot
	s.Volume.Tags = map[string]string{"clinker.flow": f.hdr.FlowID}
	return flow.NodeInput{Header: f.hdr, Volume: s.Volume, Snapshot: &s}
}

func (f *backupCreate) dropSnapshot(ctx workflow.Context) error {
	_, err := f.nodeOrHold(node(ctx, f.backend, "temporary snapshot of "+f.spec.Volume.Name), flow.TaskDeleteSnapshot, f.temporary())
	if err == nil {
		f.left = false
	}
	return err
}

// giveUp ends a flow whose row is written; what lies in the store is deleted with the row, or by whoever deletes the row later.
func (f *backupCreate) giveUp(ctx workflow.Context, cause error) error {
	if f.data == "" {
		return f.giveUpMaking(ctx, cause, nil)
	}
	return f.giveUpMaking(ctx, cause, func(ctx workflow.Context) error {
		b := f.spec.Backup
		in := flow.StoredBackupInput{Header: f.hdr, Backup: flow.StoredBackup{ID: b.ID, SizeGiB: b.SizeGiB, Container: b.Container}}
		return f.moveOrHold(move(ctx, f.data, "take back what lies in the store"), flow.TaskDeleteBackupData, in, nil)
	})
}
