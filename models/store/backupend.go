package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// failReasonMost is how much of a reason a backup's row keeps.
const failReasonMost = 255

// endBackupFlow does to the rows of a flow on a backup what its end asks for; stays tells whether the backup that the flow is about is there
// afterwards and the flow had it to the end.
func (s *Store) endBackupFlow(tx *gorm.DB, f models.Flow, e models.FlowEnd) (stays bool, err error) {
	if err := s.endVolumesOf(tx, f, e); err != nil {
		return false, err
	}
	if _, err := s.endSnapshots(tx, f, e); err != nil {
		return false, err
	}
	return s.endBackups(tx, f, e)
}

// endVolumesOf does to the volumes that a backup's flow owns what its end asks for.
func (s *Store) endVolumesOf(tx *gorm.DB, f models.Flow, e models.FlowEnd) error {
	var owned []models.Volume
	if err := tx.Clauses(forUpdate).Where("flow_id = ?", f.ID).Order("id").Find(&owned).Error; err != nil {
		return err
	}
	for _, v := range owned {
		set := map[string]any{"updated_at": toMicros(s.now())}
		switch {
		case e.Status != "" && e.Status != models.EndPrevious:
			set["status"] = string(e.Status)
		case !e.State.Open():
			set["status"] = string(v.PreviousStatus)
		}
		if !e.State.Open() {
			set["flow_id"], set["previous_status"] = "", ""
		}
		if err := tx.Table("volumes").Where("id = ?", v.ID).Updates(set).Error; err != nil {
			return err
		}
	}
	return nil
}

// endBackups does to the backups that a flow owns what its end asks for; stays tells whether the one that the flow is about is there
// afterwards and the flow had it to the end.
func (s *Store) endBackups(tx *gorm.DB, f models.Flow, e models.FlowEnd) (stays bool, err error) {
	var owned []models.Backup
	if err := tx.Clauses(forUpdate).Where("flow_id = ?", f.ID).Order("id").Find(&owned).Error; err != nil {
		return false, err
	}
	for _, b := range owned {
		own := f.ResourceKind == kindBackup && b.ID == f.ResourceID
		if own && e.Gone && !e.State.Open() {
			return false, s.destroyBackup(tx, b, f)
		}
		stays = stays || own
		set := map[string]any{"updated_at": toMicros(s.now())}
		switch {
		case e.Backups != "" && e.Backups != models.EndPrevious:
			set["status"], set["fail_reason"] = string(e.Backups), clip(e.Error, failReasonMost)
		case !e.State.Open() && b.PreviousStatus != "":
			set["status"] = string(b.PreviousStatus)
		case !e.State.Open():
			set["status"], set["fail_reason"] = string(models.BackupError), clip(e.Error, failReasonMost) // it was being made
		}
		if !e.State.Open() {
			set["flow_id"], set["previous_status"] = "", ""
		}
		if err := tx.Table("backups").Where("id = ?", b.ID).Updates(set).Error; err != nil {
			return false, err
		}
	}
	return stays, nil
}

// clip cuts a text to so many characters.
func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// resumeBackupFlow gives the rows of a held flow on a backup their transitional statuses back.
func resumeBackupFlow(tx *gorm.DB, f models.Flow, e models.FlowEnd, now int64) error {
	if e.Status != "" {
		if err := tx.Exec("UPDATE volumes SET status = ?, updated_at = ? WHERE flow_id = ?", string(e.Status), now, f.ID).Error; err != nil {
			return err
		}
	}
	n, err := changed(tx.Exec("UPDATE backups SET status = CASE WHEN ? = '' THEN status ELSE ? END, fail_reason = '', updated_at = ? WHERE flow_id = ?",
		string(e.Backups), string(e.Backups), now, f.ID))
	if err != nil || n > 0 {
		return err
	}
	if f.Operation == models.OpBackupVerify || f.Operation == models.OpBackupTidy {
		return nil // they own nothing
	}
	b, err := lockBackup(tx, "", f.ResourceID)
	if err != nil {
		return err
	}
	return lost("backup "+b.ID, string(b.Status), f.ID)
}

// BeginBackupRemoval moves a backup to deleting under a flow that is about to start, writes that flow's record, and returns the row as it
// was. operation is models.OpBackupDelete or OpBackupForceDelete, which takes it from any status and from whatever flow owns it.
// record makes the flow's record from the row; it may be called again and has no other effect. A status that forbids it, an open
// flow that owns it and backups that add to it are a *StatusError. The same flow asking again gets the same answer.
func (s *Store) BeginBackupRemoval(ctx context.Context, projectID, id, operation string, record func(models.Backup) (models.Flow, error)) (models.Backup, error) {
	var was models.Backup
	rule := models.BackupTransition(operation)
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if was, err = lockBackup(tx, projectID, id); err != nil {
			return err
		}
		f, err := record(was)
		if err != nil {
			return err
		}
		if was.FlowID == f.ID {
			was.Status = was.PreviousStatus
			return nil
		}
		if err := removableBackup(tx, was, rule); err != nil {
			return err
		}
		if err := s.beginNewFlow(tx, f); err != nil {
			return err
		}
		if err := s.disown(tx, was.FlowID); err != nil {
			return err
		}
		return tx.Exec("UPDATE backups SET status = ?, previous_status = ?, flow_id = ?, updated_at = ? WHERE id = ?",
			string(rule.To), string(was.Status), f.ID, toMicros(s.now()), was.ID).Error
	})
	return was, err
}

// removableBackup refuses what a backup does not allow while it stands as it does.
func removableBackup(tx *gorm.DB, b models.Backup, rule models.BackupRule) error {
	refused := models.StatusError{Resource: "backup " + b.ID, Status: string(b.Status), Allowed: rule.Legal(false)}
	if !rule.Allows(b.Status) {
		return &refused
	}
	var child string
	if err := tx.Table("backups").Select("id").Where("parent_id = ?", b.ID).Limit(1).Scan(&child).Error; err != nil {
		return err
	}
	if child != "" {
		refused.Reason = "can't be deleted: incremental backups exist for this backup, " + child + " among them"
		return &refused
	}
	if rule.Any {
		return nil
	}
	f, err := openFlow(tx, b.FlowID)
	if err == nil && f.ID != "" {
		refused.Reason = fmt.Sprintf("belongs to flow %s, which is %s; abort it first", f.ID, f.State)
		return &refused
	}
	return err
}
