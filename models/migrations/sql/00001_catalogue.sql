-- +goose Up
CREATE TABLE volumes (
    id                 TEXT    NOT NULL PRIMARY KEY,
    project_id         TEXT    NOT NULL,
    user_id            TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    size_gib           BIGINT  NOT NULL,
    status             TEXT    NOT NULL,
    previous_status    TEXT    NOT NULL,
    attach_status      TEXT    NOT NULL,
    migration_status   TEXT    NOT NULL,
    flow_id            TEXT    NOT NULL,
    volume_type_id     TEXT    NOT NULL,
    availability_zone  TEXT    NOT NULL,
    host               TEXT    NOT NULL,
    provider_location  TEXT    NOT NULL,
    snapshot_id        TEXT    NOT NULL,
    source_vol_id      TEXT    NOT NULL,
    bootable           BOOLEAN NOT NULL,
    readonly           BOOLEAN NOT NULL,
    multiattach        BOOLEAN NOT NULL,
    encrypted          BOOLEAN NOT NULL,
    consumes_quota     BOOLEAN NOT NULL,
    replication_status TEXT    NOT NULL,
    metadata           TEXT,
    image_metadata     TEXT,
    created_at         BIGINT  NOT NULL,
    updated_at         BIGINT  NOT NULL,
    launched_at        BIGINT  NOT NULL
);
-- The two default lists: a project's volumes and everybody's, newest first.
CREATE INDEX volumes_project ON volumes (project_id, created_at, id);
CREATE INDEX volumes_created ON volumes (created_at, id);
-- The command-line client asks for a volume by its name.
CREATE INDEX volumes_name ON volumes (project_id, name);
CREATE INDEX volumes_status ON volumes (status);
CREATE INDEX volumes_host ON volumes (host);
CREATE INDEX volumes_flow ON volumes (flow_id);
CREATE INDEX volumes_type ON volumes (volume_type_id);

CREATE TABLE volume_types (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    is_public    BOOLEAN NOT NULL,
    extra_specs  TEXT,
    qos_specs_id TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX volume_types_name ON volume_types (name);
CREATE INDEX volume_types_created ON volume_types (created_at, id);

CREATE TABLE volume_type_accesses (
    volume_type_id TEXT NOT NULL REFERENCES volume_types (id) ON DELETE CASCADE,
    project_id     TEXT NOT NULL,
    PRIMARY KEY (volume_type_id, project_id)
);
CREATE INDEX volume_type_accesses_project ON volume_type_accesses (project_id);

CREATE TABLE flows (
    id            TEXT   NOT NULL PRIMARY KEY,
    operation     TEXT   NOT NULL,
    resource_kind TEXT   NOT NULL,
    resource_id   TEXT   NOT NULL,
    project_id    TEXT   NOT NULL,
    request_id    TEXT   NOT NULL,
    backend       TEXT   NOT NULL,
    summary       TEXT   NOT NULL,
    state         TEXT   NOT NULL,
    failed_task   TEXT   NOT NULL,
    error         TEXT   NOT NULL,
    hint          TEXT   NOT NULL,
    tasks         TEXT,
    input         TEXT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    finished_at   BIGINT NOT NULL,
    checked_at    BIGINT NOT NULL
);
CREATE INDEX flows_project ON flows (project_id, created_at, id);
CREATE INDEX flows_created ON flows (created_at, id);
CREATE INDEX flows_resource ON flows (resource_id, created_at);
CREATE INDEX flows_request ON flows (request_id);
CREATE INDEX flows_state ON flows (state, checked_at);
CREATE INDEX flows_finished ON flows (finished_at);

CREATE TABLE quota_limits (
    scope      TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    resource   TEXT   NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (scope, name, resource)
);

CREATE TABLE quota_usages (
    project_id TEXT   NOT NULL,
    resource   TEXT   NOT NULL,
    in_use     BIGINT NOT NULL CHECK (in_use >= 0),
    reserved   BIGINT NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (project_id, resource)
);

CREATE TABLE reservations (
    flow_id    TEXT   NOT NULL,
    resource   TEXT   NOT NULL,
    project_id TEXT   NOT NULL,
    delta      BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (flow_id, resource)
);
CREATE INDEX reservations_expires ON reservations (expires_at);

CREATE TABLE services (
    "binary"          TEXT    NOT NULL,
    host              TEXT    NOT NULL,
    availability_zone TEXT    NOT NULL,
    disabled          BOOLEAN NOT NULL,
    disabled_reason   TEXT    NOT NULL,
    backend_state     TEXT    NOT NULL,
    backend_error     TEXT    NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    PRIMARY KEY ("binary", host)
);

CREATE TABLE pools (
    name              TEXT   NOT NULL PRIMARY KEY,
    availability_zone TEXT   NOT NULL,
    stats             TEXT,
    gathered_at       BIGINT NOT NULL,
    -- Sums over claims, so that a placement need not add up what a burst before it has claimed.
    claimed_gib       BIGINT NOT NULL DEFAULT 0,
    claimed_count     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE claims (
    flow_id    TEXT   NOT NULL PRIMARY KEY,
    volume_id  TEXT   NOT NULL,
    pool       TEXT   NOT NULL,
    gib        BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX claims_pool ON claims (pool, gib);
CREATE INDEX claims_volume ON claims (volume_id);

CREATE TABLE messages (
    id            TEXT   NOT NULL PRIMARY KEY,
    project_id    TEXT   NOT NULL,
    event_id      TEXT   NOT NULL,
    user_message  TEXT   NOT NULL,
    level         TEXT   NOT NULL,
    request_id    TEXT   NOT NULL,
    resource_type TEXT   NOT NULL,
    resource_id   TEXT   NOT NULL,
    flow_id       TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX messages_project ON messages (project_id, created_at, id);
CREATE INDEX messages_created ON messages (created_at, id);
CREATE INDEX messages_expires ON messages (expires_at);

CREATE TABLE idempotency_keys (
    project_id      TEXT   NOT NULL,
    idempotency_key TEXT   NOT NULL,
    body_hash       TEXT   NOT NULL,
    resource_id     TEXT   NOT NULL,
    flow_id         TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    PRIMARY KEY (project_id, idempotency_key)
);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE messages;
DROP TABLE claims;
DROP TABLE pools;
DROP TABLE services;
DROP TABLE reservations;
DROP TABLE quota_usages;
DROP TABLE quota_limits;
DROP TABLE flows;
DROP TABLE volume_type_accesses;
DROP TABLE volume_types;
DROP TABLE volumes;
