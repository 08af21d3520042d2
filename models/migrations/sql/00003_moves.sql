-- +goose Up
-- What a moved volume is called by at its backend; '' is its own id.
ALTER TABLE volumes ADD COLUMN name_id TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE volumes DROP COLUMN name_id;
