package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// CreateSnapshotEntry writes the row of a new snapshot and the record of the flow that makes it, and returns the row as it is stored. A
// flow that has done so before gets its row; one that was abandoned gets ErrAbandoned and nothing is written. inUse allows
// it for an attached volume. A volume that is not placed, migrates, has another status or has grown meanwhile is a *StatusError.
func (s *Store) CreateSnapshotEntry(ctx context.Context, sn models.Snapshot, inUse bool, f models.Flow) (models.Snapshot, error) {
	asked := sn
	err := s.write(ctx, func(tx *gorm.DB) error {
		isNew, err := s.beginFlow(tx, f)
		if err != nil {
			return err
		}
		if !isNew {
			sn, err = getSnapshot(tx, "", asked.ID)
			return err
		}
		v, err := lockVolume(tx, "", asked.VolumeID)
		if err != nil {
			return err
		}
		if err := snapshottable(v, asked.SizeGiB, inUse); err != nil {
			return err
		}
		if err := keepsFile(tx, v, ""); err != nil {
			return err
		}
		sn = asked
		sn.FlowID, sn.VolumeTypeID, sn.Progress = f.ID, v.VolumeTypeID, "0%"
		sn.Status = models.SnapshotTransition(models.OpSnapshotCreate).To
		sn.CreatedAt, sn.UpdatedAt = s.now(), s.now()
		return tx.Create(&sn).Error
	})
	if err != nil {
		return models.Snapshot{}, missing(err, kindSnapshot, asked.ID)
	}
	return sn, nil
}

// snapshottable refuses what a volume does not allow while it stands as it does.
func snapshottable(v models.Volume, gib int64, inUse bool) error {
	allowed := []string{string(models.VolumeAvailable)}
	if inUse {
		allowed = append(allowed, string(models.VolumeInUse))
	}
	refused := models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: allowed}
	switch {
	case v.Status != models.VolumeAvailable && (!inUse || v.Status != models.VolumeInUse):
		return &refused
	case v.Host == "":
		refused.Reason = "has no host, so there is nothing to take a snapshot of"
		return &refused
	case models.Migrating(v.MigrationStatus):
		refused.Reason = "is migrating"
		return &refused
	case v.SizeGiB != gib:
		refused.Reason = fmt.Sprintf("has grown to %d GiB meanwhile; ask again", v.SizeGiB)
		return &refused
	}
	return nil
}

// ReadySnapshot ends the flow that made a snapshot: the row becomes available, the flow's record SUCCESS. Done before it returns
// the row as it is. A snapshot that belongs to the flow no more is a *StatusError.
func (s *Store) ReadySnapshot(ctx context.Context, snapshotID, flowID, location string, tasks []models.Task) (models.Snapshot, error) {
	var sn models.Snapshot
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if sn, err = lockSnapshot(tx, "", snapshotID); err != nil {
			return err
		}
		if sn.FlowID != flowID {
			return finished(tx, flowID, lost("snapshot "+sn.ID, string(sn.Status), flowID))
		}
		sn.Status, sn.PreviousStatus, sn.FlowID = models.SnapshotTransition(models.OpSnapshotCreate).Success, "", ""
		sn.ProviderLocation, sn.Progress, sn.UpdatedAt = location, "100%", s.now()
		if err := tx.Model(&models.Snapshot{ID: snapshotID}).
			Select("status", "previous_status", "flow_id", "provider_location", "progress", "updated_at").Updates(&sn).Error; err != nil {
			return err
		}
		more := map[string]any{"failed_task": "", "error": "", "hint": ""}
		if _, err := s.closeFlow(tx, flowID, models.FlowSuccess, more, tasks); err != nil {
			return err
		}
		if err := s.settleClaim(tx, flowID); err != nil {
			return err
		}
		return s.countRow(tx, flowID) // where the flow's own step was skipped
	})
	return sn, err
}

// endSnapshots does to the snapshots that a flow owns what its end asks for; stays tells whether the one that the flow is
// about is there afterwards and the flow had it to the end.
func (s *Store) endSnapshots(tx *gorm.DB, f models.Flow, e models.FlowEnd) (stays bool, err error) {
	var owned []models.Snapshot
	if err := tx.Clauses(forUpdate).Where("flow_id = ?", f.ID).Order("id").Find(&owned).Error; err != nil {
		return false, err
	}
	for _, sn := range owned {
		own := f.ResourceKind == kindSnapshot && sn.ID == f.ResourceID
		if own && e.Gone && !e.State.Open() {
			return false, s.destroySnapshot(tx, sn, f)
		}
		stays = stays || own
		set := map[string]any{"updated_at": toMicros(s.now())}
		if e.Snapshots != "" && e.Snapshots != models.EndPrevious {
			set["status"] = string(e.Snapshots)
		} else if !e.State.Open() {
			set["status"], set["previous_status"] = string(sn.PreviousStatus), ""
			if sn.PreviousStatus == "" {
				set["status"] = string(models.SnapshotError) // it was being made
			}
		}
		if !e.State.Open() {
			set["flow_id"] = ""
		}
		if err := tx.Table("snapshots").Where("id = ?", sn.ID).Updates(set).Error; err != nil {
			return false, err
		}
	}
	return stays, nil
}

// snapshotUnderWay names a snapshot that an open flow is making of a volume, "" when there is none.
func snapshotUnderWay(tx *gorm.DB, volumeID string) (id string, err error) {
	return id, tx.Raw(`SELECT s.id FROM snapshots AS s JOIN flows AS f ON f.id = s.flow_id
		WHERE s.volume_id = ? AND f.operation IN ? AND f.state IN ? LIMIT 1`, volumeID, rowMakers, openStates).Scan(&id).Error
}

// volumeUnderWay names a volume that an open flow is making from a snapshot, "" when there is none.
func volumeUnderWay(tx *gorm.DB, snapshotID string) (id string, err error) {
	return id, tx.Raw(`SELECT v.id FROM volumes AS v JOIN flows AS f ON f.id = v.flow_id
		WHERE v.snapshot_id = ? AND f.operation = ? AND f.state IN ? LIMIT 1`, snapshotID, models.OpVolumeCreate, openStates).Scan(&id).Error
}

// openFlow reads the flow of that id if it still works, else the zero value.
func openFlow(tx *gorm.DB, id string) (models.Flow, error) {
	if id == "" {
		return models.Flow{}, nil
	}
	f, err := getFlow(tx, "", id)
	if errors.Is(err, models.ErrNotFound) || err == nil && !f.State.Open() {
		return models.Flow{}, nil
	}
	return f, err
}
