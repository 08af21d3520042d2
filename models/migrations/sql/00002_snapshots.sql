-- +goose Up
CREATE TABLE snapshots (
    id                TEXT    NOT NULL PRIMARY KEY,
    project_id        TEXT    NOT NULL,
    user_id           TEXT    NOT NULL,
    name              TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    volume_id         TEXT    NOT NULL,
    volume_type_id    TEXT    NOT NULL,
    size_gib          BIGINT  NOT NULL,
    quota_gib         BIGINT  NOT NULL,
    status            TEXT    NOT NULL,
    previous_status   TEXT    NOT NULL,
    flow_id           TEXT    NOT NULL,
    progress          TEXT    NOT NULL,
    provider_location TEXT    NOT NULL,
    consumes_quota    BOOLEAN NOT NULL,
    metadata          TEXT,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL
);
-- The two default lists: a project's snapshots and everybody's, newest first.
CREATE INDEX snapshots_project ON snapshots (project_id, created_at, id);
CREATE INDEX snapshots_created ON snapshots (created_at, id);
CREATE INDEX snapshots_name ON snapshots (project_id, name);
-- A volume's snapshots, of which a revert needs the latest and a delete must know whether there are any.
CREATE INDEX snapshots_volume ON snapshots (volume_id, created_at, id);
CREATE INDEX snapshots_status ON snapshots (status);
CREATE INDEX snapshots_flow ON snapshots (flow_id);
-- A snapshot is kept while a volume is being made from it.
CREATE INDEX volumes_snapshot ON volumes (snapshot_id);

-- +goose Down
DROP INDEX volumes_snapshot;
DROP TABLE snapshots;
