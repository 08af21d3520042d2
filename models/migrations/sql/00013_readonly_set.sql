-- +goose Up
-- Whether somebody has said if the volume is read-only: then its metadata shows the flag, as Cinder's does.
ALTER TABLE volumes ADD COLUMN readonly_set BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE volumes SET readonly_set = readonly;

-- +goose Down
ALTER TABLE volumes DROP COLUMN readonly_set;
