-- +goose Up
-- A report that was gathered while a flow worked may count what the flow claimed, or may not: the next one tells.
ALTER TABLE claims ADD COLUMN doubtful BOOLEAN NOT NULL DEFAULT FALSE;
-- One that names the flow counts what it makes.
ALTER TABLE claims ADD COLUMN reported BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE pools ADD COLUMN claimed_in_doubt BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE pools DROP COLUMN claimed_in_doubt;
DELETE FROM claims WHERE gib < 0;
ALTER TABLE claims DROP COLUMN reported;
ALTER TABLE claims DROP COLUMN doubtful;
