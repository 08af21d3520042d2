package store

import (
	"context"
	"maps"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// kindSnapshot is the resource kind of flows on snapshots.
const kindSnapshot = "snapshot"

// Columns of snapshots by their API names. A snapshot is in the availability zone of its volume.
var snapshotColumns = map[string]string{
	"id": "id", "name": "name", "display_name": "name", "description": "description", "display_description": "description",
	"size": "size_gib", "volume_size": "size_gib", "status": "status", "progress": "progress", "volume_id": "volume_id",
	"volume_type_id": "volume_type_id", "project_id": "project_id", "tenant_id": "project_id", "user_id": "user_id",
	"consumes_quota": "consumes_quota", "created_at": "created_at", "updated_at": "updated_at",
	"availability_zone": "(SELECT v.availability_zone FROM volumes AS v WHERE v.id = snapshots.volume_id)",
}

var snapshotList = listing{
	kind: kindSnapshot, table: "snapshots", keys: snapshotColumns, sort: newestFirst,
	nothing: []string{"group_snapshot_id", "cgsnapshot_id", "encryption_key_id", "provider_id"},
}

// GetSnapshot reads one snapshot; projectID "" finds it in any project. A snapshot of another project is ErrNotFound.
func (s *Store) GetSnapshot(ctx context.Context, projectID, id string) (models.Snapshot, error) {
	return getSnapshot(s.read(ctx), projectID, id)
}

func getSnapshot(db *gorm.DB, projectID, id string) (models.Snapshot, error) {
	var sn models.Snapshot
	err := visible(db, projectID).Where("id = ?", id).Take(&sn).Error
	return sn, missing(err, kindSnapshot, id)
}

// lockSnapshot reads a snapshot and keeps others from changing it until the transaction ends. Where a volume is locked too, it
// comes first.
func lockSnapshot(tx *gorm.DB, projectID, id string) (models.Snapshot, error) {
	return getSnapshot(tx.Clauses(forUpdate), projectID, id)
}

// ListSnapshots reads the snapshots of a query, newest first where it names no order.
func (s *Store) ListSnapshots(ctx context.Context, q models.SnapshotQuery) ([]models.Snapshot, error) {
	db, err := s.snapshots(s.read(ctx), q)
	if err != nil {
		return nil, err
	}
	if db, err = snapshotList.page(db, visible(s.read(ctx), q.ProjectID), q.Page); err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.Snapshot
	return all, translate(db.Find(&all).Error)
}

// CountSnapshots counts what a query selects, whatever its page.
func (s *Store) CountSnapshots(ctx context.Context, q models.SnapshotQuery) (int64, error) {
	db, err := s.snapshots(s.read(ctx), q)
	if err != nil {
		return 0, err
	}
	var n int64
	return n, translate(db.Count(&n).Error)
}

func (s *Store) snapshots(db *gorm.DB, q models.SnapshotQuery) (*gorm.DB, error) {
	return s.selected(db.Model(&models.Snapshot{}), snapshotList, selection{q.ProjectID, q.Equal, q.Like, q.Metadata, q.CreatedAt, q.UpdatedAt})
}

// UpdateSnapshot changes what a user may change, in whatever status the snapshot is.
func (s *Store) UpdateSnapshot(ctx context.Context, projectID, id string, p models.SnapshotPatch) (models.Snapshot, error) {
	return s.editSnapshot(ctx, projectID, id, func(tx *gorm.DB, sn *models.Snapshot) error {
		if p.Name != nil {
			sn.Name = *p.Name
		}
		if p.Description != nil {
			sn.Description = *p.Description
		}
		if p.Metadata != nil {
			sn.Metadata = maps.Clone(p.Metadata)
		}
		return nil
	})
}

// EditSnapshotMetadata gives edit a copy of the metadata and stores what it makes of it; nobody gets in between. Its error
// is returned and nothing is stored.
func (s *Store) EditSnapshotMetadata(ctx context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	sn, err := s.editSnapshot(ctx, projectID, id, func(_ *gorm.DB, sn *models.Snapshot) error {
		old := map[string]string{}
		maps.Copy(old, sn.Metadata)
		edited, err := edit(old)
		sn.Metadata = edited
		return err
	})
	return sn.Metadata, err
}

// ResetSnapshot is os-reset_status: it sets the status and takes the snapshot from the flow that owned it, whose writes are
// refused from then on.
func (s *Store) ResetSnapshot(ctx context.Context, id string, status models.SnapshotStatus) (models.Snapshot, error) {
	return s.editSnapshot(ctx, "", id, func(tx *gorm.DB, sn *models.Snapshot) error {
		if err := s.disown(tx, sn.FlowID); err != nil {
			return err
		}
		sn.Status, sn.FlowID = status, ""
		return nil
	})
}

func (s *Store) editSnapshot(ctx context.Context, projectID, id string, edit func(*gorm.DB, *models.Snapshot) error) (models.Snapshot, error) {
	var sn models.Snapshot
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if sn, err = lockSnapshot(tx, projectID, id); err != nil {
			return err
		}
		if err := edit(tx, &sn); err != nil {
			return err
		}
		sn.UpdatedAt = s.now()
		return tx.Model(&models.Snapshot{ID: id}).Select("name", "description", "metadata", "status", "flow_id", "updated_at").Updates(&sn).Error
	})
	return sn, err
}
