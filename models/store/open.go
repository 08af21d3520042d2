package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Store is the catalogue. It is safe for concurrent use.
type Store struct {
	opts Options
	kind engine
	// On PostgreSQL both are one pool. On SQLite writes go through the single connection of db, so that writers queue in
	// Go, where a context ends the waiting, and not in the file's lock; reads go on beside them.
	db     *gorm.DB
	reader *gorm.DB
	pools  []*sql.DB
}

// Open connects to the catalogue that dsn names: "sqlite:///absolute/path.db" or "postgresql://user:password@host/name".
// The form with a driver that SQLAlchemy takes ("postgresql+psycopg2://") will do too. Nothing is migrated. A database
// that is away is ErrUnavailable.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	target, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{opts: o.withDefaults(), kind: target.engine}
	if s.kind == sqliteEngine {
		err = s.openSQLite(target.path)
	} else {
		err = s.openPostgres(target.url)
	}
	if err == nil {
		err = s.Ping(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// gormOpen puts gorm on a pool. Each method makes its own transaction where it needs one.
func gormOpen(d gorm.Dialector) (*gorm.DB, error) {
	return gorm.Open(d, &gorm.Config{
		SkipDefaultTransaction:   true,
		DisableAutomaticPing:     true,
		DisableNestedTransaction: true,
		Logger:                   logger.Discard,
	})
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	for _, p := range s.pools {
		if err := p.PingContext(ctx); err != nil {
			return translate(err)
		}
	}
	return nil
}

// Close gives the connections back; calls under way end with an error.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// now is the time as it will be stored.
func (s *Store) now() time.Time { return cut(s.opts.Now()) }

// read starts a query outside of any transaction.
func (s *Store) read(ctx context.Context) *gorm.DB { return s.reader.WithContext(ctx) }
