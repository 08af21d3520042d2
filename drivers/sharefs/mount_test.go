package sharefs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/internal/execx"
)

// What an operator may have forgotten is said with what to do.
func TestNotReady(t *testing.T) {
	cfg := config(t, "one:/vol", nil)
	k := memory()
	k.Client, k.Packages = "mount.no-such-client", "no-such-package"
	d, err := sharefs.New(k, cfg, &execx.Exec{})
	require.NoError(t, err)
	_, create := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	for _, err := range []error{d.Check(t.Context()), create} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.ErrorContains(t, err, "mount.no-such-client is not installed")
		require.Contains(t, hintOf(t, err), "no-such-package")
	}

	shares := cfg.Options["glusterfs_shares_config"]
	d = newDriver(t, cfg, &execx.Exec{})
	for text, want := range map[string]string{"# none yet\n": shares, "one\n": "line 1"} {
		require.NoError(t, os.WriteFile(shares, []byte(text), 0o600))
		err := d.Check(t.Context())
		require.ErrorIs(t, err, drivers.ErrInvalid)
		require.Contains(t, hintOf(t, err), want)
	}
	require.NoError(t, os.Remove(shares))
	err = d.Check(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, hintOf(t, err), "glusterfs_shares_config")

	// A bad line is complained about; the good one serves.
	require.NoError(t, os.WriteFile(shares, []byte("one:/vol\ntwo:/../vol\n"), 0o600))
	require.ErrorIs(t, d.Check(t.Context()), drivers.ErrInvalid)
	_, err = d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.NoError(t, err)
}

// The share with most room gets the volume, and one that is read-only none.
func TestMostRoom(t *testing.T) {
	cfg := config(t, "small:/vol -o size=20m\nlarge:/vol -o size=200m", nil)
	d := newDriver(t, cfg, &execx.Exec{})
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.NoError(t, err)
	require.Equal(t, "large:/vol", v.Location)
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 220.0/1024, stats[0].Total.GiB, 0.01)
	require.Len(t, stats[0].Extra["shares"], 2)

	large := filepath.Join(cfg.Options["glusterfs_mount_point_base"], sharefs.Share{Address: "large:/vol"}.Point())
	require.NoError(t, unix.Mount("", large, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	stats, err = d.Stats(t.Context())
	require.NoError(t, err)
	require.Contains(t, stats[0].BackendError, "read-only")
	require.InDelta(t, 20.0/1024, stats[0].Free.GiB, 0.01)
	require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrUnavailable)
	require.Contains(t, hintOf(t, d.DeleteVolume(t.Context(), v)), "read-only")
	require.NoError(t, unix.Mount("", large, "", unix.MS_REMOUNT, ""))
	require.NoError(t, d.DeleteVolume(t.Context(), v))
}
