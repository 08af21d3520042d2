package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// BackupImport makes a row of a backup that lies in the store: QuotaReserve, EntryCreate, [the client gets its answer], QuotaCommit, BackupCast,
// ReadBackupRecord (does the store hold what the record says?), EntryReady. Undone, the store is left as it is.
func BackupImport(ctx workflow.Context, in flow.BackupImportInput) error {
	f := &backupImport{in: in}
	f.busyBackup, f.heldBackup = models.BackupCreating, models.BackupError
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.BackupImportTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type backupImport struct {
	base
	answer[flow.BackupResult]
	in flow.BackupImportInput
}

func (f *backupImport) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuse(ctx, &f.base, &f.answer, err)
	}
	host, found, err := f.read(ctx)
	if err == nil {
		err = ready(ctx, &f.base, host, found.Data)
	}
	if err != nil {
		return f.giveUpMaking(ctx, err, nil)
	}
	return nil
}

func (f *backupImport) accept(ctx workflow.Context) error {
	f.registerUndo()
	quota := flow.QuotaReserveInput{Header: f.hdr, Deltas: models.BackupDeltas(1, f.in.Backup.SizeGiB)}
	if err := f.record(ctx, flow.TaskQuotaReserve, quota, nil); err != nil {
		return err
	}
	row := f.in.Backup
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: flow.BackupImport, Backup: &row, Request: f.in}
	var out flow.EntryResult
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &out); err != nil {
		return err
	}
	f.result = &flow.BackupResult{Backup: out.Backup}
	return nil
}

func (f *backupImport) read(ctx workflow.Context) (host string, found flow.StoredBackupResult, err error) {
	if err := f.record(ctx, flow.TaskQuotaCommit, flow.FlowRef{Header: f.hdr}, nil); err != nil {
		return "", found, err
	}
	if host, err = f.castData(ctx, flow.TaskBackupCast, "", f.in.Backup.Host); err != nil {
		return host, found, err
	}
	in := flow.StoredBackupInput{Header: f.hdr, Backup: f.in.Stored}
	err = f.moveOrHold(move(ctx, host, "backup "+f.in.ResourceID), flow.TaskReadBackupRecord, in, &found)
	return host, found, err
}
