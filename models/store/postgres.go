package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
)

const (
	// connectTimeout is how long a server that doesn't answer may hold a call up.
	connectTimeout = 2 * time.Second
	// lockTimeout ends the waiting for a row; nothing of ours holds one for longer than a few statements.
	lockTimeout = 5 * time.Second
	// idleTimeout frees the rows of a process that stopped in mid-transaction without closing its connection.
	idleTimeout = 30 * time.Second
)

func (s *Store) openPostgres(url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The text of the error may quote the connection, and with it the password.
		return fmt.Errorf("database connection of kind postgresql:// can't be read; it must be postgresql://user:password@host:port/name")
	}
	cfg.ConnectTimeout = connectTimeout
	setDefault(cfg.RuntimeParams, "application_name", "clinker")
	setDefault(cfg.RuntimeParams, "lock_timeout", strconv.FormatInt(lockTimeout.Milliseconds(), 10))
	setDefault(cfg.RuntimeParams, "idle_in_transaction_session_timeout", strconv.FormatInt(idleTimeout.Milliseconds(), 10))

	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(s.opts.MaxConns)
	pool.SetMaxIdleConns(s.opts.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute) // so that a server taken out of DNS is left in time
	s.pools = []*sql.DB{pool}
	if s.db, err = gormOpen(postgres.New(postgres.Config{Conn: pool})); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	s.reader = s.db
	return nil
}

func setDefault(m map[string]string, key, value string) {
	if m[key] == "" {
		m[key] = value
	}
}
