package v3

import (
	"context"
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// backupActions lists Cinder's actions, and ours.
var backupActions = map[string]actionSpec[models.Backup]{
	"os-reset_status": {run: (*API).resetBackup, rule: "volume_extension:backup_admin_actions:reset_status"},
	"os-force_delete": {run: (*API).forceDeleteBackup, rule: "volume_extension:backup_admin_actions:force_delete", any: true},
	"clinker:verify":  {run: (*API).verifyBackup, rule: "backup:verify", any: true},
}

func (a *API) backupAction(c *Call) error { return act(a, c, backupActions, a.backup) }

// resetBackup writes a status without asking the store. A flow that has the backup is aborted first: a reset of one that is restored
// cancels the restore.
func (a *API) resetBackup(c *Call, b models.Backup, f *Fields) error {
	var words []string
	for _, status := range models.BackupStatuses() {
		if models.ResettableBackup(status) {
			words = append(words, string(status))
		}
	}
	status, err := f.resetTo(words)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	if _, err := a.giveUpHeld(ctx, b.ID, b.FlowID, true, "the backup's status is reset, by "+c.Identity.UserID); err != nil {
		return err
	}
	if _, err := a.Store.ResetBackup(ctx, b.ID, models.BackupStatus(status)); err != nil {
		return notFound(err, "backup", b.ID)
	}
	return c.Empty(http.StatusAccepted)
}

func (a *API) deleteBackup(c *Call) error {
	b, err := a.backup(c)
	if err != nil {
		return err
	}
	return a.removeBackup(c, b, models.OpBackupDelete)
}

func (a *API) forceDeleteBackup(c *Call, b models.Backup, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	return a.removeBackup(c, b, models.OpBackupForceDelete)
}

// removeBackup ends whatever holds the backup and starts to delete it. A backup that is gone after the abort is deleted as asked: that is
// how one that is being made is given up.
func (a *API) removeBackup(c *Call, b models.Backup, rule string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	force := rule == models.OpBackupForceDelete
	aborted, err := a.giveUpHeld(ctx, b.ID, b.FlowID, force, "the backup is to be deleted, by "+c.Identity.UserID)
	if err != nil {
		return err
	}
	if aborted {
		if _, err := a.Store.GetBackup(ctx, c.Reach(), b.ID); errors.Is(err, models.ErrNotFound) {
			return c.Empty(http.StatusAccepted)
		}
	}
	var start flow.Start
	_, err = a.Store.BeginBackupRemoval(ctx, c.Reach(), b.ID, rule, func(b models.Backup) (models.Flow, error) {
		in := flow.BackupRemoveInput{Header: a.header(c, flow.BackupDelete, b.ProjectID, b.ID), Backup: storedBackup(&b), Host: b.Host, BaseHost: b.BaseHost, VolumeID: b.VolumeID}
		in.Tasks, in.Summary = flow.BackupDeleteTasks(), "delete backup "+shownName(b.Name, b.ID)
		start = flow.Start{Operation: flow.BackupDelete, Header: in.Header, Kind: flow.KindBackup, Input: in}
		return a.record(start, models.FlowRunning)
	})
	if err != nil {
		return notFound(err, "backup", b.ID)
	}
	return a.startBegun(ctx, c, start)
}

func storedBackup(b *models.Backup) flow.StoredBackup {
	return flow.StoredBackup{ID: b.ID, SizeGiB: b.SizeGiB, Container: b.Container, Prefix: b.ServiceMetadata}
}

// verifyBackup starts to read the backup back and to compare every hash; the row and the flow tell what was found.
func (a *API) verifyBackup(c *Call, b models.Backup, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	if b.Status != models.BackupAvailable {
		return fault.BadRequest("Invalid backup: backup %s is %s; it must be available to be verified", b.ID, b.Status)
	}
	if err := a.needDataWorker(c); err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Context())
	start, err := a.verifyStart(ctx, c, &b)
	if err != nil {
		return err
	}
	record, err := a.record(start, models.FlowRunning)
	if err != nil {
		return err
	}
	if err := a.Store.BeginFlow(ctx, record); err != nil {
		return err
	}
	return a.startBegun(ctx, c, start)
}

func (a *API) verifyStart(ctx context.Context, c *Call, b *models.Backup) (flow.Start, error) {
	stored := storedBackup(b)
	for parent := b.ParentID; b.ServiceMetadata != "" && parent != ""; {
		p, err := a.Store.GetBackup(ctx, "", parent)
		if err != nil {
			return flow.Start{}, notFound(err, "backup", parent)
		}
		stored.Chain = append([]flow.StoredBackup{storedBackup(&p)}, stored.Chain...)
		parent = p.ParentID
	}
	in := flow.BackupVerifyInput{Header: a.header(c, flow.BackupVerify, b.ProjectID, b.ID), Backup: stored, Host: b.Host}
	in.Tasks, in.Summary = flow.BackupVerifyTasks(), "verify backup "+shownName(b.Name, b.ID)
	return flow.Start{Operation: flow.BackupVerify, Header: in.Header, Kind: flow.KindBackup, Input: in}, nil
}
