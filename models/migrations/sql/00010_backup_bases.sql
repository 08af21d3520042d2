-- +goose Up
-- How the volume was read, and where the snapshot that was read is kept for the next backup.
ALTER TABLE backups ADD COLUMN read_by TEXT NOT NULL DEFAULT '';
ALTER TABLE backups ADD COLUMN read_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE backups ADD COLUMN base_host TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE backups DROP COLUMN base_host;
ALTER TABLE backups DROP COLUMN read_bytes;
ALTER TABLE backups DROP COLUMN read_by;
