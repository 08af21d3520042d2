package store

import (
	"fmt"
	"path/filepath"
	"strings"
)

type engine string

const (
	sqliteEngine   engine = "sqlite"
	postgresEngine engine = "postgresql"
)

// target is where a DSN leads to.
type target struct {
	engine engine
	path   string // of the SQLite file
	url    string // for PostgreSQL
}

// parseDSN reads a connection in SQLAlchemy's form, which is what cinder.conf holds. Its text may carry a password: errors
// name the scheme alone.
func parseDSN(dsn string) (target, error) {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok {
		return target{}, fmt.Errorf("database connection must begin with sqlite:// or postgresql://")
	}
	name, _, _ := strings.Cut(scheme, "+")
	switch name {
	case "sqlite":
		// SQLAlchemy writes an absolute path with four slashes, most others with three.
		if !strings.HasPrefix(rest, "/") || rest == "/" {
			return target{}, fmt.Errorf("database connection sqlite:// needs an absolute path: sqlite:///var/lib/clinker/clinker.db")
		}
		return target{engine: sqliteEngine, path: filepath.Clean(rest)}, nil
	case "postgresql", "postgres":
		return target{engine: postgresEngine, url: "postgresql://" + rest}, nil
	}
	return target{}, fmt.Errorf("database connection of kind %q is not known; it must be sqlite:// or postgresql://", scheme)
}
