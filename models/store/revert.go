package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginRevert moves a volume to reverting and its latest snapshot to restoring under a flow that is about to start, writes that flow's
// record, and returns the volume's row as it was. record makes the flow's record from the rows as they are, with both locked; it
// may be called again and has no other effect. A snapshot that is not the latest of the volume, or of another size, is ErrInvalid;
// statuses that forbid it, and another snapshot or a volume under way, are a *StatusError. The same flow asking again gets the same answer.
func (s *Store) BeginRevert(ctx context.Context, projectID, volumeID, snapshotID string, record func(models.Volume, models.Snapshot) (models.Flow, error)) (models.Volume, error) {
	var was models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if was, err = lockVolume(tx, projectID, volumeID); err != nil {
			return err
		}
		all, err := lockSnapshotsOf(tx, volumeID)
		if err != nil {
			return err
		}
		sn, err := latest(was, all, snapshotID)
		if err != nil {
			return err
		}
		f, err := record(was, sn)
		if err != nil {
			return err
		}
		if was.FlowID == f.ID {
			was.Status = was.PreviousStatus
			return nil
		}
		if err := revertible(tx, was, sn, all); err != nil {
			return err
		}
		if err := s.beginNewFlow(tx, f); err != nil {
			return err
		}
		now := toMicros(s.now())
		if err := takeSnapshot(tx, sn, models.SnapshotTransition(models.OpSnapshotRevert).To, f.ID, now); err != nil {
			return err
		}
		return tx.Exec("UPDATE volumes SET status = ?, previous_status = ?, flow_id = ?, updated_at = ? WHERE id = ?",
			string(models.Transition(models.OpVolumeRevert).To), string(was.Status), f.ID, now, volumeID).Error
	})
	return was, err
}

// latest finds the snapshot that was asked for, which must be the newest one and as large as its volume.
func latest(v models.Volume, newestFirst []models.Snapshot, id string) (models.Snapshot, error) {
	for i, sn := range newestFirst {
		switch {
		case sn.ID != id:
		case i > 0:
			return sn, fmt.Errorf("reverting volume %s to snapshot %s %w: only the latest snapshot will do, which is %s", v.ID, id, models.ErrInvalid, newestFirst[0].ID)
		case sn.SizeGiB != v.SizeGiB:
			return sn, fmt.Errorf("reverting volume %s to snapshot %s %w: the volume has %d GiB and the snapshot %d; they must be equal",
				v.ID, id, models.ErrInvalid, v.SizeGiB, sn.SizeGiB)
		default:
			return sn, nil
		}
	}
	return models.Snapshot{}, fmt.Errorf("snapshot %s of volume %s: %w", id, v.ID, models.ErrNotFound)
}

func revertible(tx *gorm.DB, v models.Volume, sn models.Snapshot, all []models.Snapshot) error {
	if rule := models.Transition(models.OpVolumeRevert); !rule.Allows(v.Status) {
		return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(false)}
	}
	if models.Migrating(v.MigrationStatus) {
		return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Reason: "is migrating"}
	}
	for _, other := range all {
		f, err := openFlow(tx, other.FlowID)
		if err != nil {
			return err
		}
		if f.ID != "" {
			return &models.StatusError{
				Resource: "snapshot " + other.ID, Status: string(other.Status),
				Reason: fmt.Sprintf("of the volume belongs to flow %s, which is %s", f.ID, f.State),
			}
		}
	}
	return removableNow(tx, sn, models.SnapshotTransition(models.OpSnapshotRevert))
}
