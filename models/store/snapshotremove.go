package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginSnapshotRemoval moves a snapshot to deleting or unmanaging under a flow that is about to start, writes that flow's record,
// and returns the row as it was. operation is models.OpSnapshotDelete, OpSnapshotForceDelete, which takes it from any status and
// from whatever flow owns it, or OpSnapshotUnmanage. record makes the flow's record from the rows as they are, with both
// locked; it may be called again and has no other effect. The volume is the zero value when it is gone.
// A status that forbids it, an open flow that owns it and a volume being made from it are a *StatusError. The same
// flow asking again gets the same answer.
func (s *Store) BeginSnapshotRemoval(ctx context.Context, projectID, id, operation string, record func(models.Snapshot, models.Volume) (models.Flow, error)) (models.Snapshot, error) {
	var was models.Snapshot
	rule := models.SnapshotTransition(operation)
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if was, err = lockSnapshot(tx, projectID, id); err != nil {
			return err
		}
		v, err := getVolume(tx, "", was.VolumeID)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		f, err := record(was, v)
		if err != nil {
			return err
		}
		if was.FlowID == f.ID {
			was.Status = was.PreviousStatus
			return nil
		}
		if err := removableNow(tx, was, rule); err != nil {
			return err
		}
		if operation != models.OpSnapshotUnmanage {
			if err := keepsFile(tx, v, "snapshot "+was.ID); err != nil {
				return err
			}
		}
		if err := s.beginNewFlow(tx, f); err != nil {
			return err
		}
		if err := s.disown(tx, was.FlowID); err != nil {
			return err
		}
		return takeSnapshot(tx, was, rule.To, f.ID, toMicros(s.now()))
	})
	return was, err
}

// takeSnapshot moves a snapshot to a transitional status in the name of a flow.
func takeSnapshot(tx *gorm.DB, was models.Snapshot, to models.SnapshotStatus, flowID string, now int64) error {
	return tx.Exec("UPDATE snapshots SET status = ?, previous_status = ?, flow_id = ?, updated_at = ? WHERE id = ?",
		string(to), string(was.Status), flowID, now, was.ID).Error
}

// removableNow refuses what a snapshot does not allow while it stands as it does.
func removableNow(tx *gorm.DB, sn models.Snapshot, rule models.SnapshotRule) error {
	refused := models.StatusError{Resource: "snapshot " + sn.ID, Status: string(sn.Status), Allowed: rule.Legal(false)}
	if !rule.Allows(sn.Status) {
		return &refused
	}
	volume, err := volumeUnderWay(tx, sn.ID)
	if err != nil {
		return err
	}
	if volume != "" {
		refused.Reason = "has volume " + volume + " being made from it; wait until that is done"
		return &refused
	}
	if rule.Any {
		return nil
	}
	f, err := openFlow(tx, sn.FlowID)
	if err == nil && f.ID != "" {
		refused.Reason = fmt.Sprintf("belongs to flow %s, which is %s; abort it first", f.ID, f.State)
		return &refused
	}
	return err
}

// takeSnapshots moves all snapshots of a volume to deleting under the flow that deletes the volume. Those of other projects than projectID
// forbid it, as does any that could not be deleted by itself.
func (s *Store) takeSnapshots(tx *gorm.DB, projectID, volumeID, flowID string) error {
	all, err := lockSnapshotsOf(tx, volumeID)
	if err != nil {
		return err
	}
	rule := models.SnapshotTransition(models.OpSnapshotDelete)
	for _, sn := range all {
		if projectID != "" && sn.ProjectID != projectID {
			return &models.StatusError{Resource: "volume " + volumeID, Reason: "has snapshots of another project"}
		}
		if err := removableNow(tx, sn, rule); err != nil {
			return err
		}
		if err := takeSnapshot(tx, sn, rule.To, flowID, toMicros(s.now())); err != nil {
			return err
		}
	}
	return nil
}

// lockSnapshotsOf reads all snapshots of a volume, the newest first.
func lockSnapshotsOf(tx *gorm.DB, volumeID string) ([]models.Snapshot, error) {
	var all []models.Snapshot
	return all, tx.Clauses(forUpdate).Where("volume_id = ?", volumeID).Order("created_at DESC, id DESC").Find(&all).Error
}

// NextSnapshot reads the newest snapshot that a flow owns, with its volume, and how many there are; none is a left of 0.
func (s *Store) NextSnapshot(ctx context.Context, flowID string) (sn models.Snapshot, v models.Volume, left int, err error) {
	var n int64
	if err := s.read(ctx).Model(&models.Snapshot{}).Where("flow_id = ?", flowID).Count(&n).Error; err != nil || n == 0 {
		return sn, v, 0, translate(err)
	}
	if err := s.read(ctx).Where("flow_id = ?", flowID).Order("created_at DESC, id DESC").Take(&sn).Error; err != nil {
		return sn, v, 0, missing(err, kindSnapshot, "of flow "+flowID)
	}
	v, err = s.GetVolume(ctx, "", sn.VolumeID)
	return sn, v, int(n), err
}

// DestroySnapshot removes the row of a snapshot that a flow on its volume owns, and gives its quota back; absent is nil. A snapshot that
// belongs to the flow no more is a *StatusError.
func (s *Store) DestroySnapshot(ctx context.Context, snapshotID, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		f, err := getFlow(tx, "", flowID)
		if err != nil {
			return err
		}
		sn, err := lockSnapshot(tx, "", snapshotID)
		switch {
		case errors.Is(err, models.ErrNotFound):
			return nil
		case err != nil:
			return err
		case sn.FlowID != flowID:
			return lost("snapshot "+sn.ID, string(sn.Status), flowID)
		}
		return s.destroySnapshot(tx, sn, f)
	})
}
