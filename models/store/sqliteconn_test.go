package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func openRaw(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(sqliteConnector{dsn: sqliteDSN(strings.TrimPrefix(sqliteAt(t), "sqlite://"), nil)})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err := db.Exec("CREATE TABLE numbers (n INTEGER)")
	require.NoError(t, err)
	_, err = db.Exec("INSERT INTO numbers VALUES (1), (2), (3)")
	require.NoError(t, err)
	return db
}

func TestTwoOpenResultsOfOneStatement(t *testing.T) {
	db := openRaw(t)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	pairs := ""
	outer, err := tx.Query("SELECT n FROM numbers ORDER BY n")
	require.NoError(t, err)
	for outer.Next() {
		var a int
		require.NoError(t, outer.Scan(&a))
		inner, err := tx.Query("SELECT n FROM numbers ORDER BY n")
		require.NoError(t, err)
		for inner.Next() {
			var b int
			require.NoError(t, inner.Scan(&b))
			pairs += fmt.Sprint(a, b, " ")
		}
		require.NoError(t, inner.Err())
	}
	require.NoError(t, outer.Err())
	require.Equal(t, "1 1 1 2 1 3 2 1 2 2 2 3 3 1 3 2 3 3 ", pairs)
}

func TestStatementsAreForgottenInTime(t *testing.T) {
	db := openRaw(t)
	for i := range 2*maxStatements + 5 {
		var n int
		require.NoError(t, db.QueryRow(fmt.Sprintf("SELECT n + %d FROM numbers WHERE n = ?", i), 1).Scan(&n))
		require.Equal(t, i+1, n)
	}
	conn, err := db.Conn(context.Background())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.Raw(func(c any) error {
		require.LessOrEqual(t, len(c.(*sqliteConn).stmts), maxStatements)
		return nil
	}))
}

func TestStatementsAfterErrors(t *testing.T) {
	db := openRaw(t)
	_, err := db.Exec("CREATE UNIQUE INDEX one ON numbers (n)")
	require.NoError(t, err)
	for i := range 3 {
		_, err := db.Exec("INSERT INTO numbers VALUES (?)", 1)
		require.True(t, isUnique(err), "time %d: %v", i, err)
		_, err = db.Exec("INSERT INTO numbers VALUES (?)", 10+i)
		require.NoError(t, err)
	}
	_, err = db.Query("SELECT nonsense FROM numbers")
	require.Error(t, err)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = db.ExecContext(ended, "INSERT INTO numbers VALUES (99)")
	require.ErrorIs(t, err, context.Canceled)
	_, err = db.Exec("ALTER TABLE numbers ADD COLUMN later TEXT")
	require.NoError(t, err)
	rows, err := db.Query("SELECT * FROM numbers WHERE n = 1")
	require.NoError(t, err)
	columns, err := rows.Columns()
	require.NoError(t, err)
	require.Equal(t, []string{"n", "later"}, columns)
	require.NoError(t, rows.Close())
	require.NoError(t, rows.Close())
}

func TestTimesAreCut(t *testing.T) {
	zone := time.FixedZone("there", 3600)
	exact := time.Date(2026, 1, 2, 3, 4, 5, 678901234, zone)
	require.Equal(t, "2026-01-02T02:04:05.678901Z", cut(exact).Format(time.RFC3339Nano))
	require.Equal(t, cut(exact), fromMicros(toMicros(exact)))
	require.Zero(t, toMicros(time.Time{}))
	require.True(t, fromMicros(0).IsZero())
	require.True(t, cut(time.Time{}).IsZero())
}
