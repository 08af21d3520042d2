package activities

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// A data worker of another host reads and writes what it was let in to, and nothing beside the drivers.
func TestBackupFromAnotherHost(t *testing.T) {
	v := newVault(t)
	key, err := seal.NewKey()
	require.NoError(t, err)
	r := &reachable{at: v.path(t, v.a, v.in.Volume)}
	v.steps.Far = &FarOpener{Connectors: r, Key: key, StateDir: t.TempDir()}
	opener := v.steps.Opener
	v.steps.Opener, v.steps.Snapshots = nil, nil
	sealed, err := seal.Seal(key.Public(), map[string]any{"auth_password": "hush"})
	require.NoError(t, err)
	far := flow.Far{Host: "n1@a#a", Sealed: sealed, ZeroFilled: true, Connection: models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{"auth_method": "CHAP"}}}
	v.in.Far = far
	full := v.backup(t)
	require.Equal(t, "hush", r.asked[0].Data["auth_password"])
	v.steps.Opener = opener
	require.True(t, bytes.Equal(v.data, v.restored(t, full.Backup.ID, true)))

	// What the volume held shows nowhere after a restore, though its node says that it makes volumes of zeros.
	v.steps.Opener = nil
	r.at = v.path(t, v.b, v.site.in.Target)
	require.NoError(t, os.WriteFile(r.at, bytes.Repeat([]byte{0xa5}, siteSize), 0o600))
	far.Host = "n1@b#b"
	in := flow.RestoreChunksInput{Header: v.in.Header, Backup: full.Backup, Volume: v.site.in.Target, Host: far.Host, Far: far}
	require.NoError(t, v.step(t, v.steps.RestoreChunks, in, nil))
	got, err := os.ReadFile(r.at)
	require.NoError(t, err)
	require.True(t, bytes.Equal(v.data, got))

	// One that was made for this is not written where the backup holds zeros.
	require.NoError(t, os.WriteFile(r.at, nil, 0o600))
	require.NoError(t, os.Truncate(r.at, siteSize))
	in.Fresh = true
	require.NoError(t, v.step(t, v.steps.RestoreChunks, in, nil))
	got, err = os.ReadFile(r.at)
	require.NoError(t, err)
	require.True(t, bytes.Equal(v.data, got))

	in.Far.Sealed[3]++
	err = v.step(t, v.steps.RestoreChunks, in, nil)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type)
	require.NotContains(t, err.Error(), "hush")
}

// Others are asked where the volume's own host has no data worker that lives, and what it has can be reached from elsewhere.
func TestBackupCastOfAVolume(t *testing.T) {
	c := newCatalogue(t)
	p := &BackupPlacement{Store: c.Store, Down: time.Minute}
	pool := func(backend, protocol string) {
		require.NoError(t, c.Store.SavePools(ctx, backend, "nova", []models.PoolStats{{Pool: "p", StorageProtocol: protocol}}, time.Now()))
	}
	pool("n9@lvm", "iSCSI")
	pool("n9@dir", "local")
	pool("n1@lvm", "iSCSI")
	cast := func(host string, near bool) flow.BackupCastResult {
		in := flow.BackupCastInput{Host: host, Near: near}
		out, err := p.BackupCast(ctx, in)
		require.NoError(t, err)
		same, err := p.RestoreCast(ctx, in)
		require.NoError(t, err)
		require.Equal(t, out, same)
		return out
	}
	require.Equal(t, flow.BackupCastResult{Host: "n9"}, cast("n9@lvm#p", false), "nobody else is there")
	beat := func(s models.Service) {
		s.Binary, s.BackendState = models.BinaryBackup, "up"
		require.NoError(t, c.Store.Heartbeat(ctx, s))
	}
	now := time.Now()
	beat(models.Service{Host: "n1", UpdatedAt: now})
	beat(models.Service{Host: "n2", UpdatedAt: now})
	beat(models.Service{Host: "n3", UpdatedAt: now.Add(-time.Hour)})
	beat(models.Service{Host: "n9", UpdatedAt: now.Add(-time.Hour)})
	ways := []flow.MoveWay{{DataHost: "n1", Far: "n9@lvm#p", Protocol: "iSCSI"}, {DataHost: "n2", Far: "n9@lvm#p", Protocol: "iSCSI"}}
	require.Equal(t, flow.BackupCastResult{Host: "n9", Ways: ways}, cast("n9@lvm#p", false))
	require.Equal(t, flow.BackupCastResult{Host: "n9"}, cast("n9@lvm#p", true))
	require.Equal(t, flow.BackupCastResult{Host: "n9"}, cast("n9@dir#p", false), "a folder is on its own host only")
	require.Equal(t, flow.BackupCastResult{Host: "n9"}, cast("n9@gone#p", false))
	require.Equal(t, flow.BackupCastResult{Host: "n1"}, cast("n1@lvm#p", false), "its own is up")
	beat(models.Service{Host: "n9", UpdatedAt: time.Now()})
	require.Equal(t, flow.BackupCastResult{Host: "n9"}, cast("n9@lvm#p", false), "and up again")
}
