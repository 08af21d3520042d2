package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginDelete moves a volume to deleting under a flow that is about to start, writes that flow's record, and returns the row as it
// was. force takes a volume from any status and from whatever flow owns it. Attached, migrating and held
// volumes, those with snapshots, and a status that forbids it, are a *StatusError. The same flow asking again gets the same answer.
func (s *Store) BeginDelete(ctx context.Context, projectID, volumeID string, force bool, f models.Flow) (models.Volume, error) {
	return s.beginRemoval(ctx, projectID, volumeID, deleteRule(force), false, f)
}

// BeginDeleteCascade is BeginDelete with all snapshots of the volume, which go to deleting under the same flow. Each must be one
// that could be deleted by itself and, unless projectID is "", of that project.
func (s *Store) BeginDeleteCascade(ctx context.Context, projectID, volumeID string, force bool, f models.Flow) (models.Volume, error) {
	return s.beginRemoval(ctx, projectID, volumeID, deleteRule(force), true, f)
}

// BeginUnmanage is BeginDelete for a volume whose data shall stay: it goes to unmanaging.
func (s *Store) BeginUnmanage(ctx context.Context, projectID, volumeID string, f models.Flow) (models.Volume, error) {
	return s.beginRemoval(ctx, projectID, volumeID, models.Transition(models.OpVolumeUnmanage), false, f)
}

func deleteRule(force bool) models.Rule {
	if force {
		return models.Transition(models.OpVolumeForceDelete)
	}
	return models.Transition(models.OpVolumeDelete)
}

func (s *Store) beginRemoval(ctx context.Context, projectID, volumeID string, rule models.Rule, cascade bool, f models.Flow) (models.Volume, error) {
	var was models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if was, err = lockVolume(tx, projectID, volumeID); err != nil {
			return err
		}
		if was.FlowID == f.ID {
			was.Status = was.PreviousStatus
			return nil
		}
		if err := deletableNow(tx, was, rule); err != nil {
			return err
		}
		if err := s.beginNewFlow(tx, f); err != nil {
			return err
		}
		if cascade {
			err = s.takeSnapshots(tx, projectID, volumeID, f.ID)
		} else {
			err = noSnapshots(tx, was)
		}
		if err != nil {
			return err
		}
		if err := s.disown(tx, was.FlowID); err != nil {
			return err
		}
		return tx.Exec("UPDATE volumes SET status = ?, previous_status = ?, flow_id = ?, updated_at = ? WHERE id = ?",
			string(rule.To), string(was.Status), f.ID, toMicros(s.now()), volumeID).Error
	})
	return was, err
}

func noSnapshots(tx *gorm.DB, v models.Volume) error {
	var n int64
	if err := tx.Model(&models.Snapshot{}).Where("volume_id = ?", v.ID).Count(&n).Error; err != nil || n == 0 {
		return err
	}
	return &models.StatusError{
		Resource: "volume " + v.ID, Status: string(v.Status), Reason: fmt.Sprintf("has %d dependent snapshots; delete them first, or delete with cascade", n),
	}
}

func deletableNow(tx *gorm.DB, v models.Volume, rule models.Rule) error {
	refuse := func(reason string) error {
		return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(false), Reason: reason}
	}
	switch {
	case !rule.Allows(v.Status):
		return refuse("")
	case v.AttachStatus == models.AttachAttached:
		return refuse("is attached; detach it first")
	case models.Migrating(v.MigrationStatus):
		return refuse("is migrating")
	}
	if rule.Operation == models.OpVolumeUnmanage && v.Encrypted {
		return refuse("is encrypted; its key would be lost")
	}
	if err := noAttachments(tx, v); err != nil || rule.Any {
		return err
	}
	// A held create shows `error`, which a delete may begin from; but its flow still works on the volume.
	f, err := openFlow(tx, v.FlowID)
	if err == nil && f.ID != "" {
		return refuse(fmt.Sprintf("belongs to flow %s, which is %s; abort it first", f.ID, f.State))
	}
	return err
}

// UndoBeginDelete takes BeginDelete, BeginDeleteCascade or BeginUnmanage back where the flow could not be started; done before, it does nothing.
func (s *Store) UndoBeginDelete(ctx context.Context, volumeID, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE volumes SET status = previous_status, previous_status = '', flow_id = '', updated_at = ? WHERE id = ? AND flow_id = ?",
			toMicros(s.now()), volumeID, flowID).Error; err != nil {
			return err
		}
		if err := tx.Exec("UPDATE snapshots SET status = previous_status, previous_status = '', flow_id = '', updated_at = ? WHERE flow_id = ?",
			toMicros(s.now()), flowID).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM flows WHERE id = ?", flowID).Error
	})
}
