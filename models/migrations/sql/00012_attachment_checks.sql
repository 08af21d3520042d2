-- +goose Up
-- Hosts whose worker was ever asked to take a volume in: whom the check of attachments asks.
CREATE TABLE compute_hosts (
    name    TEXT   NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
INSERT INTO compute_hosts (name, seen_at)
SELECT a.attached_host, MAX(a.updated_at) FROM attachments AS a JOIN flows AS f ON f.resource_id = a.id
WHERE f.operation = 'attachment-attach' AND a.attached_host <> '' GROUP BY a.attached_host;

CREATE TABLE attachment_checks (
    id         TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    error      TEXT    NOT NULL,
    mend       BOOLEAN NOT NULL,
    looks      BIGINT  NOT NULL,
    places     BIGINT  NOT NULL,
    found      BIGINT  NOT NULL,
    mended     BIGINT  NOT NULL,
    unanswered TEXT,
    started_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL
);
CREATE INDEX attachment_checks_started ON attachment_checks (started_at, id);

CREATE TABLE attachment_differences (
    id            TEXT    NOT NULL PRIMARY KEY,
    check_id      TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    place         TEXT    NOT NULL,
    volume_id     TEXT    NOT NULL,
    storage_id    TEXT    NOT NULL,
    project_id    TEXT    NOT NULL,
    attachment_id TEXT    NOT NULL,
    initiator     TEXT    NOT NULL,
    taken         TEXT,
    mendable      BOOLEAN NOT NULL,
    looks         BIGINT  NOT NULL,
    outcome       TEXT    NOT NULL,
    flow_id       TEXT    NOT NULL
);
-- Those of a check that have no outcome yet, and its list.
CREATE INDEX attachment_differences_check ON attachment_differences (check_id, outcome, id);

-- What the check asks the catalogue, a page at a time: by the volume as its node knows it, and by host.
CREATE INDEX volumes_name_id ON volumes (name_id);
CREATE INDEX attachments_host ON attachments (attached_host, volume_id, id);

-- +goose Down
DROP INDEX attachments_host;
DROP INDEX volumes_name_id;
DROP TABLE attachment_differences;
DROP TABLE attachment_checks;
DROP TABLE compute_hosts;
