package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// kindSchedule is the resource kind of the runs of backup schedules.
const kindSchedule = "schedule"

var scheduleList = listing{kind: "backup schedule", table: "backup_schedules", sort: newestFirst, keys: map[string]string{
	"id": "id", "name": "name", "volume_id": "volume_id", "created_at": "created_at", "updated_at": "updated_at", "last_run_at": "last_run_at",
}}

// CreateSchedule writes a new backup schedule.
func (s *Store) CreateSchedule(ctx context.Context, b models.BackupSchedule) (models.BackupSchedule, error) {
	b.CreatedAt, b.UpdatedAt, b.Revision = s.now(), s.now(), 1
	return b, s.write(ctx, func(tx *gorm.DB) error { return tx.Create(&b).Error })
}

// GetSchedule reads one backup schedule; projectID "" finds it in any project.
func (s *Store) GetSchedule(ctx context.Context, projectID, id string) (models.BackupSchedule, error) {
	var b models.BackupSchedule
	err := visible(s.read(ctx), projectID).Where("id = ?", id).Take(&b).Error
	return b, missing(err, scheduleList.kind, id)
}

// ListSchedules reads the backup schedules of a query, newest first where it names no order.
func (s *Store) ListSchedules(ctx context.Context, q models.BackupScheduleQuery) ([]models.BackupSchedule, error) {
	db := visible(s.read(ctx), q.ProjectID)
	if q.Name != "" {
		db = db.Where("name = ?", q.Name)
	}
	if q.VolumeID != "" {
		db = db.Where("volume_id = ?", q.VolumeID)
	}
	db, err := scheduleList.page(db, visible(s.read(ctx), q.ProjectID), q.Page)
	if err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.BackupSchedule
	return all, translate(db.Find(&all).Error)
}

// UpdateSchedule changes a backup schedule. What Temporal has to know counts its revision.
func (s *Store) UpdateSchedule(ctx context.Context, projectID, id string, p models.BackupSchedulePatch) (models.BackupSchedule, error) {
	var b models.BackupSchedule
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if b, err = lockSchedule(tx, projectID, id); err != nil {
			return err
		}
		before := b
		for _, c := range []struct{ to, from *string }{{&b.Name, p.Name}, {&b.Description, p.Description}, {&b.Cron, p.Cron}, {&b.TimeZone, p.TimeZone}, {&b.Quiesce, p.Quiesce}} {
			if c.from != nil {
				*c.to = *c.from
			}
		}
		for _, c := range []struct{ to, from *int64 }{
			{&b.FullEvery, p.FullEvery},
			{&b.VerifyEvery, p.VerifyEvery},
			{&b.Keep.Last, p.KeepLast},
			{&b.Keep.Daily, p.KeepDaily},
			{&b.Keep.Weekly, p.KeepWeekly},
			{&b.Keep.Monthly, p.KeepMonthly},
		} {
			if c.from != nil {
				*c.to = *c.from
			}
		}
		if p.Paused != nil {
			b.Paused, b.PausedReason = *p.Paused, ""
		}
		if b.Cron != before.Cron || b.TimeZone != before.TimeZone || b.Paused != before.Paused {
			b.Revision++
		}
		b.UpdatedAt = s.now()
		return tx.Model(&models.BackupSchedule{ID: id}).Select("name", "description", "cron", "time_zone", "full_every", "verify_every",
			"keep_last", "keep_daily", "keep_weekly", "keep_monthly", "paused", "paused_reason", "quiesce", "revision", "updated_at").Updates(&b).Error
	})
	return b, err
}

// DeleteSchedule removes a backup schedule. The backups that it had made stay, and a run that is under way ends by itself.
func (s *Store) DeleteSchedule(ctx context.Context, projectID, id string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		if _, err := lockSchedule(tx, projectID, id); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM backup_schedules WHERE id = ?", id).Error
	})
}

func lockSchedule(tx *gorm.DB, projectID, id string) (models.BackupSchedule, error) {
	var b models.BackupSchedule
	err := visible(tx.Clauses(forUpdate), projectID).Where("id = ?", id).Take(&b).Error
	return b, missing(err, scheduleList.kind, id)
}

// ScheduleTimes reads of every backup schedule what Temporal has to know: id, project, volume, times, whether it is paused, revision.
func (s *Store) ScheduleTimes(ctx context.Context) ([]models.BackupSchedule, error) {
	var all []models.BackupSchedule
	err := s.read(ctx).Select("id", "project_id", "name", "volume_id", "cron", "time_zone", "paused", "revision").Order("id").Find(&all).Error
	return all, translate(err)
}

// BackupsOfVolume reads of all backups of a volume, whoever made them, what retention looks at, newest first.
func (s *Store) BackupsOfVolume(ctx context.Context, volumeID string) ([]models.Backup, error) {
	var all []models.Backup
	err := s.read(ctx).Select("id", "project_id", "parent_id", "schedule_id", "status", "verify_error", "data_timestamp").
		Where("volume_id = ?", volumeID).Order("data_timestamp DESC, id DESC").Find(&all).Error
	return all, translate(err)
}
