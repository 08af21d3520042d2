package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// farShelf is a world in which the volume's host has no data worker, and n2 and n3 might reach the volume.
type farShelf struct {
	*shelf
	lacks            map[string]flow.HostClient // why a host can't
	asked            []string
	letIn, connected bool
	readonly         bool
}

func newFarShelf(t *testing.T) *farShelf {
	f := &farShelf{shelf: newShelf(t), lacks: map[string]flow.HostClient{}}
	f.ways = []flow.MoveWay{{DataHost: "n2", Far: "n1@a#p", Protocol: "iSCSI"}, {DataHost: "n3", Far: "n1@a#p", Protocol: "iSCSI"}}
	register(f.world, flow.TaskHostProperties, func(flow.HostPropertiesInput) (flow.HostPropertiesResult, error) {
		host := f.ways[len(f.asked)].DataHost
		f.asked = append(f.asked, host)
		c := f.lacks[host]
		c.Protocol, c.Ready = "iscsi", c.Reason == ""
		return flow.HostPropertiesResult{Connector: models.Connector{Host: host}, Clients: []flow.HostClient{c}, SealTo: []byte("key")}, nil
	})
	register(f.world, flow.TaskInitializeConnection, func(in flow.ConnectInput) (flow.ConnectResult, error) {
		require.True(t, in.Mover && in.Last)
		require.Equal(t, "volume-"+volumeID, in.Volume.Name)
		f.letIn, f.readonly = true, in.Readonly
		return flow.ConnectResult{Connection: models.ConnectionInfo{DriverVolumeType: "iscsi"}, Sealed: []byte("sealed to " + in.Connector.Host), ZeroFilled: true}, nil
	})
	register(f.world, flow.TaskDisconnectVolume, func(in flow.HostInput) (any, error) {
		require.True(t, f.letIn, "before it is shut out")
		require.Empty(t, in.Sealed, "who leaves needs no password")
		f.connected = false
		return nil, nil
	})
	register(f.world, flow.TaskTerminateConnection, func(flow.ConnectInput) (flow.ConnectResult, error) {
		f.letIn = false
		return flow.ConnectResult{}, nil
	})
	reach := func(far flow.Far) error {
		if far.Host == "" {
			return nil
		}
		if !f.letIn || far.Host != "n1@a#p" || len(far.Sealed) == 0 {
			return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "not let in"})
		}
		f.connected = true
		return nil
	}
	register(f.world, flow.TaskBackupChunks, func(in flow.BackupChunksInput) (flow.StoredBackupResult, error) {
		f.read, f.stored = in, true
		return flow.StoredBackupResult{}, reach(in.Far)
	})
	register(f.world, flow.TaskRestoreChunks, func(in flow.RestoreChunksInput) (any, error) { f.restored = in; return nil, reach(in.Far) })
	return f
}

// apart wants nobody to be let in, and nothing to be connected.
func (f *farShelf) apart(t *testing.T) {
	t.Helper()
	require.False(t, f.letIn)
	require.False(t, f.connected)
}

func (f *farShelf) restore(t *testing.T) error {
	t.Helper()
	f.update(0, flow.UpdateAccepted, &f.reply)
	return f.run(t, BackupRestore, flow.BackupRestoreInput{Header: backupHeader(flow.BackupRestore, flow.BackupRestoreTasks()), VolumeID: volumeID})
}

var connection = []string{flow.TaskHostProperties, flow.TaskInitializeConnection, flow.TaskDisconnectVolume, flow.TaskTerminateConnection}

func TestBackupFromAnotherHost(t *testing.T) {
	for name, c := range map[string]struct {
		lacks []string
		keep  bool
		asked []string
	}{
		"the first that can": {nil, false, []string{"n2"}},
		"the next":           {[]string{"n2"}, false, []string{"n2", "n3"}},
		// A base is the node's; without one the next incremental compares hashes.
		"without a base": {nil, true, []string{"n2"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFarShelf(t)
			f.keep = c.keep
			for _, host := range c.lacks {
				f.lacks[host] = flow.HostClient{Reason: "iscsiadm is not installed"}
			}
			require.NoError(t, f.make(t))
			require.Equal(t, models.FlowSuccess, f.state)
			f.apart(t)
			require.True(t, f.readonly, "what is backed up is not written to")
			require.Equal(t, c.asked, f.asked)
			require.Equal(t, "n1@a#p", f.read.Far.Host)
			require.Nil(t, f.read.Snapshot)
			require.False(t, f.read.Keep)
			require.Empty(t, f.disks)
			require.Equal(t, []string{
				"ExtractBackupRequest SUCCESS", "QuotaReserve SUCCESS", "EntryCreate SUCCESS", "QuotaCommit SUCCESS", "BackupCast SUCCESS", "HostProperties SUCCESS",
				"InitializeConnection SUCCESS", "BackupChunks SUCCESS", "DisconnectVolume SUCCESS", "TerminateConnection SUCCESS", "EntryReady SUCCESS",
			}, f.states())
		})
	}
}

// What only the volume's own host can read, or nobody else can reach, waits for that host's data worker.
func TestBackupThatWaitsForItsHost(t *testing.T) {
	f := newFarShelf(t)
	f.temporary = true
	require.NoError(t, f.make(t))
	require.Empty(t, f.read.Far.Host)
	require.NotNil(t, f.read.Snapshot)
	require.Empty(t, f.asked)

	f = newFarShelf(t)
	f.lacks["n2"], f.lacks["n3"] = flow.HostClient{Reason: "iscsiadm is not installed"}, flow.HostClient{Reason: "iscsid does not run"}
	require.NoError(t, f.make(t))
	require.Empty(t, f.read.Far.Host)
	require.Zero(t, count(f.calls, flow.TaskInitializeConnection))
	require.Equal(t, []string{"n2", "n3"}, f.asked)
}

// However it ends, nobody is let in any more.
func TestBackupFromAnotherHostThatFails(t *testing.T) {
	for _, task := range append(connection[1:], flow.TaskBackupChunks, flow.TaskEntryReady) {
		t.Run(task, func(t *testing.T) {
			f := newFarShelf(t)
			f.failing(task, 1, flow.ErrCertain)
			require.ErrorContains(t, f.make(t), "planned Certain")
			require.Equal(t, task == flow.TaskTerminateConnection, f.letIn, "but where just that was refused")
			require.Equal(t, task == flow.TaskDisconnectVolume, f.connected)
			require.Equal(t, models.BackupError, f.last.Backups)
		})
	}
	for _, task := range append(connection[1:], flow.TaskBackupChunks) {
		t.Run(task+" aborted", func(t *testing.T) {
			f := newFarShelf(t)
			f.failing(task, 1, flow.ErrNoSpace)
			var reply error
			f.update(time.Minute, flow.UpdateAbort, &reply)
			require.Error(t, f.make(t))
			require.NoError(t, reply)
			require.Equal(t, task == flow.TaskTerminateConnection, f.letIn, "but where an operator did not want that")
			require.False(t, f.stored, "an abort takes it back")
		})
	}
}

func TestRestoreFromAnotherHost(t *testing.T) {
	f := newFarShelf(t)
	require.NoError(t, f.restore(t))
	f.apart(t)
	require.Equal(t, models.VolumeAvailable, f.status)
	require.False(t, f.readonly)
	require.Equal(t, "n1@a#p", f.restored.Far.Host)
	require.False(t, f.restored.Fresh)
	require.Equal(t, append([]string{"ExtractRestoreRequest", "EntryCreate", "RestoreCast"}, "HostProperties", "InitializeConnection", "RestoreChunks", "DisconnectVolume", "TerminateConnection", "EntryRestored"), f.calls)

	f = newFarShelf(t)
	f.failing(flow.TaskRestoreChunks, 1, flow.ErrCertain)
	require.Error(t, f.restore(t))
	f.apart(t)
	require.Equal(t, models.VolumeErrorRestoring, f.status)

	// What could not be given back may not be written: it is no good volume.
	f = newFarShelf(t)
	f.failing(flow.TaskDisconnectVolume, 1, flow.ErrCertain)
	require.Error(t, f.restore(t))
	require.Equal(t, models.VolumeErrorRestoring, f.status)
	require.False(t, f.letIn)

	f = newFarShelf(t)
	f.backupOfCreate = &flow.StoredBackup{ID: backupID}
	f.update(0, flow.UpdateAccepted, &f.reply)
	in := flow.VolumeCreateInput{Header: header(flow.VolumeCreate, flow.VolumeFromBackupTasks()), SizeGiB: 10, BackupID: backupID}
	require.NoError(t, f.run(t, VolumeCreate, in))
	f.apart(t)
	require.True(t, f.restored.Fresh && f.restored.Far.ZeroFilled)
	require.Equal(t, models.VolumeAvailable, f.status)

	f = newFarShelf(t)
	f.backupOfCreate = &flow.StoredBackup{ID: backupID}
	f.failing(flow.TaskRestoreChunks, 1, flow.ErrCertain)
	require.Error(t, f.run(t, VolumeCreate, in))
	f.apart(t)
	require.NotEqual(t, models.VolumeAvailable, f.status)
}
