package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// CreateBackupEntry writes the row of a new backup and the record of the flow that makes it, and takes for the flow what is to be read: the
// snapshot where the row names one, else the volume, which inUse allows to be attached. A flow that has done so before gets its row;
// one that was abandoned gets ErrAbandoned and nothing is written. A volume, snapshot or parent that does not allow it any more is a
// *StatusError.
func (s *Store) CreateBackupEntry(ctx context.Context, b models.Backup, inUse bool, f models.Flow) (models.Backup, error) {
	return s.backupEntry(ctx, b, models.OpBackupCreate, f, func(tx *gorm.DB) error {
		if b.SnapshotID != "" {
			return s.takeSnapshotForBackup(tx, b.SnapshotID, f.ID)
		}
		v, err := lockVolume(tx, "", b.VolumeID)
		if err != nil {
			return err
		}
		rule := models.Transition(models.OpBackupCreate)
		refused := models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(inUse)}
		switch {
		case !rule.Allows(v.Status) && (!inUse || !rule.AllowsAlso(v.Status)):
			return &refused
		case v.Host == "":
			refused.Reason = "has no host, so there is nothing to back up"
			return &refused
		case models.Migrating(v.MigrationStatus):
			refused.Reason = "is migrating"
			return &refused
		case v.SizeGiB != b.SizeGiB:
			refused.Reason = fmt.Sprintf("has grown to %d GiB meanwhile; ask again", v.SizeGiB)
			return &refused
		}
		if err := keepsFile(tx, v, ""); err != nil { // what is read is a snapshot
			return err
		}
		return takeVolume(tx, v, rule.To, f.ID, toMicros(s.now()))
	})
}

// ImportBackupEntry is CreateBackupEntry for a backup that lies in the store already. An id that is taken is ErrExists.
func (s *Store) ImportBackupEntry(ctx context.Context, b models.Backup, f models.Flow) (models.Backup, error) {
	return s.backupEntry(ctx, b, models.OpBackupImport, f, func(*gorm.DB) error { return nil })
}

func (s *Store) backupEntry(ctx context.Context, b models.Backup, operation string, f models.Flow, take func(tx *gorm.DB) error) (models.Backup, error) {
	asked := b
	err := s.write(ctx, func(tx *gorm.DB) error {
		isNew, err := s.beginFlow(tx, f)
		if err != nil {
			return err
		}
		if !isNew {
			b, err = lockBackup(tx, "", asked.ID)
			return err
		}
		if err := take(tx); err != nil {
			return err
		}
		if operation == models.OpBackupCreate && asked.ParentID != "" {
			parent, err := lockBackup(tx, "", asked.ParentID)
			if err != nil {
				return err
			}
			if parent.Status != models.BackupAvailable {
				return &models.StatusError{Resource: "backup " + parent.ID, Status: string(parent.Status), Allowed: []string{string(models.BackupAvailable)}}
			}
		}
		b = asked
		b.FlowID, b.Status = f.ID, models.BackupTransition(operation).To
		b.CreatedAt, b.UpdatedAt = s.now(), s.now()
		if b.DataTimestamp.IsZero() {
			b.DataTimestamp = b.CreatedAt
		}
		return tx.Create(&b).Error
	})
	if err != nil {
		return models.Backup{}, missing(err, kindBackup, asked.ID)
	}
	return b, nil
}

// takeVolume moves a volume to a transitional status in the name of a flow.
func takeVolume(tx *gorm.DB, was models.Volume, to models.VolumeStatus, flowID string, now int64) error {
	return tx.Exec("UPDATE volumes SET status = ?, previous_status = ?, flow_id = ?, updated_at = ? WHERE id = ?",
		string(to), string(was.Status), flowID, now, was.ID).Error
}

func (s *Store) takeSnapshotForBackup(tx *gorm.DB, id, flowID string) error {
	sn, err := lockSnapshot(tx, "", id)
	if err != nil {
		return err
	}
	rule := models.SnapshotTransition(models.OpSnapshotBackup)
	if !rule.Allows(sn.Status) {
		return &models.StatusError{Resource: "snapshot " + id, Status: string(sn.Status), Allowed: rule.Legal(false)}
	}
	return takeSnapshot(tx, sn, rule.To, flowID, toMicros(s.now()))
}

// takeBackup moves a backup to restoring for a flow that brings it back to a volume of gib.
func (s *Store) takeBackup(tx *gorm.DB, projectID, id, operation, flowID string, gib int64) error {
	b, err := lockBackup(tx, projectID, id)
	if err != nil {
		return err
	}
	rule := models.BackupTransition(operation)
	refused := models.StatusError{Resource: "backup " + id, Status: string(b.Status), Allowed: rule.Legal(false)}
	if !rule.Allows(b.Status) {
		return &refused
	}
	if gib < b.SizeGiB {
		refused.Reason = fmt.Sprintf("is of %d GiB; a volume of %d GiB is too small for it", b.SizeGiB, gib)
		return &refused
	}
	return tx.Exec("UPDATE backups SET status = ?, previous_status = ?, flow_id = ?, updated_at = ? WHERE id = ?",
		string(rule.To), string(b.Status), flowID, toMicros(s.now()), id).Error
}

// BeginRestore takes a backup and the volume that it is restored into for a flow, and writes the flow's record. The same flow asking again
// gets the volume as it is, an abandoned one ErrAbandoned; statuses that forbid it, and a volume that is too small, are a *StatusError.
func (s *Store) BeginRestore(ctx context.Context, projectID, backupID, volumeID string, f models.Flow) (models.Volume, error) {
	var v models.Volume
	rule := models.Transition(models.OpBackupRestore)
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		var done bool
		if v, done, err = s.lockForFlow(tx, projectID, volumeID, f); err != nil || done {
			return err
		}
		refused := models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(false)}
		switch {
		case !rule.Allows(v.Status):
			return &refused
		case v.Host == "":
			refused.Reason = "has no host, so there is nothing to restore into"
			return &refused
		}
		// A held restore shows error_restoring, and a move leaves the status as it was; both have the volume open.
		owner, err := openFlow(tx, v.FlowID)
		if err != nil {
			return err
		}
		if owner.ID != "" {
			refused.Reason = fmt.Sprintf("belongs to flow %s, which is %s; wait for it, or abort it first", owner.ID, owner.State)
			return &refused
		}
		if err := s.takeBackup(tx, projectID, backupID, models.OpBackupRestore, f.ID, v.SizeGiB); err != nil {
			return err
		}
		if err := takeVolume(tx, v, rule.To, f.ID, toMicros(s.now())); err != nil {
			return err
		}
		v.PreviousStatus, v.Status, v.FlowID = v.Status, rule.To, f.ID
		return nil
	})
	return v, err
}

// ReadyBackup ends the flow that made a backup: it is available, what was read goes back to where it was, the flow's record is
// SUCCESS. Done before it returns the row as it is. A backup that belongs to the flow no more is a *StatusError.
func (s *Store) ReadyBackup(ctx context.Context, backupID, flowID, host string, data models.BackupData, tasks []models.Task) (models.Backup, error) {
	var b models.Backup
	err := s.write(ctx, func(tx *gorm.DB) error {
		f, err := getFlow(tx.Clauses(forUpdate), "", flowID)
		if err != nil {
			return err
		}
		if err := s.endVolumesOf(tx, f, models.FlowEnd{State: models.FlowSuccess}); err != nil {
			return err
		}
		if _, err := s.endSnapshots(tx, f, models.FlowEnd{State: models.FlowSuccess}); err != nil {
			return err
		}
		if b, err = lockBackup(tx, "", backupID); err != nil {
			return err
		}
		if b.FlowID != flowID {
			return finished(tx, flowID, lost("backup "+b.ID, string(b.Status), flowID))
		}
		b.Status, b.PreviousStatus, b.FlowID, b.FailReason = models.BackupAvailable, "", "", ""
		b.Host, b.ObjectCount, b.StoredBytes, b.UpdatedAt = host, data.Objects, data.Stored, s.now()
		b.Quiesced = data.Quiesced
		b.ReadBy, b.ReadBytes, b.BaseHost = data.ReadBy, data.Read, data.BaseHost
		if data.BaseHost != "" { // which took the place of what another backup had
			if err := tx.Exec("UPDATE backups SET base_host = '' WHERE volume_id = ? AND id <> ? AND base_host <> ''", b.VolumeID, backupID).Error; err != nil {
				return err
			}
		}
		if err := tx.Model(&models.Backup{ID: backupID}).
			Select("status", "previous_status", "flow_id", "fail_reason", "host", "object_count", "stored_bytes", "read_by", "read_bytes", "base_host", "quiesced", "updated_at").
			Updates(&b).Error; err != nil {
			return err
		}
		more := map[string]any{"failed_task": "", "error": "", "hint": ""}
		if _, err := s.closeFlow(tx, flowID, models.FlowSuccess, more, tasks); err != nil {
			return err
		}
		return s.countRow(tx, flowID) // where the flow's own step was skipped
	})
	return b, err
}
