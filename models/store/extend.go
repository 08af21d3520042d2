package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginExtend moves a volume to extending under a flow and writes that flow's record; the size stays until FinishExtend. inUse
// allows it for an attached volume too. The same flow asking again gets the row as it is, an abandoned one ErrAbandoned; a
// status that forbids it, or a size that is not larger, is a *StatusError.
func (s *Store) BeginExtend(ctx context.Context, projectID, volumeID string, newSizeGiB int64, inUse bool, f models.Flow) (models.Volume, error) {
	var v models.Volume
	rule := models.Transition(models.OpVolumeExtend)
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		var done bool
		if v, done, err = s.lockForFlow(tx, projectID, volumeID, f); err != nil || done {
			return err
		}
		refused := models.StatusError{Resource: "volume " + volumeID, Status: string(v.Status), Allowed: rule.Legal(inUse)}
		switch {
		case !rule.Allows(v.Status) && (!inUse || !rule.AllowsAlso(v.Status)):
			return &refused
		case newSizeGiB <= v.SizeGiB:
			refused.Reason = fmt.Sprintf("can't be extended to %d GiB; the new size must be larger than its %d GiB", newSizeGiB, v.SizeGiB)
			return &refused
		case models.Migrating(v.MigrationStatus):
			refused.Reason = "is migrating"
			return &refused
		}
		if err := keepsImage(tx, v); err != nil {
			return err
		}
		busy, err := snapshotUnderWay(tx, volumeID)
		if err != nil {
			return err
		}
		if busy != "" {
			refused.Reason = "has snapshot " + busy + " under way, which must have the size that the volume has now"
			return &refused
		}
		v.PreviousStatus, v.Status, v.FlowID, v.UpdatedAt = v.Status, rule.To, f.ID, s.now()
		return tx.Model(&models.Volume{ID: volumeID}).Select("status", "previous_status", "flow_id", "updated_at").Updates(&v).Error
	})
	return v, err
}

// FinishExtend ends the flow that extended a volume: it has its new size and the status it came from, the flow's record is SUCCESS.
// Done before it returns the row as it is. A volume that belongs to the flow no more is a *StatusError.
func (s *Store) FinishExtend(ctx context.Context, volumeID, flowID string, newSizeGiB int64, tasks []models.Task) (models.Volume, error) {
	var v models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if v, err = lockVolume(tx, "", volumeID); err != nil {
			return err
		}
		if v.FlowID != flowID {
			return finished(tx, flowID, notOwner(v.ID, flowID, v))
		}
		v.SizeGiB, v.Status, v.PreviousStatus, v.FlowID, v.UpdatedAt = newSizeGiB, v.PreviousStatus, "", "", s.now()
		if err := tx.Model(&models.Volume{ID: volumeID}).
			Select("size_gib", "status", "previous_status", "flow_id", "updated_at").Updates(&v).Error; err != nil {
			return err
		}
		more := map[string]any{"failed_task": "", "error": "", "hint": ""}
		if _, err := s.closeFlow(tx, flowID, models.FlowSuccess, more, tasks); err != nil {
			return err
		}
		return s.countRow(tx, flowID) // where the flow's own step was skipped
	})
	return v, err
}
