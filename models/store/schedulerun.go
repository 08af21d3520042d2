package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginScheduleRun writes the record of a run of a backup schedule and gives the schedule to it. The same flow asking again, and one that has
// ended, change nothing; a run that is under way is a *StatusError: two of them don't meet on one volume.
func (s *Store) BeginScheduleRun(ctx context.Context, projectID, id string, f models.Flow) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		b, err := lockSchedule(tx, projectID, id)
		if err != nil {
			return err
		}
		if b.FlowID != f.ID {
			other, err := openFlow(tx, b.FlowID)
			if err != nil {
				return err
			}
			if other.ID != "" {
				return &models.StatusError{
					Resource: "backup schedule " + id, Status: "running", Reason: fmt.Sprintf("is being run by flow %s, which is %s", other.ID, other.State),
				}
			}
		}
		isNew, err := s.beginFlow(tx, f)
		if err != nil || !isNew {
			return err
		}
		now := toMicros(s.now())
		return tx.Exec("UPDATE backup_schedules SET flow_id = ?, last_flow_id = ?, last_run_at = ?, runs = runs + 1 WHERE id = ?", f.ID, f.ID, now, id).Error
	})
}

// NoteScheduleSkipped remembers when a run was left out, and why. A schedule that is gone is nil.
func (s *Store) NoteScheduleSkipped(ctx context.Context, id string, due time.Time, reason string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE backup_schedules SET skipped_at = ?, skipped_reason = ? WHERE id = ?", toMicros(due), clip(reason, failReasonMost), id).Error
	})
}

// endScheduleRun writes to a schedule how a run of it ended. A schedule that is gone, or in other hands by now, is left alone.
func (s *Store) endScheduleRun(tx *gorm.DB, f models.Flow, e models.FlowEnd) error {
	b, err := lockSchedule(tx, "", f.ResourceID)
	if errors.Is(err, models.ErrNotFound) || err == nil && (b.FlowID != f.ID || e.State.Open()) {
		return nil
	}
	if err != nil {
		return err
	}
	set := map[string]any{
		"flow_id": "", "last_result": string(e.State), "last_error": clip(e.Error, failReasonMost), "last_ended_at": toMicros(s.now()),
	}
	if end := e.Schedule; end != nil {
		set["last_backup_id"] = end.BackupID
		if end.Pause != "" {
			set["paused"], set["paused_reason"], set["revision"] = true, clip(end.Pause, failReasonMost), b.Revision+1
		}
	}
	return tx.Table("backup_schedules").Where("id = ?", b.ID).Updates(set).Error
}
