//go:build !noembed

package devserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

const appendNode = `REPLACE INTO history_node (id) VALUES (?)`

// synced opens a file through the statement cache, with one connection.
func synced(t *testing.T, synchronous string) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	require.NoError(t, openFile(t.Context(), path, synchronous))
	t.Cleanup(func() { require.NoError(t, closeFile(path)) })
	db, _ := files.Load(path)
	_, err := db.(*sqlx.DB).ExecContext(t.Context(), `CREATE TABLE history_node (id INTEGER PRIMARY KEY)`)
	require.NoError(t, err)
	return db.(*sqlx.DB).DB
}

func level(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&n))
	return n
}

// relaxedAppends asks the connection how many appends did not wait.
func relaxedAppends(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.Raw(func(c any) error { n = c.(*cachingConn).appends; return nil }))
	return n
}

func TestAppendsDoNotWait(t *testing.T) {
	const full, normal = 2, 1
	db := synced(t, "FULL")
	require.Equal(t, full, level(t, db))

	for id := range 2 {
		_, err := db.ExecContext(t.Context(), appendNode, id)
		require.NoError(t, err)
	}
	require.Equal(t, 2, relaxedAppends(t, db))
	require.Equal(t, full, level(t, db), "what follows has to wait again")

	_, err := db.ExecContext(t.Context(), appendNode, "no number")
	require.Error(t, err)
	require.Equal(t, full, level(t, db), "after a failure too")

	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), appendNode, 3)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	tx, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	require.Equal(t, 3, relaxedAppends(t, db), "in a transaction it waits, with all else")
	_, err = db.ExecContext(t.Context(), appendNode, 4)
	require.NoError(t, err)
	require.Equal(t, 4, relaxedAppends(t, db), "after one no longer")

	lists := synced(t, "NORMAL")
	_, err = lists.ExecContext(t.Context(), appendNode, 1)
	require.NoError(t, err)
	require.Zero(t, relaxedAppends(t, lists))
	require.Equal(t, normal, level(t, lists))
}

// stuckConn is a connection on which the level can't be raised again.
type stuckConn struct{ innerConn }

func (stuckConn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if query == "PRAGMA synchronous=FULL" {
		return nil, errors.New("stuck")
	}
	return driver.ResultNoRows, nil
}

func (stuckConn) IsValid() bool { return true }

func TestConnectionThatStaysRelaxedIsGivenUp(t *testing.T) {
	c := &cachingConn{innerConn: stuckConn{}, syncs: true}
	require.True(t, c.IsValid())
	_, err := c.relaxed(t.Context(), func() (driver.Result, error) { return driver.ResultNoRows, nil })
	require.ErrorIs(t, err, driver.ErrBadConn)
	require.False(t, c.IsValid())
}

func TestStatementsOfAppends(t *testing.T) {
	require.True(t, appendsEvents(appendNode))
	for _, other := range []string{"DELETE FROM history_node WHERE id = 1", "REPLACE INTO history_tree (a) VALUES (1)", "UPDATE executions SET x = 1"} {
		require.False(t, appendsEvents(other), other)
	}
	require.True(t, syncsCommits("file:/a%3Fb?_pragma=x(1)&_pragma=synchronous%28FULL%29"))
	require.False(t, syncsCommits("file:/a?_pragma=synchronous(NORMAL)"))
	require.False(t, syncsCommits("file:/a"))
}
