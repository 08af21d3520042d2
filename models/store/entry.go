package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// CreateEntry writes the row of a new volume and the record of the flow that makes it, and returns the row as it is stored. A flow
// that has done so before gets its row; one that was abandoned gets ErrAbandoned and nothing is written. An id that another volume
// has is ErrExists, a volume type or a snapshot that went away meanwhile ErrNotFound, a snapshot that is not available any more a *StatusError.
func (s *Store) CreateEntry(ctx context.Context, v models.Volume, f models.Flow) (models.Volume, error) {
	return s.createEntry(ctx, v, f, func(*gorm.DB) error { return nil })
}

// CreateEntryFromBackup is CreateEntry for a volume that a backup is restored into: the backup is restoring for as long. One that is not
// available is a *StatusError.
func (s *Store) CreateEntryFromBackup(ctx context.Context, v models.Volume, backupID string, f models.Flow) (models.Volume, error) {
	v.Status = models.Transition(models.OpVolumeCreateBackup).To
	return s.createEntry(ctx, v, f, func(tx *gorm.DB) error {
		return s.takeBackup(tx, "", backupID, models.OpVolumeCreateBackup, f.ID, v.SizeGiB)
	})
}

func (s *Store) createEntry(ctx context.Context, v models.Volume, f models.Flow, also func(tx *gorm.DB) error) (models.Volume, error) {
	asked := v
	err := s.write(ctx, func(tx *gorm.DB) error {
		isNew, err := s.beginFlow(tx, f)
		if err != nil {
			return err
		}
		if !isNew {
			v, err = getVolume(tx, "", asked.ID)
			return err
		}
		if err := keepType(tx, asked.VolumeTypeID); err != nil {
			return err
		}
		if err := keepSnapshot(tx, asked.SnapshotID); err != nil {
			return err
		}
		v = asked
		v.FlowID = f.ID
		if v.Status == "" {
			v.Status = models.Transition(models.OpVolumeCreate).To
		}
		if v.AttachStatus == "" {
			v.AttachStatus = models.AttachDetached
		}
		v.CreatedAt, v.UpdatedAt = s.now(), s.now()
		if err := tx.Create(&v).Error; err != nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return models.Volume{}, missing(err, "volume", asked.ID)
	}
	return v, nil
}

// keepType makes sure that a volume's type is there and stays until the transaction ends.
func keepType(tx *gorm.DB, id string) error {
	if id == "" {
		return nil
	}
	var found string
	err := tx.Clauses(clause.Locking{Strength: "KEY SHARE"}).Table("volume_types").Select("id").Where("id = ?", id).Take(&found).Error
	return missing(err, "volume type", id)
}

// keepSnapshot makes sure that the snapshot that a volume is made from is available; from then on its removal finds the volume's row.
func keepSnapshot(tx *gorm.DB, id string) error {
	if id == "" {
		return nil
	}
	sn, err := lockSnapshot(tx, "", id)
	if err != nil {
		return err
	}
	if sn.Status != models.SnapshotAvailable {
		return &models.StatusError{Resource: "snapshot " + id, Status: string(sn.Status), Allowed: []string{string(models.SnapshotAvailable)}}
	}
	return nil
}

// ReadyEntry ends the flow that made a volume: the row becomes available, the flow's record SUCCESS, and the claim on the
// pool is settled. Done before it returns the row as it is. A volume that belongs to the flow no more is a *StatusError.
func (s *Store) ReadyEntry(ctx context.Context, volumeID, flowID, host, location string, tasks []models.Task) (models.Volume, error) {
	return s.readyEntry(ctx, volumeID, flowID, host, location, 0, tasks)
}

// ReadyManaged is ReadyEntry for a volume that was taken over: it has its size, in GiB, and counts, from now on.
func (s *Store) ReadyManaged(ctx context.Context, volumeID, flowID, host, location string, sizeGiB int64, tasks []models.Task) (models.Volume, error) {
	return s.readyEntry(ctx, volumeID, flowID, host, location, sizeGiB, tasks)
}

func (s *Store) readyEntry(ctx context.Context, volumeID, flowID, host, location string, sizeGiB int64, tasks []models.Task) (models.Volume, error) {
	var v models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if v, err = lockVolume(tx, "", volumeID); err != nil {
			return err
		}
		if v.FlowID != flowID {
			return finished(tx, flowID, notOwner(v.ID, flowID, v))
		}
		now := s.now()
		v.Status, v.PreviousStatus, v.FlowID = models.Transition(models.OpVolumeCreate).Success, "", ""
		v.Host, v.ProviderLocation = host, location
		v.UpdatedAt, v.LaunchedAt = now, now
		if sizeGiB > 0 {
			v.SizeGiB, v.ConsumesQuota = sizeGiB, true
		}
		if err := tx.Model(&models.Volume{ID: volumeID}).
			Select("status", "previous_status", "flow_id", "host", "provider_location", "size_gib", "consumes_quota", "updated_at", "launched_at").
			Updates(&v).Error; err != nil {
			return err
		}
		more := map[string]any{"backend": backendOf(host), "failed_task": "", "error": "", "hint": ""}
		if _, err := s.closeFlow(tx, flowID, models.FlowSuccess, more, tasks); err != nil {
			return err
		}
		if err := s.settleClaim(tx, flowID); err != nil {
			return err
		}
		// What it was made from is free again.
		if _, err := s.endBackups(tx, models.Flow{ID: flowID}, models.FlowEnd{State: models.FlowSuccess}); err != nil {
			return err
		}
		// The flow commits in a step of its own; should that have been skipped, the row counts all the same.
		return s.countRow(tx, flowID)
	})
	return v, err
}

// finished answers a flow that asks to end what it doesn't own: nil if it ended this very way before, else the refusal.
func finished(tx *gorm.DB, flowID string, refusal error) error {
	f, err := getFlow(tx, "", flowID)
	if err != nil {
		return err
	}
	if f.State == models.FlowSuccess {
		return nil
	}
	return fmt.Errorf("ending flow %s: %w", flowID, refusal)
}
