package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func backupOf(v models.Volume) models.Backup {
	id := uuid.NewString()
	return models.Backup{ID: id, ProjectID: v.ProjectID, UserID: "u1", Name: "b-" + id[:4], VolumeID: v.ID, SizeGiB: v.SizeGiB, AvailabilityZone: "nova"}
}

func backupFlow(op, id, project string) models.Flow {
	f := flowOf(op, id, project)
	f.ResourceKind = kindBackup
	return f
}

// beginBackup reserves, writes the row and commits, as a backup-create does before it goes to a data worker.
func (s fixture) beginBackup(t testing.TB, b models.Backup, inUse bool) (models.Backup, models.Flow) {
	t.Helper()
	f := backupFlow(models.OpBackupCreate, b.ID, b.ProjectID)
	require.NoError(t, s.ReserveQuota(ctx, f.ID, b.ProjectID, models.BackupDeltas(1, b.SizeGiB), 0, time.Hour))
	b, err := s.CreateBackupEntry(ctx, b, inUse, f)
	require.NoError(t, err)
	require.NoError(t, s.CommitQuota(ctx, f.ID))
	return b, f
}

func (s fixture) backup(t testing.TB, b models.Backup) models.Backup {
	t.Helper()
	b, f := s.beginBackup(t, b, false)
	b, err := s.ReadyBackup(ctx, b.ID, f.ID, "node1", models.BackupData{Objects: 3, Stored: 99}, nil)
	require.NoError(t, err)
	return b
}

// stands holds the statuses of a backup and its volume.
func (s fixture) stands(t testing.TB, backupID string, backup models.BackupStatus, volumeID string, volume models.VolumeStatus) {
	t.Helper()
	b, err := s.GetBackup(ctx, "", backupID)
	if backup == models.EndGone {
		require.ErrorIs(t, err, models.ErrNotFound)
	} else {
		require.NoError(t, err)
		require.Equal(t, backup, b.Status)
		require.Equal(t, backup.FlowOwned(), b.FlowID != "" && b.Status.FlowOwned())
	}
	v, err := s.GetVolume(ctx, "", volumeID)
	require.NoError(t, err)
	require.Equal(t, volume, v.Status)
}

func (s fixture) removingBackup(f models.Flow) func(models.Backup) (models.Flow, error) {
	return func(models.Backup) (models.Flow, error) { return f, nil }
}

func TestBackupFromBeginningToEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 4))
		asked := backupOf(v)
		asked.Metadata = map[string]string{"k": "v"}
		b, f := s.beginBackup(t, asked, false)
		s.stands(t, b.ID, models.BackupCreating, v.ID, models.VolumeBackingUp)
		require.Equal(t, b.CreatedAt, b.DataTimestamp)
		again, err := s.CreateBackupEntry(ctx, asked, false, f)
		require.NoError(t, err)
		require.Equal(t, b, again, "the same flow gets its row")
		s.noDrift(t)
		for range 2 {
			b, err = s.ReadyBackup(ctx, b.ID, f.ID, "node1", models.BackupData{Objects: 3, Stored: 99}, []models.Task{{Name: "EntryReady", State: models.TaskSuccess}})
			require.NoError(t, err)
		}
		s.stands(t, b.ID, models.BackupAvailable, v.ID, models.VolumeAvailable)
		got, err := s.GetBackup(ctx, "p1", b.ID)
		require.NoError(t, err)
		require.Equal(t, []any{"node1", int64(3), int64(99), "v", "", int64(0)}, []any{got.Host, got.ObjectCount, got.StoredBytes, got.Metadata["k"], got.FlowID, got.Dependents})
		for resource, want := range map[string]int64{"backups": 1, "backup_gigabytes": 4, "gigabytes": 4} {
			inUse, reserved := s.usage(t, "p1", resource)
			require.Equal(t, []int64{want, 0}, []int64{inUse, reserved}, resource)
		}
		s.noDrift(t)

		child := backupOf(v)
		child.ParentID = b.ID
		child = s.backup(t, child)
		got, err = s.GetBackup(ctx, "p1", b.ID)
		require.NoError(t, err)
		require.Equal(t, int64(1), got.Dependents)
		del := backupFlow(models.OpBackupDelete, b.ID, "p1")
		for _, op := range []string{models.OpBackupDelete, models.OpBackupForceDelete} {
			_, err = s.BeginBackupRemoval(ctx, "p1", b.ID, op, s.removingBackup(del))
			refusedWith(t, err, "incremental backups exist for this backup")
		}
		for _, one := range []models.Backup{child, b} {
			del := backupFlow(models.OpBackupDelete, one.ID, "p1")
			for range 2 {
				was, err := s.BeginBackupRemoval(ctx, "p1", one.ID, models.OpBackupDelete, s.removingBackup(del))
				require.NoError(t, err)
				require.Equal(t, models.BackupAvailable, was.Status)
			}
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: one.ID, State: models.FlowSuccess, Gone: true}))
			s.stands(t, one.ID, models.EndGone, v.ID, models.VolumeAvailable)
		}
		inUse, _ := s.usage(t, "p1", "backups")
		require.Zero(t, inUse)
		s.noDrift(t)
	})
}

func TestBackupRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		refused := func(change func(*models.Backup), inUse bool, says string) {
			b := backupOf(v)
			change(&b)
			_, err := s.CreateBackupEntry(ctx, b, inUse, backupFlow(models.OpBackupCreate, b.ID, "p1"))
			refusedWith(t, err, says)
			_, err = s.GetBackup(ctx, "", b.ID)
			require.ErrorIs(t, err, models.ErrNotFound)
		}
		refused(func(b *models.Backup) { b.SizeGiB = 1 }, false, "has grown to 2 GiB meanwhile")
		s.set(t, v.ID, models.VolumeInUse)
		refused(func(*models.Backup) {}, false, "is in-use; it must be one of [available]")
		_, f := s.beginBackup(t, backupOf(v), true)
		s.stands(t, f.ResourceID, models.BackupCreating, v.ID, models.VolumeBackingUp)
		refused(func(*models.Backup) {}, true, "is backing-up; it must be one of [available in-use]")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: f.ResourceID, State: models.FlowFailure, Backups: models.BackupError, Error: strings.Repeat("é", 300)}))
		s.stands(t, f.ResourceID, models.BackupError, v.ID, models.VolumeInUse)
		failed, err := s.GetBackup(ctx, "", f.ResourceID)
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("é", 255), failed.FailReason)
		refused(func(b *models.Backup) { b.ParentID = failed.ID }, true, "is error; it must be one of [available]")
		s.stands(t, failed.ID, models.BackupError, v.ID, models.VolumeInUse)

		_, err = s.ParentFor(ctx, backupOf(v))
		require.ErrorIs(t, err, models.ErrNotFound)
		_, err = s.ImportBackupEntry(ctx, failed, backupFlow(models.OpBackupImport, failed.ID, "p1"))
		require.ErrorIs(t, err, models.ErrExists)
		s.noDrift(t)
	})
}

func TestBackupOfASnapshotAndItsParent(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		old := s.backup(t, backupOf(v))
		sn := s.snapshot(t, v)
		young := s.backup(t, backupOf(v))
		parent, err := s.ParentFor(ctx, backupOf(v))
		require.NoError(t, err)
		require.Equal(t, young.ID, parent.ID, "the newest")
		b := backupOf(v)
		b.SnapshotID, b.DataTimestamp = sn.ID, sn.CreatedAt
		parent, err = s.ParentFor(ctx, b)
		require.NoError(t, err)
		require.Equal(t, old.ID, parent.ID, "one older than the snapshot")
		for _, change := range []func(*models.Backup){
			func(b *models.Backup) { b.ProjectID = "p2" }, func(b *models.Backup) { b.Container = "other" }, func(b *models.Backup) { b.SizeGiB = 1 },
		} {
			other := backupOf(v)
			change(&other)
			_, err = s.ParentFor(ctx, other)
			require.ErrorIs(t, err, models.ErrNotFound)
		}

		b, f := s.beginBackup(t, b, false)
		s.stands(t, b.ID, models.BackupCreating, v.ID, models.VolumeAvailable)
		require.Equal(t, models.SnapshotBackingUp, s.snapshotStatus(t, sn.ID))
		_, err = s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, s.removing("", snapshotFlow(models.OpSnapshotDelete, sn)))
		refusedWith(t, err, "is backing-up")
		// Held, resumed, aborted: the snapshot is free again and the row gone with its quota.
		hold := models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, State: models.FlowHeld, Backups: models.BackupError, FailedTask: "BackupChunks", Error: "store away"}
		require.NoError(t, s.EndFlow(ctx, hold))
		s.stands(t, b.ID, models.BackupError, v.ID, models.VolumeAvailable)
		require.Equal(t, models.SnapshotBackingUp, s.snapshotStatus(t, sn.ID))
		require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, Backups: models.BackupCreating}))
		s.stands(t, b.ID, models.BackupCreating, v.ID, models.VolumeAvailable)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, State: models.FlowReverted, Gone: true}))
		s.stands(t, b.ID, models.EndGone, v.ID, models.VolumeAvailable)
		require.Equal(t, models.SnapshotAvailable, s.snapshotStatus(t, sn.ID))
		s.noDrift(t)
	})
}

func TestRestoreOfABackup(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		b := s.backup(t, backupOf(v))
		begin := func(volumeID string) (models.Flow, error) {
			f := backupFlow(models.OpBackupRestore, b.ID, "p1")
			_, err := s.BeginRestore(ctx, "p1", b.ID, volumeID, f)
			return f, err
		}
		small := s.available(t, volumeOf("p1", 1))
		_, err := begin(small.ID)
		refusedWith(t, err, "is of 2 GiB; a volume of 1 GiB is too small for it")
		s.set(t, small.ID, models.VolumeInUse)
		_, err = begin(small.ID)
		refusedWith(t, err, "is in-use; it must be one of [available error_restoring]")
		s.stands(t, b.ID, models.BackupAvailable, small.ID, models.VolumeInUse)

		moving := s.available(t, volumeOf("p1", 2))
		_, err = s.BeginMove(ctx, "p1", moving.ID, models.OpVolumeMigrate, false, false, flowOf(models.OpVolumeMigrate, moving.ID, "p1"))
		require.NoError(t, err)
		_, err = begin(moving.ID)
		refusedWith(t, err, "which is RUNNING")

		f, err := begin(v.ID)
		require.NoError(t, err)
		s.stands(t, b.ID, models.BackupRestoring, v.ID, models.VolumeRestoringBackup)
		_, err = s.BeginRestore(ctx, "p1", b.ID, v.ID, f)
		require.NoError(t, err, "the same flow gets the same answer")
		other := s.available(t, volumeOf("p1", 2))
		_, err = begin(other.ID)
		refusedWith(t, err, "is restoring; it must be one of [available]")
		s.stands(t, b.ID, models.BackupRestoring, other.ID, models.VolumeAvailable)

		end := models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, State: models.FlowHeld, Status: models.VolumeErrorRestoring, Error: "odd"}
		require.NoError(t, s.EndFlow(ctx, end))
		s.stands(t, b.ID, models.BackupRestoring, v.ID, models.VolumeErrorRestoring)
		second := s.backup(t, backupOf(s.available(t, volumeOf("p1", 2))))
		_, err = s.BeginRestore(ctx, "p1", second.ID, v.ID, backupFlow(models.OpBackupRestore, second.ID, "p1"))
		refusedWith(t, err, "belongs to flow "+f.ID+", which is HELD")
		s.stands(t, second.ID, models.BackupAvailable, v.ID, models.VolumeErrorRestoring)
		require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, Status: models.VolumeRestoringBackup}))
		s.stands(t, b.ID, models.BackupRestoring, v.ID, models.VolumeRestoringBackup)
		end.State = models.FlowFailure
		require.NoError(t, s.EndFlow(ctx, end))
		s.stands(t, b.ID, models.BackupAvailable, v.ID, models.VolumeErrorRestoring)
		f, err = begin(v.ID)
		require.NoError(t, err, "a volume that was half restored takes a new restore")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, State: models.FlowSuccess, Status: models.VolumeAvailable}))
		s.stands(t, b.ID, models.BackupAvailable, v.ID, models.VolumeAvailable)

		// A volume from a backup owns it until it is ready, or gone.
		for _, ready := range []bool{true, false} {
			made := volumeOf("p1", 2)
			f := flowOf(models.OpVolumeCreate, made.ID, "p1")
			made, err = s.CreateEntryFromBackup(ctx, made, b.ID, f)
			require.NoError(t, err)
			s.stands(t, b.ID, models.BackupRestoring, made.ID, models.VolumeRestoringBackup)
			late := volumeOf("p1", 2)
			_, err = s.CreateEntryFromBackup(ctx, late, b.ID, flowOf(models.OpVolumeCreate, late.ID, "p1"))
			refusedWith(t, err, "is restoring; it must be one of [available]")
			_, err = s.GetVolume(ctx, "", late.ID)
			require.ErrorIs(t, err, models.ErrNotFound)
			if ready {
				_, err = s.ReadyEntry(ctx, made.ID, f.ID, "n@b#p", "", nil)
				require.NoError(t, err)
				s.stands(t, b.ID, models.BackupAvailable, made.ID, models.VolumeAvailable)
				continue
			}
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: made.ID, State: models.FlowReverted, Gone: true}))
			s.stands(t, b.ID, models.BackupAvailable, v.ID, models.VolumeAvailable)
		}
	})
}

func TestBackupListsAndChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		var ids []string
		for i := range 5 {
			b := backupOf(v)
			b.Metadata = map[string]string{"n": string(rune('0' + i))}
			ids = append(ids, s.backup(t, b).ID)
		}
		page, err := s.ListBackups(ctx, models.BackupQuery{ProjectID: "p1", Page: models.Page{Limit: 2}})
		require.NoError(t, err)
		require.Equal(t, []string{ids[4], ids[3]}, []string{page[0].ID, page[1].ID})
		page, err = s.ListBackups(ctx, models.BackupQuery{ProjectID: "p1", Page: models.Page{Limit: -1, Marker: ids[3]}, Equal: map[string][]string{"volume_id": {v.ID}}})
		require.NoError(t, err)
		require.Len(t, page, 3)
		page, err = s.ListBackups(ctx, models.BackupQuery{ProjectID: "p1", Page: models.Page{Limit: -1}, Metadata: map[string]string{"n": "2"}})
		require.NoError(t, err)
		require.Equal(t, ids[2], page[0].ID)
		n, err := s.CountBackups(ctx, models.BackupQuery{ProjectID: "p2"})
		require.NoError(t, err)
		require.Zero(t, n)
		_, err = s.ListBackups(ctx, models.BackupQuery{ProjectID: "p1", Page: models.Page{Limit: 1}, Equal: map[string][]string{"odd": {"x"}}})
		require.ErrorIs(t, err, models.ErrInvalid)

		name := "new"
		b, err := s.UpdateBackup(ctx, "p1", ids[0], models.BackupPatch{Name: &name, Metadata: map[string]string{"a": "b"}})
		require.NoError(t, err)
		require.Equal(t, []string{"new", "b"}, []string{b.Name, b.Metadata["a"]})
		_, err = s.UpdateBackup(ctx, "p2", ids[0], models.BackupPatch{Name: &name})
		require.ErrorIs(t, err, models.ErrNotFound)
		require.NoError(t, s.NoteVerified(ctx, ids[0], "block 3 is odd"))
		b, err = s.GetBackup(ctx, "p1", ids[0])
		require.NoError(t, err)
		require.Equal(t, "block 3 is odd", b.VerifyError)
		require.False(t, b.VerifiedAt.IsZero())

		making, f := s.beginBackup(t, backupOf(v), false)
		_, err = s.ResetBackup(ctx, making.ID, models.BackupError)
		require.NoError(t, err)
		_, err = s.ReadyBackup(ctx, making.ID, f.ID, "n", models.BackupData{}, nil)
		refusedWith(t, err, "does not belong to flow")
		s.noDrift(t)
	})
}

// set writes a volume's status as a client-owned operation would.
func (s fixture) set(t testing.TB, volumeID string, to models.VolumeStatus) {
	t.Helper()
	require.NoError(t, s.db.Exec("UPDATE volumes SET status = ? WHERE id = ?", string(to), volumeID).Error)
}
