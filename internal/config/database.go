package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Database says where the catalogue is.
type Database struct {
	Engine            string        // "sqlite" or "postgres"
	File              string        // sqlite: path of the file
	URL               Secret        // postgres: URL as pgx takes it, password included
	MaxOpen           int           // most connections
	MaxIdle           int           // connections kept open
	MaxLifetime       time.Duration // age at which a connection is replaced
	RelaxedDurability bool          // SQLite: answer before the disk has the data
}

// parseDatabaseURL reads an SQLAlchemy URL, the form that stands in Cinder's
// files: sqlite:///relative, sqlite:////absolute, postgresql://, and
// postgresql+driver:// where the Python driver is of no concern to us.
func parseDatabaseURL(v string) (Database, error) {
	scheme, rest, ok := strings.Cut(v, "://")
	dialect, _, _ := strings.Cut(scheme, "+")
	switch {
	case ok && dialect == "sqlite":
		return sqliteURL(rest)
	case ok && (dialect == "postgresql" || dialect == "postgres"):
		return postgresURL(rest)
	case ok && (dialect == "mysql" || dialect == "mariadb"):
		return Database{}, fmt.Errorf("MySQL can't hold the catalogue; want sqlite:///path or postgresql://user:password@host/name")
	}
	return Database{}, fmt.Errorf("want sqlite:///path or postgresql://user:password@host/name")
}

func sqliteURL(rest string) (Database, error) {
	path, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "?")
	if !strings.HasPrefix(rest, "/") || path == "" || path == ":memory:" || strings.ContainsRune(path, '\n') {
		return Database{}, fmt.Errorf("want sqlite:///path, the path of a file (sqlite:////path for an absolute one)")
	}
	return Database{Engine: "sqlite", File: path}, nil
}

func postgresURL(rest string) (Database, error) {
	u, err := url.Parse("postgresql://" + rest)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return Database{}, fmt.Errorf("want postgresql://user:password@host/name; write %%40 for @ and %%2F for / in a password")
	}
	// PyMySQL habits survive in PostgreSQL URLs; PostgreSQL would refuse the word.
	q := u.Query()
	q.Del("charset")
	u.RawQuery = q.Encode()
	return Database{Engine: "postgres", URL: Secret(u.String())}, nil
}

func isDatabaseURL(v string) error {
	_, err := parseDatabaseURL(v)
	return err
}

// maskURL replaces the password in a URL. It works on text alone, so that a
// broken URL doesn't show its password either.
func maskURL(v string) string {
	scheme, rest, ok := strings.Cut(v, "://")
	at := strings.LastIndex(rest, "@")
	if !ok {
		return mask
	}
	if at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + ":" + mask + rest[at:]
	}
	if q := strings.Index(rest, "?"); q >= 0 && strings.Contains(strings.ToLower(rest[q:]), "password") {
		rest = rest[:q] + "?" + mask
	}
	return scheme + "://" + rest
}
