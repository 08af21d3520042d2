-- +goose Up
CREATE TABLE backup_schedules (
    id             TEXT    NOT NULL PRIMARY KEY,
    project_id     TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    volume_id      TEXT    NOT NULL,
    cron           TEXT    NOT NULL,
    time_zone      TEXT    NOT NULL,
    full_every     BIGINT  NOT NULL,
    verify_every   BIGINT  NOT NULL,
    keep_last      BIGINT  NOT NULL,
    keep_daily     BIGINT  NOT NULL,
    keep_weekly    BIGINT  NOT NULL,
    keep_monthly   BIGINT  NOT NULL,
    paused         BOOLEAN NOT NULL,
    paused_reason  TEXT    NOT NULL,
    -- Counts what changes the times; the schedule at Temporal is of one of them.
    revision       BIGINT  NOT NULL,
    runs           BIGINT  NOT NULL,
    flow_id        TEXT    NOT NULL,
    last_flow_id   TEXT    NOT NULL,
    last_backup_id TEXT    NOT NULL,
    last_result    TEXT    NOT NULL,
    last_error     TEXT    NOT NULL,
    last_run_at    BIGINT  NOT NULL,
    last_ended_at  BIGINT  NOT NULL,
    skipped_at     BIGINT  NOT NULL,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL
);
-- The two default lists: a project's schedules and everybody's, newest first.
CREATE INDEX backup_schedules_project ON backup_schedules (project_id, created_at, id);
CREATE INDEX backup_schedules_created ON backup_schedules (created_at, id);
CREATE INDEX backup_schedules_volume ON backup_schedules (volume_id);
-- The schedule that made a backup, and whose retention it comes under.
ALTER TABLE backups ADD COLUMN schedule_id TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE backups DROP COLUMN schedule_id;
DROP TABLE backup_schedules;
