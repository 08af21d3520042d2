package configured_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/configured"
)

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	o := map[string]string{
		"backup_posix_path": folder, "backup_share": "nas:/backup", "backup_mount_point_base": t.TempDir(), "backup_mount_attempts": "3",
		"backup_swift_auth_url": "http://h/auth/v1.0", "backup_swift_auth_version": "1", "backup_swift_container": "volumebackups", "backup_swift_key": "hush",
		"backup_s3_endpoint_url": "https://h", "backup_s3_store_bucket": "volumebackups", "backup_s3_store_secret_key": "hush", "backup_s3_timeout": "60",
	}
	for kind, want := range map[string]string{"posix": folder, "nfs": "nas:/backup", "swift": "http://h/auth/v1.0 volumebackups", "s3": "https://h volumebackups"} {
		s, err := configured.Open(kind, o, "", nil)
		require.NoError(t, err, kind)
		require.Equal(t, backups.Properties{Kind: kind, Location: want}, s.Properties())
		require.NoError(t, s.Close())
	}
	s, err := configured.Open("s3", o, "another", nil)
	require.NoError(t, err)
	require.Equal(t, "https://h another", s.Properties().Location)
	for _, kind := range []string{"nfs", "swift", "s3", "ceph"} {
		s, err := configured.Open(kind, nil, "", nil)
		require.ErrorIs(t, err, drivers.ErrInvalid, kind)
		require.Nil(t, s)
	}
}

func TestFolders(t *testing.T) {
	state := t.TempDir()
	posix := func(path string) map[string]string { return map[string]string{"backup_posix_path": path} }
	own, other := posix(filepath.Join(state, "deep", "backup")), posix(filepath.Join(t.TempDir(), "backup"))
	for _, o := range []map[string]string{own, other} {
		_, err := configured.Open("posix", o, "", nil)
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.Contains(t, drivers.Hint(err), "is it mounted?")
		require.NoError(t, configured.MakeFolder("posix", o, state))
	}
	s, err := configured.Open("posix", own, "", nil)
	require.NoError(t, err)
	require.NoError(t, backups.TryOut(t.Context(), s))
	_, err = configured.Open("posix", other, "", nil)
	require.ErrorIs(t, err, drivers.ErrUnavailable, "what may be a mount point is not made")

	unused := filepath.Join(state, "unused")
	require.NoError(t, configured.MakeFolder("s3", posix(unused), state))
	require.NoDirExists(t, unused)
}
