package workflows

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const backupID = "7a1c2f70-33a1-4b43-9a3a-0a9c3a5d1e44"

// shelf is a backup store and the rows of one backup, beside what world has.
type shelf struct {
	*world
	stored    bool // something lies in the store
	restored  flow.RestoreChunksInput
	read      flow.BackupChunksInput
	verified  string
	temporary bool // the volume is in use
	keep      bool // the backend keeps the snapshot for the next backup
	quiesce   string
	guests    []flow.HostNode
	ways      []flow.MoveWay // to the volume, whose own host has no data worker
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{world: newWorld(t)}
	register(s.world, flow.TaskExtractBackupRequest, func(in flow.BackupCreateInput) (flow.BackupSpec, error) {
		spec := flow.BackupSpec{
			Backup: models.Backup{ID: in.ResourceID, VolumeID: in.VolumeID, SizeGiB: 10}, Volume: models.StorageVolume{Name: "volume-" + volumeID}, Host: "n1@a#p",
			Quota: models.BackupDeltas(1, 10)[1:],
		}
		spec.InUse, spec.Keep = s.temporary, s.keep
		if s.temporary || s.keep {
			spec.Temporary, spec.Snapshot = true, &models.StorageSnapshot{ID: backupID, Name: "snapshot-" + backupID, Volume: spec.Volume}
		}
		spec.Guests = s.guests
		return spec, nil
	})
	cast := func(in flow.BackupCastInput) (flow.BackupCastResult, error) {
		if in.Host != "" {
			out := flow.BackupCastResult{Host: flow.HostOf(in.Host)}
			if !in.Near {
				out.Ways = s.ways
			}
			return out, nil
		}
		return flow.BackupCastResult{Host: in.Prefer}, nil
	}
	register(s.world, flow.TaskBackupCast, cast)
	register(s.world, flow.TaskRestoreCast, cast)
	register(s.world, flow.TaskBackupChunks, func(in flow.BackupChunksInput) (flow.StoredBackupResult, error) {
		s.read, s.stored = in, true
		return flow.StoredBackupResult{Data: models.BackupData{Objects: 3}}, nil
	})
	register(s.world, flow.TaskDeleteBackupData, func(flow.StoredBackupInput) (any, error) { s.stored = false; return nil, nil })
	register(s.world, flow.TaskReadBackupRecord, func(flow.StoredBackupInput) (flow.StoredBackupResult, error) {
		return flow.StoredBackupResult{Data: models.BackupData{Objects: 5}}, nil
	})
	register(s.world, flow.TaskVerifyBackup, func(flow.StoredBackupInput) (flow.StoredBackupResult, error) {
		return flow.StoredBackupResult{Problem: "pack 3 is odd"}, nil
	})
	register(s.world, flow.TaskEntryVerified, func(in flow.EntryVerifiedInput) (any, error) { s.verified = in.Problem; return nil, nil })
	register(s.world, flow.TaskExtractRestoreRequest, func(in flow.BackupRestoreInput) (flow.RestoreSpec, error) {
		return flow.RestoreSpec{Backup: flow.StoredBackup{ID: in.ResourceID}, Volume: models.StorageVolume{Name: "volume-" + volumeID}, Host: "n1@a#p"}, nil
	})
	register(s.world, flow.TaskRestoreChunks, func(in flow.RestoreChunksInput) (any, error) { s.restored = in; return nil, nil })
	register(s.world, flow.TaskEntryRestored, s.end)
	register(s.world, flow.TaskKeepBase, func(in flow.NodeInput) (flow.NodeResult, error) {
		if !s.disks[in.Snapshot.Name] {
			return flow.NodeResult{}, wire.Error(&flow.Error{Type: flow.ErrNotFound})
		}
		return flow.NodeResult{Snapshot: in.Snapshot}, nil
	})
	return s
}

func backupHeader(op flow.Operation, tasks []string) flow.Header {
	h := header(op, tasks)
	h.FlowID, h.ResourceID = flow.ID(op, backupID, "req-1"), backupID
	return h
}

func (s *shelf) make(t *testing.T) error {
	t.Helper()
	s.update(0, flow.UpdateAccepted, &s.reply)
	return s.run(t, BackupCreate, flow.BackupCreateInput{
		Header: backupHeader(flow.BackupCreate, flow.BackupCreateTasks(s.temporary)), VolumeID: volumeID, Metadata: map[string]string{"k": "v"}, Quiesce: s.quiesce,
	})
}

func TestBackupCreateRunsTheChain(t *testing.T) {
	for _, temporary := range []bool{false, true} {
		s := newShelf(t)
		s.temporary = temporary
		require.NoError(t, s.make(t))
		require.NoError(t, s.reply)
		require.Equal(t, backupID, s.told.(flow.BackupResult).Backup.ID)
		require.Equal(t, flow.BackupCreateTasks(temporary), s.calls)
		require.Equal(t, models.FlowSuccess, s.state)
		require.True(t, s.stored)
		require.Empty(t, s.disks, "no temporary snapshot is left")
		require.Equal(t, temporary, s.read.Snapshot != nil)
		require.Equal(t, int64(10), s.quota)
		require.NotContains(t, s.request, "metadata", "it travels once")
	}
}

// However a backup ends, its temporary snapshot is gone.
func TestBackupCreateThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		plan  func(*shelf)
		gone  bool // the row is undone, and what lay in the store with it
		store bool
		told  flow.ErrorType
	}{
		"over quota":       {plan: func(s *shelf) { s.failing(flow.TaskQuotaReserve, 1, flow.ErrOverQuota) }, gone: true, told: flow.ErrOverQuota},
		"status":           {plan: func(s *shelf) { s.failing(flow.TaskEntryCreate, 1, flow.ErrInvalidStatus) }, gone: true, told: flow.ErrInvalidStatus},
		"no snapshot":      {plan: func(s *shelf) { s.failing(flow.TaskCreateSnapshot, 1, flow.ErrNotSupported) }},
		"refused by store": {plan: func(s *shelf) { s.failing(flow.TaskBackupChunks, 1, flow.ErrCertain) }},
		"held in vain":     {plan: func(s *shelf) { s.failing(flow.TaskBackupChunks, moveAttempts, flow.ErrUnavailable) }},
		"held and aborted": {plan: func(s *shelf) {
			s.failing(flow.TaskBackupChunks, 1, flow.ErrNoSpace)
			s.update(time.Hour, flow.UpdateAbort, new(error))
		}, gone: true},
		"full when ready": {plan: func(s *shelf) { s.failing(flow.TaskEntryReady, 9, flow.ErrNotFound) }, store: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			s.temporary = true
			c.plan(s)
			require.Error(t, s.make(t))
			require.Empty(t, s.disks, "no temporary snapshot is left")
			if c.gone {
				require.True(t, s.last.Gone)
				require.False(t, s.stored)
			} else if !c.store {
				require.Equal(t, models.BackupError, s.last.Backups)
				require.Equal(t, models.FlowFailure, s.state)
			}
			if c.told != "" {
				require.Equal(t, c.told, wire.Parse(s.reply).Type)
			}
		})
	}
}

func TestHeldBackupGoesOn(t *testing.T) {
	s := newShelf(t)
	s.temporary = true
	s.failing(flow.TaskBackupChunks, 1, flow.ErrNoSpace)
	s.update(time.Hour, flow.UpdateRetry, new(error))
	require.NoError(t, s.make(t))
	require.Equal(t, models.FlowSuccess, s.state)
	require.Equal(t, 2, count(s.calls, flow.TaskBackupChunks))
	require.Equal(t, 1, count(s.calls, flow.TaskCreateSnapshot), "the same snapshot is read on")
	require.Empty(t, s.disks)
}

func count(calls []string, task string) int {
	return len(slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != task }))
}

func TestBackupRestore(t *testing.T) {
	restore := func(s *shelf) error {
		s.update(0, flow.UpdateAccepted, &s.reply)
		return s.run(t, BackupRestore, flow.BackupRestoreInput{Header: backupHeader(flow.BackupRestore, flow.BackupRestoreTasks()), VolumeID: volumeID})
	}
	s := newShelf(t)
	require.NoError(t, restore(s))
	require.Equal(t, flow.BackupRestoreTasks(), s.calls)
	require.Equal(t, models.VolumeAvailable, s.status)
	require.False(t, s.restored.Fresh, "what a volume held is never trusted")

	s = newShelf(t)
	s.failing(flow.TaskRestoreChunks, 1, flow.ErrCertain)
	require.Error(t, restore(s))
	require.Equal(t, models.VolumeErrorRestoring, s.status)
	require.NoError(t, s.reply)

	s = newShelf(t)
	s.failing(flow.TaskRestoreChunks, 1, flow.ErrBackendDown)
	s.update(time.Hour, flow.UpdateRetry, new(error))
	require.NoError(t, restore(s))
	require.Equal(t, models.VolumeAvailable, s.status)

	s = newShelf(t)
	s.failing(flow.TaskEntryCreate, 1, flow.ErrInvalidStatus)
	require.Error(t, restore(s))
	require.Equal(t, flow.ErrInvalidStatus, wire.Parse(s.reply).Type)
	require.Equal(t, models.FlowReverted, s.state)
	require.Zero(t, count(s.calls, flow.TaskRestoreChunks))
}

func TestBackupDeleteImportVerify(t *testing.T) {
	s := newShelf(t)
	s.stored = true
	require.NoError(t, s.run(t, BackupDelete, flow.BackupRemoveInput{Header: backupHeader(flow.BackupDelete, flow.BackupDeleteTasks()), Host: "n2"}))
	require.Equal(t, flow.BackupDeleteTasks(), s.calls)
	require.True(t, s.last.Gone)
	require.False(t, s.stored)

	s = newShelf(t)
	s.failing(flow.TaskDeleteBackupData, 1, flow.ErrCertain)
	require.Error(t, s.run(t, BackupDelete, flow.BackupRemoveInput{Header: backupHeader(flow.BackupDelete, flow.BackupDeleteTasks()), Host: "n2"}))
	require.Equal(t, models.BackupErrorDeleting, s.last.Backups)

	s = newShelf(t)
	s.update(0, flow.UpdateAccepted, &s.reply)
	in := flow.BackupImportInput{Header: backupHeader(flow.BackupImport, flow.BackupImportTasks()), Backup: models.Backup{ID: backupID, SizeGiB: 1, Host: "n2"}}
	require.NoError(t, s.run(t, BackupImport, in))
	require.Equal(t, flow.BackupImportTasks(), s.calls)
	s = newShelf(t)
	s.failing(flow.TaskReadBackupRecord, 1, flow.ErrNotFound)
	require.Error(t, s.run(t, BackupImport, in))
	require.Equal(t, models.BackupError, s.last.Backups)

	s = newShelf(t)
	require.NoError(t, s.run(t, BackupVerify, flow.BackupVerifyInput{Header: backupHeader(flow.BackupVerify, flow.BackupVerifyTasks()), Host: "n2"}))
	require.Equal(t, "pack 3 is odd", s.verified)
}

func TestVolumeFromBackup(t *testing.T) {
	s := newShelf(t)
	from := &flow.StoredBackup{ID: backupID}
	s.backupOfCreate = from
	s.update(0, flow.UpdateAccepted, &s.reply)
	in := flow.VolumeCreateInput{Header: header(flow.VolumeCreate, flow.VolumeFromBackupTasks()), SizeGiB: 10, BackupID: backupID}
	require.NoError(t, s.run(t, VolumeCreate, in))
	require.Equal(t, flow.VolumeFromBackupTasks(), s.calls)
	require.True(t, s.restored.Fresh)
	require.Equal(t, models.VolumeAvailable, s.status)

	s = newShelf(t)
	s.backupOfCreate = from
	s.failing(flow.TaskRestoreChunks, 1, flow.ErrNoSpace)
	s.update(time.Hour, flow.UpdateAbort, new(error))
	require.Error(t, s.run(t, VolumeCreate, in))
	require.True(t, s.last.Gone)
	require.Empty(t, s.disks, "what was made is taken back")
}

func TestBackupTidy(t *testing.T) {
	for name, c := range map[string]struct {
		host  string
		calls []string
	}{
		"the volume is there": {"n1@a#p", flow.BackupTidyTasks()},
		"it is gone":          {"", []string{flow.TaskExtractTidyRequest, flow.TaskEntryTidied}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			left := models.StorageSnapshot{ID: backupID, Name: "snapshot-" + backupID, Volume: models.StorageVolume{Name: "volume-" + volumeID}}
			s.disks[left.Name] = true
			register(s.world, flow.TaskExtractTidyRequest, func(in flow.BackupTidyInput) (flow.TidySpec, error) {
				return flow.TidySpec{Host: c.host, Snapshot: left}, nil
			})
			register(s.world, flow.TaskEntryTidied, s.end)
			require.NoError(t, s.run(t, BackupTidy, flow.BackupTidyInput{Header: backupHeader(flow.BackupTidy, flow.BackupTidyTasks()), VolumeID: volumeID}))
			require.Equal(t, c.calls, s.calls)
			require.Equal(t, models.FlowSuccess, s.state)
			require.Equal(t, c.host == "", s.disks[left.Name])
		})
	}
}
