package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"runtime"

	"github.com/ncruces/go-sqlite3/gormlite"
	"modernc.org/sqlite"
)

// openSQLite opens the file, and makes it where there is none, readable by its owner only: it holds what tenants named
// their disks and how nodes reach them.
func (s *Store) openSQLite(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	err = f.Chmod(0o600) // it may be there already, from a tool with another umask
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}

	synchronous := "FULL"
	if s.opts.RelaxedDurability {
		synchronous = "NORMAL"
	}
	writer := sql.OpenDB(sqliteConnector{dsn: sqliteDSN(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(" + synchronous + ")", "foreign_keys(1)", "journal_size_limit(67108864)"},
	})})
	writer.SetMaxOpenConns(1)
	reader := sql.OpenDB(sqliteConnector{dsn: sqliteDSN(path, url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)"}})})
	reader.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	reader.SetMaxIdleConns(max(4, runtime.GOMAXPROCS(0)))
	s.pools = []*sql.DB{writer, reader} // the writer first: it turns the journal to WAL

	if s.db, err = gormOpen(gormlite.OpenDB(writer)); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if s.reader, err = gormOpen(gormlite.OpenDB(reader)); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}

func sqliteDSN(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// sqliteConnector makes connections that remember their statements: compiling one costs SQLite more than running it.
// gorm has a cache of its own, which transactions can't use.
type sqliteConnector struct{ dsn string }

// Connect opens the file once more.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{sqliteRawConn: conn.(sqliteRawConn), stmts: map[string]sqliteStmt{}}, nil
}

// Driver returns the engine below.
func (sqliteConnector) Driver() driver.Driver { return &sqlite.Driver{} }
