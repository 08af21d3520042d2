package store

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/clinker-storage/clinker/models/migrations"
)

// Migrate brings the schema to the version that this program was built with. Several processes may do it at once: on
// PostgreSQL an advisory lock lets one go first, on SQLite the others find it done when they look again.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.goose()
	if err != nil {
		return err
	}
	if _, err = p.Up(ctx); err == nil {
		return nil
	}
	if s.kind == sqliteEngine {
		if _, again := p.Up(ctx); again == nil {
			return nil
		}
	}
	return fmt.Errorf("migrating the catalogue: %w", translate(err))
}

// MigrationVersion answers the schema's version and the one that this program wants.
func (s *Store) MigrationVersion(ctx context.Context) (have, want int64, err error) {
	p, err := s.goose()
	if err != nil {
		return 0, 0, err
	}
	have, want, err = p.GetVersions(ctx)
	return have, want, translate(err)
}

func (s *Store) goose() (*goose.Provider, error) {
	dialect := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.kind == postgresEngine {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, s.pools[0], migrations.FS(), opts...)
}
