-- +goose Up
CREATE TABLE backups (
    id                TEXT    NOT NULL PRIMARY KEY,
    project_id        TEXT    NOT NULL,
    user_id           TEXT    NOT NULL,
    name              TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    volume_id         TEXT    NOT NULL,
    snapshot_id       TEXT    NOT NULL,
    parent_id         TEXT    NOT NULL,
    size_gib          BIGINT  NOT NULL,
    status            TEXT    NOT NULL,
    previous_status   TEXT    NOT NULL,
    flow_id           TEXT    NOT NULL,
    fail_reason       TEXT    NOT NULL,
    container         TEXT    NOT NULL,
    service           TEXT    NOT NULL,
    service_metadata  TEXT    NOT NULL,
    host              TEXT    NOT NULL,
    availability_zone TEXT    NOT NULL,
    object_count      BIGINT  NOT NULL,
    stored_bytes      BIGINT  NOT NULL,
    data_timestamp    BIGINT  NOT NULL,
    verified_at       BIGINT  NOT NULL,
    verify_error      TEXT    NOT NULL,
    metadata          TEXT,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL
);
-- The two default lists: a project's backups and everybody's, newest first.
CREATE INDEX backups_project ON backups (project_id, created_at, id);
CREATE INDEX backups_created ON backups (created_at, id);
-- A volume's backups, of which an incremental needs the newest.
CREATE INDEX backups_volume ON backups (volume_id, data_timestamp, id);
-- What adds to a backup, which keeps it.
CREATE INDEX backups_parent ON backups (parent_id);
CREATE INDEX backups_flow ON backups (flow_id);

-- +goose Down
DROP TABLE backups;
