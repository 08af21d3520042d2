package v3

import (
	"context"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// BackupStore is what backups need of the catalogue; projectID "" means any project.
type BackupStore interface {
	GetBackup(ctx context.Context, projectID, id string) (models.Backup, error)
	ListBackups(ctx context.Context, q models.BackupQuery) ([]models.Backup, error)
	CountBackups(ctx context.Context, q models.BackupQuery) (int64, error)
	UpdateBackup(ctx context.Context, projectID, id string, p models.BackupPatch) (models.Backup, error)
	// ResetBackup writes a status without asking, and takes the backup away from whatever flow owned it.
	ResetBackup(ctx context.Context, id string, status models.BackupStatus) (models.Backup, error)
	// BeginBackupRemoval moves the row to deleting and inserts the flow's record, which record makes of the row as it is; it may be called
	// again.
	BeginBackupRemoval(ctx context.Context, projectID, id, operation string, record func(models.Backup) (models.Flow, error)) (models.Backup, error)
	// BeginFlow inserts the record of a flow that takes no row.
	BeginFlow(ctx context.Context, f models.Flow) error
}

// sinceBackupUpdate is the microversion from which a backup can be changed.
const sinceBackupUpdate = 9

func (a *API) backupRoutes() []Route {
	const one = "/backups/:backup_id"
	return []Route{
		{Method: http.MethodGet, Path: "/backups", Handle: a.listBackups, Rule: ruleBackupList},
		{Method: http.MethodPost, Path: "/backups", Handle: a.createBackup, Rule: ruleBackupCreate},
		{Method: http.MethodGet, Path: "/backups/detail", Handle: a.listBackupsDetail, Rule: ruleBackupList},
		{Method: http.MethodPost, Path: "/backups/import_record", Handle: a.importBackup, Rule: ruleBackupImport},
		{Method: http.MethodGet, Path: one, Handle: a.showBackup, Rule: ruleBackupShow, Of: a.ofBackup},
		{Method: http.MethodPut, Path: one, Handle: a.updateBackup, Rule: ruleBackupUpdate, Of: a.ofBackup, Min: sinceBackupUpdate},
		{Method: http.MethodDelete, Path: one, Handle: a.deleteBackup, Rule: ruleBackupDelete, Of: a.ofBackup},
		{Method: http.MethodPost, Path: one + "/restore", Handle: a.restoreBackup, Rule: ruleBackupRestore, Of: a.ofBackup},
		{Method: http.MethodPost, Path: one + "/action", Handle: a.backupAction, ByAction: rulesOf(backupActions), Of: a.ofBackup},
		{Method: http.MethodGet, Path: one + "/export_record", Handle: a.exportBackup, Rule: ruleBackupExport, Of: a.ofBackup},
	}
}

// ofBackup is the backup in the path as the policy looks at it.
func (a *API) ofBackup(c *Call) (policy.Target, error) {
	b, err := a.backup(c)
	c.row = b
	return policy.Target{ProjectID: b.ProjectID, UserID: b.UserID}, err
}

// backup reads the backup that the path names, once a request.
func (a *API) backup(c *Call) (models.Backup, error) {
	if b, ok := c.row.(models.Backup); ok {
		return b, nil
	}
	id, err := c.uuidParam("backup_id", "backup")
	if err != nil {
		return models.Backup{}, err
	}
	b, err := a.Store.GetBackup(c.Context(), c.Reach(), id)
	return b, notFound(err, "backup", id)
}

func (a *API) showBackup(c *Call) error {
	b, err := a.backup(c)
	if err != nil {
		return err
	}
	now := a.progressOf(c, b.FlowID)
	return a.answerBackup(c, http.StatusOK, &b, func(w *backupWriter, b *models.Backup) {
		w.progress = now
		w.detail(b)
	})
}

// progressOf is how far a flow's step is that moves bytes; nil where there is none, or nobody tells.
func (a *API) progressOf(c *Call, flowID string) *progressView {
	if flowID == "" || a.Flows == nil {
		return nil
	}
	f, err := a.Store.GetFlow(c.Context(), "", flowID)
	if err == nil && f.State == models.FlowRunning {
		f, err = a.Flows.Live(c.Context(), f)
	}
	if err != nil {
		c.Log.Warn("the engine does not tell how far the flow is", "flow_id", flowID, "error", err.Error())
		return nil
	}
	for _, t := range f.Tasks {
		if t.Progress != nil && t.State == models.TaskRunning {
			return viewProgress(t.Progress)
		}
	}
	return nil
}

// answerBackup answers {"backup": {...}}.
func (a *API) answerBackup(c *Call, status int, b *models.Backup, write func(*backupWriter, *models.Backup)) error {
	w := a.backupWriter(c, 1024)
	w.Open('{')
	w.Key("backup")
	write(w, b)
	w.Close('}')
	return c.Bytes(status, w.buf)
}

func (a *API) listBackups(c *Call) error {
	return a.writeBackups(c, "/backups", (*backupWriter).brief)
}

func (a *API) listBackupsDetail(c *Call) error {
	return a.writeBackups(c, "/backups/detail", (*backupWriter).detail)
}

func (a *API) writeBackups(c *Call, path string, write func(*backupWriter, *models.Backup)) error {
	q, err := c.backupQuery()
	if err != nil {
		return err
	}
	withCount, err := c.withCount()
	if err != nil {
		return err
	}
	all, err := a.Store.ListBackups(c.Context(), q)
	if err != nil {
		return notFound(err, "marker", clip(q.Marker))
	}
	w := a.backupWriter(c, 256+1024*len(all))
	w.Open('{')
	w.Key("backups")
	w.Open('[')
	for i := range all {
		write(w, &all[i])
	}
	w.Close(']')
	if n := len(all); n > 0 {
		w.next("backup_links", c.Next(path, n, q.Limit, all[n-1].ID))
	}
	if withCount {
		n, err := a.Store.CountBackups(c.Context(), q)
		if err != nil {
			return err
		}
		w.Int("count", n)
	}
	w.Close('}')
	return c.Bytes(http.StatusOK, w.buf)
}

// updateBackup changes name, description and from 3.43 metadata, at least one of them.
func (a *API) updateBackup(c *Call) error {
	f, err := c.Body("backup", true)
	if err != nil {
		return err
	}
	var p models.BackupPatch
	p.Name, p.Description = readNames(f)
	if c.At(sinceBackupMetadata) {
		p.Metadata = f.Metadata("metadata")
	}
	if len(f.raw) == 0 {
		f.Fail("backup must have at least one of name, description, metadata")
	}
	if err := f.End(true); err != nil {
		return err
	}
	if err := checkMetadataSize(p.Metadata); err != nil {
		return err
	}
	id, err := c.uuidParam("backup_id", "backup")
	if err != nil {
		return err
	}
	b, err := a.Store.UpdateBackup(c.Context(), c.Reach(), id, p)
	if err != nil {
		return notFound(err, "backup", id)
	}
	return a.answerBackup(c, http.StatusOK, &b, (*backupWriter).brief)
}

// needDataWorker refuses (503) what nobody could do: no data worker is up.
func (a *API) needDataWorker(c *Call) error {
	all, err := a.Store.ListServices(c.Context(), models.BinaryBackup, "")
	if err != nil {
		return err
	}
	for i := range all {
		if !all[i].Disabled && a.Now().Sub(all[i].UpdatedAt) <= a.ServiceDownTime {
			return nil
		}
	}
	return fault.Unavailable("Service cinder-backup could not be found: no data worker is up; run clinkerd worker data, or enable it")
}
