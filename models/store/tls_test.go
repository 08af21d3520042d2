package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/tlsfile/tlstest"
	"github.com/clinker-storage/clinker/tests/pgtest"
)

// TestPostgresTLS: the connection says sslmode, as every client of PostgreSQL's takes it.
func TestPostgresTLS(t *testing.T) {
	ca, other := tlstest.New(t), tlstest.New(t)
	s := pgtest.New(t)
	dsn := s.Database(t)
	cert, key := ca.Issue(t, "postgres")
	s.UseTLS(t, cert, key)
	open := func(with string) error {
		st, err := Open(ctx, strings.Replace(dsn, "sslmode=disable", with, 1), Options{})
		if err == nil {
			var encrypted bool
			require.NoError(t, st.db.Raw("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted).Error)
			require.True(t, encrypted)
			require.NoError(t, st.Close())
		}
		return err
	}
	require.NoError(t, open("sslmode=verify-full&sslrootcert="+ca.File))
	require.NoError(t, open("sslmode=require"))
	require.Error(t, open("sslmode=verify-full&sslrootcert="+other.File), "a server that our CA has not signed")
	require.Error(t, open("sslmode=disable"), "plain text")
}
