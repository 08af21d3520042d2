package pgtest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func query(t *testing.T, dsn, sql string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var answer string
	return answer, conn.QueryRow(ctx, sql).Scan(&answer)
}

func TestDatabasesAreApart(t *testing.T) {
	one, two := Start(t), Start(t)
	require.NotEqual(t, one, two)
	for _, dsn := range []string{one, two} {
		_, err := query(t, dsn, "CREATE TABLE only_here (x TEXT)")
		require.ErrorIs(t, err, pgx.ErrNoRows)
	}
}

func TestStopAndRestart(t *testing.T) {
	s := New(t)
	dsn := s.Database(t)
	_, err := query(t, dsn, "CREATE TABLE kept AS SELECT 'kept'::text AS x")
	require.ErrorIs(t, err, pgx.ErrNoRows)
	s.Stop(t)
	_, err = query(t, dsn, "SELECT x FROM kept")
	require.Error(t, err)
	s.Restart(t)
	answer, err := query(t, dsn, "SELECT x FROM kept")
	require.NoError(t, err)
	require.Equal(t, "kept", answer)
}

func TestPauseAndResume(t *testing.T) {
	s := New(t)
	dsn := s.Database(t)
	s.Pause(t)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	_, err := pgx.Connect(ctx, dsn)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	s.Resume(t)
	answer, err := query(t, dsn, "SELECT 'awake'::text")
	require.NoError(t, err)
	require.Equal(t, "awake", answer)
	s.Pause(t) // its end at the end of the test must not hang
}
