-- +goose Up
CREATE TABLE attachments (
    id              TEXT    NOT NULL PRIMARY KEY,
    volume_id       TEXT    NOT NULL,
    project_id      TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    previous_status TEXT    NOT NULL,
    flow_id         TEXT    NOT NULL,
    abandoned_by    TEXT    NOT NULL,
    instance        TEXT    NOT NULL,
    attached_host   TEXT    NOT NULL,
    mountpoint      TEXT    NOT NULL,
    mode            TEXT    NOT NULL,
    legacy          BOOLEAN NOT NULL,
    connector       TEXT,
    -- Without passwords: those are on the storage node, and sealed on their way to whoever asks.
    connection      TEXT,
    attached_at     BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
-- The two default lists: a project's attachments and everybody's, newest first.
CREATE INDEX attachments_project ON attachments (project_id, created_at, id);
CREATE INDEX attachments_created ON attachments (created_at, id);
CREATE INDEX attachments_volume ON attachments (volume_id, created_at, id);
CREATE INDEX attachments_instance ON attachments (instance);
CREATE INDEX attachments_flow ON attachments (flow_id);

-- +goose Down
DROP TABLE attachments;
