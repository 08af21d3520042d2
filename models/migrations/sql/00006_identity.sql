-- +goose Up
CREATE TABLE identity_domains (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    enabled     BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL
);

CREATE TABLE identity_projects (
    id          TEXT    NOT NULL PRIMARY KEY,
    domain_id   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    enabled     BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL,
    UNIQUE (domain_id, name)
);

CREATE TABLE identity_users (
    id                 TEXT    NOT NULL PRIMARY KEY,
    domain_id          TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    email              TEXT    NOT NULL,
    default_project_id TEXT    NOT NULL,
    enabled            BOOLEAN NOT NULL,
    password_hash      TEXT    NOT NULL,
    password_at        BIGINT  NOT NULL,
    -- Tokens that were issued before are not valid any more.
    tokens_after       BIGINT  NOT NULL,
    created_at         BIGINT  NOT NULL,
    UNIQUE (domain_id, name)
);

CREATE TABLE identity_roles (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    description TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);

-- Who has the prior role has the implied one too.
CREATE TABLE identity_implications (
    prior_id   TEXT NOT NULL,
    implied_id TEXT NOT NULL,
    PRIMARY KEY (prior_id, implied_id)
);

CREATE TABLE identity_services (
    id          TEXT    NOT NULL PRIMARY KEY,
    type        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    enabled     BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL
);

CREATE TABLE identity_endpoints (
    id         TEXT    NOT NULL PRIMARY KEY,
    service_id TEXT    NOT NULL,
    interface  TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    enabled    BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL
);
CREATE INDEX identity_endpoints_service ON identity_endpoints (service_id);

-- scope is project, domain or system; scope_id of the system is all.
CREATE TABLE identity_assignments (
    user_id  TEXT NOT NULL,
    scope    TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    role_id  TEXT NOT NULL,
    PRIMARY KEY (user_id, scope, scope_id, role_id)
);
CREATE INDEX identity_assignments_scope ON identity_assignments (scope, scope_id);
CREATE INDEX identity_assignments_role ON identity_assignments (role_id);

-- Tokens that were given back before their time, until it is over.
CREATE TABLE identity_revocations (
    id         TEXT   NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX identity_revocations_expires ON identity_revocations (expires_at);

-- What tokens are signed with: the newest signs, all verify.
CREATE TABLE identity_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    secret     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE identity_keys;
DROP TABLE identity_revocations;
DROP TABLE identity_assignments;
DROP TABLE identity_endpoints;
DROP TABLE identity_services;
DROP TABLE identity_implications;
DROP TABLE identity_roles;
DROP TABLE identity_users;
DROP TABLE identity_projects;
DROP TABLE identity_domains;
