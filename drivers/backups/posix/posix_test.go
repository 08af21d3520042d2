package posix_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) backups.Store { return posix.New(t.TempDir()) })
}

// A folder that is missing is a store that is away, never an empty one.
func TestMissingFolder(t *testing.T) {
	s := posix.New(filepath.Join(t.TempDir(), "not mounted"))
	require.ErrorIs(t, s.Put(t.Context(), "a", []byte("x")), drivers.ErrUnavailable)
	_, err := s.Stat(t.Context(), "a")
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	_, err = s.Get(t.Context(), "a", make([]byte, 1), 0)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorIs(t, s.Delete(t.Context(), "a"), drivers.ErrUnavailable)
	for _, err = range s.List(t.Context(), "") {
	}
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorIs(t, s.Check(t.Context()), drivers.ErrUnavailable)
	require.NotEmpty(t, drivers.Hint(err))
}

func TestNotReady(t *testing.T) {
	away := errors.New("not mounted")
	s := posix.NewOn(t.TempDir(), "nfs", func(context.Context) error { return away })
	require.ErrorIs(t, s.Put(t.Context(), "a", nil), away)
	_, err := s.Stat(t.Context(), "a")
	require.ErrorIs(t, err, away)
}

// What a killed process left unfinished is no object, and goes with the backup that it belonged to.
func TestUnfinished(t *testing.T) {
	base := t.TempDir()
	s := posix.New(base)
	require.NoError(t, s.Put(t.Context(), "b/manifest", []byte("x")))
	require.NoError(t, os.WriteFile(filepath.Join(base, "b", ".new-HALF"), []byte("half"), 0o600))
	for o, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		require.Equal(t, "b/manifest", o.Key)
	}
	require.NoError(t, s.Delete(t.Context(), "b/manifest"))
	left, err := os.ReadDir(base)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestModes(t *testing.T) {
	base := t.TempDir()
	require.NoError(t, posix.New(base).Put(t.Context(), "b/x", []byte("x")))
	for path, mode := range map[string]os.FileMode{"b": 0o770, "b/x": 0o660} {
		info, err := os.Stat(filepath.Join(base, path))
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&^mode, path)
	}
}
