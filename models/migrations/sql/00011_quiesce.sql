-- +goose Up
-- Whether the guests of a volume in use held still when a backup's data was taken, and what a schedule asks of them.
ALTER TABLE backups ADD COLUMN quiesced BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE backup_schedules ADD COLUMN quiesce TEXT NOT NULL DEFAULT '';
-- Why a run was left out at skipped_at.
ALTER TABLE backup_schedules ADD COLUMN skipped_reason TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE backup_schedules DROP COLUMN skipped_reason;
ALTER TABLE backup_schedules DROP COLUMN quiesce;
ALTER TABLE backups DROP COLUMN quiesced;
