package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// What flows on backups have in common.

// castData names the data worker's host: that of the volume's host, else prefer, else any that lives.
func (b *base) castData(ctx workflow.Context, task, host, prefer string) (string, error) {
	out, err := b.cast(ctx, task, flow.BackupCastInput{Header: b.hdr, Host: host, Prefer: prefer})
	return out.Host, err
}

func (b *base) cast(ctx workflow.Context, task string, in flow.BackupCastInput) (out flow.BackupCastResult, err error) {
	err = b.orHold(ctx, task, func() error { return b.record(ctx, task, in, &out) })
	return out, err
}

// moveOrHold runs a step of a data worker until it succeeds, fails for certain, or an operator ends it. The context carries the
// option set; a step that is skipped leaves out as it is.
func (b *base) moveOrHold(ctx workflow.Context, task string, in, out any) error {
	return b.orHold(ctx, task, func() error {
		b.tasks.begin(ctx, task)
		err := workflow.ExecuteActivity(ctx, task, in).Get(ctx, out)
		b.tasks.end(ctx, task, err)
		return err
	})
}

// ready is the point of no return of a flow that made a backup: an abort that comes before it undoes the backup, one that comes later
// is too late.
func ready(ctx workflow.Context, b *base, host string, made models.BackupData) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return b.recordStep(safe, flow.TaskEntryReady, flow.EntryReadyInput{
		Header: b.hdr, Host: host, Data: made, Tasks: b.tasks.closing(ctx, flow.TaskEntryReady),
	}, nil)
}

// BackupDelete removes a backup whose row the API has moved to `deleting`: BackupCast, DeleteBackupData, DeleteSnapshot of what is kept for the next
// one to be compared with, EntryDestroy. It only goes forward.
func BackupDelete(ctx workflow.Context, in flow.BackupRemoveInput) error {
	f := &base{busyBackup: models.BackupDeleting, heldBackup: models.BackupErrorDeleting}
	ctx, err := f.begin(ctx, in.Header, flow.BackupDeleteTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.deleteBackup(ctx, in))
}

func (b *base) deleteBackup(ctx workflow.Context, in flow.BackupRemoveInput) error {
	host, err := b.castData(ctx, flow.TaskBackupCast, "", in.Host)
	if err == nil {
		work := move(ctx, host, "backup "+in.Backup.ID)
		err = b.moveOrHold(work, flow.TaskDeleteBackupData, flow.StoredBackupInput{Header: b.hdr, Backup: in.Backup}, nil)
	}
	if err == nil && in.BaseHost != "" {
		err = b.dropBase(ctx, in)
	}
	if err != nil {
		return b.removeStays(ctx, err, false)
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return b.recordStep(safe, flow.TaskEntryDestroy, flow.FlowEndInput{
		Header: b.hdr, State: models.FlowSuccess, Gone: true, Tasks: b.tasks.closing(ctx, flow.TaskEntryDestroy),
	}, nil)
}

// dropBase removes the snapshot that was kept of a backup. It went with its volume, where that is gone or elsewhere by now.
func (b *base) dropBase(ctx workflow.Context, in flow.BackupRemoveInput) error {
	var spec flow.TidySpec
	err := b.recordStep(ctx, flow.TaskExtractTidyRequest, flow.BackupTidyInput{Header: b.hdr, VolumeID: in.VolumeID}, &spec)
	if err != nil || spec.Host != in.BaseHost {
		return err
	}
	b.backend, _ = flow.SplitHost(spec.Host)
	b.tasks.insert(flow.TaskDeleteSnapshot, flow.TaskEntryDestroy)
	work := node(ctx, b.backend, "base snapshot of "+spec.Snapshot.Volume.Name)
	_, err = b.nodeOrHold(work, flow.TaskDeleteSnapshot, flow.NodeInput{Header: b.hdr, Volume: spec.Snapshot.Volume, Snapshot: &spec.Snapshot})
	return err
}

// BackupVerify reads a whole backup back and compares every hash: BackupCast, VerifyBackup, EntryVerified. The row notes what was found; a damage is a
// failure of the flow, with a message to the user.
func BackupVerify(ctx workflow.Context, in flow.BackupVerifyInput) error {
	f := &base{}
	ctx, err := f.begin(ctx, in.Header, flow.BackupVerifyTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.verifyBackup(ctx, in))
}

func (b *base) verifyBackup(ctx workflow.Context, in flow.BackupVerifyInput) error {
	host, err := b.castData(ctx, flow.TaskBackupCast, "", in.Host)
	var found flow.StoredBackupResult
	if err == nil {
		work := move(ctx, host, "backup "+in.Backup.ID)
		err = b.moveOrHold(work, flow.TaskVerifyBackup, flow.StoredBackupInput{Header: b.hdr, Backup: in.Backup}, &found)
	}
	if err != nil {
		return b.removeStays(ctx, err, false)
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return b.recordStep(safe, flow.TaskEntryVerified, flow.EntryVerifiedInput{
		Header: b.hdr, Problem: found.Problem, Tasks: b.tasks.closing(ctx, flow.TaskEntryVerified),
	}, nil)
}
