package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// VolumeCreate makes a volume: ExtractVolumeRequest, QuotaReserve, EntryCreate, [the client gets its answer],
// QuotaCommit, VolumeCast, CreateVolume on the node of the chosen pool (the next candidate when it does not fit),
// EntryReady. A volume that begins as a snapshot is made by CreateFromSnapshot: a task of its own, since a worker that does
// not know of snapshots would answer CreateVolume with a blank one.
func VolumeCreate(ctx workflow.Context, in flow.VolumeCreateInput) error {
	f := &volumeCreate{in: in, base: base{busyStatus: models.VolumeCreating, heldStatus: models.VolumeError}}
	if in.BackupID != "" {
		f.busyStatus = models.VolumeRestoringBackup
	}
	ctx, err := f.setup(ctx)
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type volumeCreate struct {
	base
	answer[flow.VolumeResult]
	in   flow.VolumeCreateInput
	spec flow.VolumeSpec
	cast flow.VolumeCastResult
}

func (f *volumeCreate) setup(ctx workflow.Context) (workflow.Context, error) {
	if err := f.serve(ctx); err != nil {
		return ctx, err
	}
	return f.begin(ctx, f.in.Header, flow.VolumeCreateTasks())
}

func (f *volumeCreate) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuse(ctx, &f.base, &f.answer, err)
	}
	made, err := f.build(ctx)
	if err == nil {
		err = f.restore(ctx, made)
	}
	if err == nil {
		err = f.ready(ctx, made)
	}
	if err != nil {
		return f.giveUp(ctx, err)
	}
	return nil
}

// accept does what the client waits for: it ends with the volume's row written.
func (f *volumeCreate) accept(ctx workflow.Context) error {
	f.registerUndo()
	if err := f.record(ctx, flow.TaskExtractVolumeRequest, f.in, &f.spec); err != nil {
		return err
	}
	quota := flow.QuotaReserveInput{Header: f.hdr, Deltas: f.spec.Quota, SizeGiB: f.spec.Volume.SizeGiB}
	if err := f.record(ctx, flow.TaskQuotaReserve, quota, nil); err != nil {
		return err
	}
	var row flow.EntryResult
	request := f.in
	request.Metadata = nil // the row has it, and payloads are bounded
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: flow.VolumeCreate, Volume: f.spec.Volume, BackupID: f.in.BackupID, Request: request}
	entry.Volume.Metadata = f.in.Metadata
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &row); err != nil {
		return err
	}
	f.result = &flow.VolumeResult{Volume: row.Volume}
	return nil
}

// build finds a place and makes the volume there, candidate after candidate.
func (f *volumeCreate) build(ctx workflow.Context) (models.StorageVolume, error) {
	var none models.StorageVolume
	if err := f.record(ctx, flow.TaskQuotaCommit, flow.FlowRef{Header: f.hdr}, nil); err != nil {
		return none, err
	}
	var attempted []string
	var last error // why the latest candidate did not do
	var task string
	for {
		err := f.place(ctx, attempted)
		switch {
		case err != nil && needsPerson(err):
			last, task = err, flow.TaskVolumeCast
		case err != nil && (last == nil || f.aborted(err) || wire.Parse(err).Type != flow.ErrNoBackend):
			return none, err // with no try before it, a refusal by every pool is the answer
		case err != nil && len(attempted) == 0:
			last, task = err, flow.TaskVolumeCast
		case err == nil && len(attempted) < max(f.in.MaxAttempts, 1):
			made, err := f.createOn(ctx, len(attempted) == 0 && len(f.cast.Candidates) > 1)
			if err == nil || f.aborted(err) || !needsPerson(err) {
				return made, err
			}
			last, task = f.inPool(err), f.work()
			if f.cleared(ctx, err) {
				attempted = append(attempted, f.cast.Pool)
				continue
			}
		}
		switch f.hold(ctx, task, last) {
		case flow.UpdateRetry:
			if slices.Contains(attempted, f.cast.Pool) {
				f.cast = flow.VolumeCastResult{} // nothing is anywhere: all pools may be asked anew
			}
			attempted = nil
		case flow.UpdateAbort:
			return none, abortedAfter(last)
		case flow.UpdateSkip:
			if f.cast.Pool == "" {
				continue // without a pool there is nothing to skip to
			}
			return f.storage(), nil
		default:
			return none, heldOut(last)
		}
	}
}

// place asks the scheduler for a pool and claims its capacity. Where an earlier try may have left something behind
// that could not be taken away, that very pool is kept.
func (f *volumeCreate) place(ctx workflow.Context, attempted []string) error {
	if f.cast.Pool != "" && !slices.Contains(attempted, f.cast.Pool) {
		return nil
	}
	in := flow.VolumeCastInput{
		Header: f.hdr, Spec: f.spec, Hints: f.in.Hints, Attempted: attempted, MaxAttempts: max(f.in.MaxAttempts, 1),
	}
	var cast flow.VolumeCastResult
	if err := f.record(ctx, flow.TaskVolumeCast, in, &cast); err != nil {
		return err
	}
	f.cast = cast
	f.backend, _ = flow.SplitHost(f.cast.Pool)
	f.show(ctx, attrBackend.ValueSet(f.backend))
	if f.cast.Refused != "" {
		workflow.SetCurrentDetails(ctx, "Refused: "+f.cast.Refused)
	}
	return nil
}

// createOn makes the volume in the pool that was chosen. With other candidates at hand, the first try waits for the
// node half a minute only.
func (f *volumeCreate) createOn(ctx workflow.Context, others bool) (models.StorageVolume, error) {
	summary := fmt.Sprintf("%s on %s", f.storage().Size, f.cast.Pool)
	in := flow.NodeInput{Header: f.hdr, Volume: f.storage(), Source: f.spec.Source, Snapshot: f.spec.Snapshot}
	if others {
		made, err := f.node(firstTry(ctx, f.backend, summary), f.work(), in)
		if err == nil || !wire.Parse(err).Type.Retryable() || neverStarted(err) {
			return made.Volume, err
		}
	}
	made, err := f.node(node(ctx, f.backend, summary), f.work(), in)
	return made.Volume, err
}

// inPool says which pool had no room, as the scheduler does of those that it refuses.
func (f *volumeCreate) inPool(err error) error {
	fe := wire.Parse(err)
	if fe.Type != flow.ErrNoSpace {
		return err
	}
	fe.Message = f.cast.Pool + ": " + fe.Message
	return wire.Error(fe)
}

// work is the task that makes the volume.
func (f *volumeCreate) work() string {
	if f.spec.Snapshot != nil {
		return flow.TaskCreateFromSnapshot
	}
	return flow.TaskCreateVolume
}

// cleared makes sure that a candidate that failed holds nothing of ours, so that the next may be tried.
func (f *volumeCreate) cleared(ctx workflow.Context, cause error) bool {
	if wire.Parse(cause).Type == flow.ErrNoSpace || neverStarted(cause) {
		return true
	}
	in := flow.NodeInput{Header: f.hdr, Volume: f.storage()}
	_, err := f.node(firstTry(ctx, f.backend, "clear what a failed try may have left"), flow.TaskDeleteVolume, in)
	return err == nil
}

func (f *volumeCreate) storage() models.StorageVolume {
	_, pool := flow.SplitHost(f.cast.Pool)
	return models.StorageVolume{
		ID: f.spec.Volume.ID, Name: f.cast.StorageName, Size: models.FromGiB(f.spec.Volume.SizeGiB),
		Pool: pool, Provisioning: f.spec.Provisioning, Tags: map[string]string{"clinker.flow": f.hdr.FlowID},
	}
}

// restore gives the volume, which is blank yet, the bytes of the backup that it begins as.
func (f *volumeCreate) restore(ctx workflow.Context, made models.StorageVolume) error {
	if f.spec.Backup == nil {
		return nil
	}
	in := flow.RestoreChunksInput{Header: f.hdr, Backup: *f.spec.Backup, Volume: made, Host: f.cast.Pool, Fresh: true}
	cast := flow.BackupCastResult{Host: flow.HostOf(f.cast.Pool)}
	if workflow.GetVersion(ctx, "restore-from-another-host", workflow.DefaultVersion, 1) >= 1 {
		f.tasks.insert(flow.TaskRestoreCast, flow.TaskRestoreChunks)
		where, err := f.base.cast(ctx, flow.TaskRestoreCast, flow.BackupCastInput{Header: f.hdr, Host: f.cast.Pool})
		if err != nil {
			return err
		}
		cast = where
	}
	return f.restoreBytes(ctx, cast, in, flow.TaskEntryReady)
}

// ready is the point of no return: an abort that comes before it undoes the volume, one that comes later is too late. On
// ctx itself an abort could take the volume back after EntryReady had written it as available.
func (f *volumeCreate) ready(ctx workflow.Context, made models.StorageVolume) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryReady, flow.EntryReadyInput{
		Header: f.hdr, Host: f.cast.Pool, ProviderLocation: made.Location, Tasks: f.tasks.closing(ctx, flow.TaskEntryReady),
	}, nil)
}

// giveUp ends a flow whose row is written.
func (f *volumeCreate) giveUp(ctx workflow.Context, cause error) error {
	takeBack := f.takeBack
	if f.cast.Pool == "" {
		takeBack = nil
	}
	return f.giveUpMaking(ctx, cause, takeBack)
}

// takeBack deletes on the node what was or may have been made there.
func (f *volumeCreate) takeBack(ctx workflow.Context) error {
	in := flow.NodeInput{Header: f.hdr, Volume: f.storage()}
	_, err := f.nodeOrHold(undo(ctx, f.backend, "take back"), flow.TaskDeleteVolume, in)
	return err
}
