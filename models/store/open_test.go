package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/tests/pgtest"
)

func TestParseDSN(t *testing.T) {
	for dsn, want := range map[string]target{
		"sqlite:///var/lib/clinker.db":             {engine: sqliteEngine, path: "/var/lib/clinker.db"},
		"sqlite:////var/lib/clinker.db":            {engine: sqliteEngine, path: "/var/lib/clinker.db"},
		"sqlite+pysqlite:////var/lib/clinker.db":   {engine: sqliteEngine, path: "/var/lib/clinker.db"},
		"postgresql://u:p@h/d?sslmode=disable":     {engine: postgresEngine, url: "postgresql://u:p@h/d?sslmode=disable"},
		"postgresql+psycopg2://u:p@h:5433/clinker": {engine: postgresEngine, url: "postgresql://u:p@h:5433/clinker"},
		"postgres://h/d":                           {engine: postgresEngine, url: "postgresql://h/d"},
	} {
		got, err := parseDSN(dsn)
		require.NoError(t, err, dsn)
		require.Equal(t, want, got, dsn)
	}
	for _, dsn := range []string{"", "sqlite://", "sqlite://relative.db", "mysql+pymysql://u:secret@h/d", "/var/lib/clinker.db"} {
		_, err := parseDSN(dsn)
		require.Error(t, err, dsn)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := Open(ctx, "postgresql://u:secret@[broken/d", Options{})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestSQLiteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "with blank? and #.db")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	s := openAt(t, "sqlite://"+path, nil)
	require.NoError(t, s.Migrate(ctx))
	require.NoError(t, s.EnsureDefaultType(ctx, "x"))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		require.True(t, strings.HasPrefix(f.Name(), "with blank? and #.db"), f.Name())
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
	pragma := func(db *gorm.DB, name string) string {
		var v string
		require.NoError(t, db.Raw("PRAGMA "+name).Scan(&v).Error)
		return v
	}
	require.Equal(t, "wal", pragma(s.db, "journal_mode"))
	require.Equal(t, "2", pragma(s.db, "synchronous"), "FULL")
	require.Equal(t, "1", pragma(s.db, "foreign_keys"))
	require.Equal(t, "5000", pragma(s.reader, "busy_timeout"))
	require.Error(t, s.reader.Exec("DELETE FROM volume_types").Error, "the reader only reads")

	relaxed := openAt(t, sqliteAt(t), func(o *Options) { o.RelaxedDurability = true })
	require.Equal(t, "1", pragma(relaxed.db, "synchronous"), "NORMAL")
}

func TestMigrate(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		have, want, err := s.MigrationVersion(ctx)
		require.NoError(t, err)
		require.Equal(t, want, have)
		require.Positive(t, want)
		require.NoError(t, s.EnsureDefaultType(ctx, "kept"))
		require.NoError(t, s.Migrate(ctx))
		_, err = s.GetVolumeType(ctx, "", "kept")
		require.NoError(t, err)
	})
}

func TestMigrateTogether(t *testing.T) {
	for name, dsn := range map[string]string{"sqlite": sqliteAt(t), "postgres": pgtest.Start(t)} {
		t.Run(name, func(t *testing.T) {
			one, two := openAt(t, dsn, nil), openAt(t, dsn, nil)
			have, _, err := one.MigrationVersion(ctx)
			require.NoError(t, err)
			require.Zero(t, have)
			for _, err := range together(2, func(i int) error { return []fixture{one, two}[i].Migrate(ctx) }) {
				require.NoError(t, err)
			}
			require.NoError(t, two.EnsureDefaultType(ctx, "x"))
		})
	}
}

// The schema is written by hand; gorm must find every field of every model in it.
func TestModelsFitTheSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for _, m := range []any{
			&models.Volume{}, &models.VolumeType{}, &models.VolumeTypeAccess{}, &models.Flow{}, &models.QuotaLimit{}, &models.QuotaUsage{},
			&models.Reservation{}, &models.Service{}, &models.Pool{}, &models.Claim{}, &models.Message{}, &models.IdempotencyKey{},
		} {
			require.NoError(t, s.db.Create(m).Error, "%T", m)
			require.NoError(t, s.db.Take(m).Error, "%T", m)
			stmt := &gorm.Statement{DB: s.db}
			require.NoError(t, stmt.Parse(m))
			columns, err := s.db.Migrator().ColumnTypes(m)
			require.NoError(t, err)
			var names []string
			for _, c := range columns {
				if !strings.HasPrefix(c.Name(), "claimed_") { // the sums beside a pool's report
					names = append(names, c.Name())
				}
			}
			require.ElementsMatch(t, stmt.Schema.DBNames, names, "%T", m)
		}
	})
}

func TestContextEndsTheWaiting(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 1)
		s.put(t, v)
		locked, release := make(chan struct{}), make(chan struct{})
		done := make(chan error, 1)
		go func() {
			_, err := s.EditVolumeMetadata(ctx, "", v.ID, func(m map[string]string) (map[string]string, error) {
				close(locked)
				<-release
				return m, nil
			})
			done <- err
		}()
		<-locked
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		name := "x"
		_, err := s.UpdateVolume(short, "", v.ID, models.VolumePatch{Name: &name})
		require.ErrorIs(t, err, models.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = s.GetVolume(ctx, "", v.ID)
		require.NoError(t, err, "readers don't wait for a writer")
		close(release)
		require.NoError(t, <-done)
	})
}

func TestPostgresGoesAwayAndComesBack(t *testing.T) {
	server := pgtest.New(t)
	dsn := server.Database(t)
	s := openAt(t, dsn, nil)
	require.NoError(t, s.Migrate(ctx))
	v := s.available(t, volumeOf("p1", 1))

	_, err := s.EditVolumeMetadata(ctx, "", v.ID, func(m map[string]string) (map[string]string, error) {
		server.Stop(t)
		return m, nil
	})
	require.ErrorIs(t, err, models.ErrUnavailable, "in mid-transaction")
	began := time.Now()
	_, err = s.GetVolume(ctx, "", v.ID)
	require.ErrorIs(t, err, models.ErrUnavailable)
	_, err = s.BeginDelete(ctx, "p1", v.ID, false, flowOf(models.OpVolumeDelete, v.ID, "p1"))
	require.ErrorIs(t, err, models.ErrUnavailable)
	require.ErrorIs(t, s.Ping(ctx), models.ErrUnavailable)
	require.Less(t, time.Since(began), 10*time.Second)
	_, err = Open(ctx, dsn, Options{})
	require.ErrorIs(t, err, models.ErrUnavailable)

	server.Restart(t)
	got, err := s.GetVolume(ctx, "", v.ID)
	require.NoError(t, err, "no connection of before is in the way")
	require.Equal(t, models.VolumeAvailable, got.Status)
	s.noDrift(t)
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s, err := Open(ctx, sqliteAt(t), Options{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(ctx))
	require.NoError(t, s.Close())
	_, err = s.GetVolume(ctx, "", "x")
	require.ErrorIs(t, err, models.ErrUnavailable)
	require.ErrorIs(t, s.ReleaseClaim(ctx, "x"), models.ErrUnavailable)
	_, err = Open(ctx, "sqlite:///proc/nowhere/x.db", Options{})
	require.Error(t, err)
}

func TestErrorsPass(t *testing.T) {
	for _, err := range []error{
		&models.StatusError{Resource: "volume x"}, &models.OverQuotaError{Resource: "volumes"}, fmt.Errorf("volume x: %w", models.ErrNotFound),
		models.ErrAbandoned, errors.New("an edit's own"),
	} {
		require.Equal(t, err, translate(err))
	}
	require.NoError(t, translate(nil))
	require.ErrorIs(t, translate(gorm.ErrRecordNotFound), models.ErrNotFound)
}

func TestNulCharacters(t *testing.T) {
	s := openAt(t, pgtest.Start(t), nil)
	require.NoError(t, s.Migrate(ctx))
	err := s.AddMessage(ctx, models.Message{ID: "a\x00b"})
	require.ErrorIs(t, err, models.ErrInvalid)
}
