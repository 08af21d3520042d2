//go:build !noembed

package devserver

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	dbschemas "go.temporal.io/server/schema"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// stampTable remembers, in the same file and the same transaction as the
// schema, what made it: Temporal itself keeps no version in SQLite.
const stampTable = "clinker_state"

const newFileHint = "let the clinkerd that made it finish its flows, or move it and its -wal and -shm files aside: " +
	"an empty one is made, and the volumes in the catalogue stay"

// prepareFiles makes the database files, or checks that this server can work
// with those there. It answers a *StateError when it can't.
func prepareFiles(ctx context.Context, stateDir string) error {
	err := prepareFile(ctx, databaseFile(stateDir), func(stmt string) []string {
		if ofVisibility(stmt) {
			return nil
		}
		return []string{stmt}
	})
	if err != nil {
		return err
	}
	return prepareFile(ctx, visibilityFile(stateDir), visibilityStatements)
}

// prepareFile does one file, whose schema is what statements makes of each
// statement of Temporal's.
func prepareFile(ctx context.Context, path string, statements func(string) []string) error {
	// Not SQLite's own error, which says "unable to open database file" to
	// everything. Histories hold what users asked for: nobody else reads them.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return &StateError{Path: path, Reason: "can't be written", Hint: "mend its owner and mode, or choose another state folder: " + err.Error(), Err: err}
	}
	f.Close()

	db, err := sql.Open("sqlite", fileURI(path)+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return stateError(path, err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return stateError(path, err)
	}
	defer tx.Rollback()
	if err := stampOrMake(ctx, tx, path, statements); err != nil {
		return stateError(path, err)
	}
	return stateError(path, tx.Commit())
}

func stampOrMake(ctx context.Context, tx *sql.Tx, path string, statements func(string) []string) error {
	var tables, stamps int
	err := tx.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = ?) FROM sqlite_master`, stampTable).Scan(&tables, &stamps)
	if err != nil {
		return err
	}
	if tables > 0 && stamps == 0 {
		return &StateError{Path: path, Reason: "is not a file that clinkerd made", Hint: "move it aside or choose another state folder"}
	}
	schema, err := schemaHash()
	if err != nil {
		return err
	}
	if tables == 0 {
		if err := sqliteschema.SetupSchemaOnDB(execOnly{ctx: ctx, tx: tx, statements: statements}); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `CREATE TABLE `+stampTable+` (id INTEGER PRIMARY KEY CHECK (id = 1), server TEXT NOT NULL, schema TEXT NOT NULL)`)
		if err != nil {
			return err
		}
	} else {
		var server, was string
		if err := tx.QueryRowContext(ctx, `SELECT server, schema FROM `+stampTable).Scan(&server, &was); err != nil {
			return err
		}
		if err := compatible(path, server, was == schema); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO `+stampTable+` (id, server, schema) VALUES (1, ?, ?)`, headers.ServerVersion, schema)
	return err
}

// compatible says whether this server may go on with the file of another.
// Temporal supports moving up one minor version at a time, never down; and
// there are no schema migrations for SQLite.
func compatible(path, server string, sameSchema bool) error {
	var minor, ours int
	_, err := fmt.Sscanf(server, "1.%d.", &minor)
	if _, err2 := fmt.Sscanf(headers.ServerVersion, "1.%d.", &ours); err2 != nil {
		return err2
	}
	if err == nil && sameSchema && (minor == ours || minor == ours-1) {
		return nil
	}
	return &StateError{
		Path:   path,
		Reason: fmt.Sprintf("was made by Temporal %s and this clinkerd embeds %s, which can't take it over", server, headers.ServerVersion),
		Hint:   newFileHint,
	}
}

// schemaHash names the schema this binary would make.
func schemaHash() (string, error) {
	h := sha256.New()
	for _, name := range []string{"sqlite/v3/temporal/schema.sql", "sqlite/v3/visibility/schema.sql"} {
		text, err := fs.ReadFile(dbschemas.Assets(), name)
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// stateError says in the operator's words what SQLite found.
func stateError(path string, err error) error {
	var state *StateError
	var lite *sqlite.Error
	if err == nil || errors.As(err, &state) {
		return err
	}
	reason, hint := "can't be opened", "choose another state folder, or see the log"
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			reason, hint = "is damaged", "put a copy back, or move it aside: an empty one is made, and the volumes in the catalogue stay"
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			reason, hint = "is in use by another process", "stop the other clinkerd, or choose another state folder"
		case sqlite3.SQLITE_FULL:
			reason, hint = "has no space left", "make room on its file system"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR:
			reason, hint = "can't be written", "mend the file system it is on, or choose another state folder"
		}
	}
	return &StateError{Path: path, Reason: reason, Hint: hint, Err: err}
}

// execOnly is as much of an AdminDB as the schema set-up uses, inside one
// transaction: a process killed in it leaves no half of a schema.
type execOnly struct {
	sqlplugin.AdminDB
	ctx        context.Context
	tx         *sql.Tx
	statements func(string) []string
}

func (e execOnly) Exec(stmt string, _ ...any) error {
	for _, stmt := range e.statements(stmt) {
		if _, err := e.tx.ExecContext(e.ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// pragmas of the server's own connections; https://www.sqlite.org/pragma.html
// says what each does.
func pragmas(synchronous string) []string {
	return []string{
		"busy_timeout(10000)",
		"journal_mode(WAL)",
		"synchronous(" + synchronous + ")",
		"cache_size(-8192)", // 8 MiB: the rows of open flows stay in memory
		"temp_store(MEMORY)",
		"wal_autocheckpoint(4000)",     // 16 MiB of log before it is copied back, which holds up everybody
		"journal_size_limit(67108864)", // what a checkpoint leaves of a log that grew past it
	}
}

func durability(o Options) string {
	if o.RelaxedDurability {
		return "NORMAL"
	}
	return "FULL"
}
