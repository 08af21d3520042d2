package store

import (
	"context"
	"maps"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// kindBackup is the resource kind of flows on backups.
const kindBackup = "backup"

// Columns of backups by their API names.
var backupColumns = map[string]string{
	"id": "id", "name": "name", "display_name": "name", "description": "description", "display_description": "description",
	"size": "size_gib", "status": "status", "volume_id": "volume_id", "snapshot_id": "snapshot_id", "parent_id": "parent_id",
	"container": "container", "availability_zone": "availability_zone", "host": "host", "project_id": "project_id", "tenant_id": "project_id",
	"user_id": "user_id", "service": "service", "object_count": "object_count", "fail_reason": "fail_reason", "data_timestamp": "data_timestamp",
	"created_at": "created_at", "updated_at": "updated_at",
}

var backupList = listing{kind: kindBackup, table: "backups", keys: backupColumns, sort: newestFirst, nothing: []string{"encryption_key_id"}}

const withDependents = "backups.*, (SELECT COUNT(*) FROM backups AS c WHERE c.parent_id = backups.id) AS dependents"

// GetBackup reads one backup; projectID "" finds it in any project. A backup of another project is ErrNotFound.
func (s *Store) GetBackup(ctx context.Context, projectID, id string) (models.Backup, error) {
	var b models.Backup
	err := visible(s.read(ctx), projectID).Select(withDependents).Where("id = ?", id).Take(&b).Error
	return b, missing(err, kindBackup, id)
}

// lockBackup reads a backup and keeps others from changing it until the transaction ends. Volumes and snapshots are locked before it, and
// a parent before what adds to it. Dependents are not counted.
func lockBackup(tx *gorm.DB, projectID, id string) (models.Backup, error) {
	var b models.Backup
	err := visible(tx.Clauses(forUpdate), projectID).Where("id = ?", id).Take(&b).Error
	return b, missing(err, kindBackup, id)
}

// ListBackups reads the backups of a query, newest first where it names no order.
func (s *Store) ListBackups(ctx context.Context, q models.BackupQuery) ([]models.Backup, error) {
	db, err := s.backups(s.read(ctx), q)
	if err != nil {
		return nil, err
	}
	if db, err = backupList.page(db, visible(s.read(ctx), q.ProjectID), q.Page); err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.Backup
	return all, translate(db.Select(withDependents).Find(&all).Error)
}

// CountBackups counts what a query selects, whatever its page.
func (s *Store) CountBackups(ctx context.Context, q models.BackupQuery) (int64, error) {
	db, err := s.backups(s.read(ctx), q)
	if err != nil {
		return 0, err
	}
	var n int64
	return n, translate(db.Count(&n).Error)
}

func (s *Store) backups(db *gorm.DB, q models.BackupQuery) (*gorm.DB, error) {
	return s.selected(db.Model(&models.Backup{}), backupList, selection{q.ProjectID, q.Equal, q.Like, q.Metadata, q.CreatedAt, q.UpdatedAt})
}

// UpdateBackup changes what a user may change, in whatever status the backup is.
func (s *Store) UpdateBackup(ctx context.Context, projectID, id string, p models.BackupPatch) (models.Backup, error) {
	return s.editBackup(ctx, projectID, id, func(_ *gorm.DB, b *models.Backup) error {
		if p.Name != nil {
			b.Name = *p.Name
		}
		if p.Description != nil {
			b.Description = *p.Description
		}
		if p.Metadata != nil {
			b.Metadata = maps.Clone(p.Metadata)
		}
		return nil
	})
}

// ResetBackup is os-reset_status: it sets the status and takes the backup from the flow that owned it, whose writes are refused from
// then on.
func (s *Store) ResetBackup(ctx context.Context, id string, status models.BackupStatus) (models.Backup, error) {
	return s.editBackup(ctx, "", id, func(tx *gorm.DB, b *models.Backup) error {
		if err := s.disown(tx, b.FlowID); err != nil {
			return err
		}
		b.Status, b.PreviousStatus, b.FlowID = status, "", ""
		return nil
	})
}

// NoteVerified remembers when a backup was read back, and what was wrong with it; "" is nothing. A backup that is gone is nil.
func (s *Store) NoteVerified(ctx context.Context, id, problem string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE backups SET verified_at = ?, verify_error = ? WHERE id = ?", toMicros(s.now()), problem, id).Error
	})
}

func (s *Store) editBackup(ctx context.Context, projectID, id string, edit func(*gorm.DB, *models.Backup) error) (models.Backup, error) {
	var b models.Backup
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if b, err = lockBackup(tx, projectID, id); err != nil {
			return err
		}
		if err := edit(tx, &b); err != nil {
			return err
		}
		b.UpdatedAt = s.now()
		return tx.Model(&models.Backup{ID: id}).
			Select("name", "description", "metadata", "status", "previous_status", "flow_id", "updated_at").Updates(&b).Error
	})
	return b, err
}

// ParentFor finds the newest available backup of a volume, in our own format, that an incremental may add to: with the same
// container and not larger, and, unless before is zero, of data older than that. ErrNotFound says that a full one is needed.
func (s *Store) ParentFor(ctx context.Context, b models.Backup) (models.Backup, error) {
	db := s.read(ctx).Where("project_id = ? AND volume_id = ? AND status = ? AND container = ? AND service_metadata = '' AND size_gib <= ?",
		b.ProjectID, b.VolumeID, string(models.BackupAvailable), b.Container, b.SizeGiB)
	if !b.DataTimestamp.IsZero() {
		db = db.Where("data_timestamp < ?", toMicros(b.DataTimestamp))
	}
	var parent models.Backup
	err := db.Order("data_timestamp DESC, id DESC").Take(&parent).Error
	return parent, missing(err, kindBackup, "to add to")
}

// BeginFlow writes the record of a flow that takes no row. A record that is there already is nil, an abandoned one ErrAbandoned.
func (s *Store) BeginFlow(ctx context.Context, f models.Flow) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		_, err := s.beginFlow(tx, f)
		return err
	})
}
