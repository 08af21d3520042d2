package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func reverting(f models.Flow) func(models.Volume, models.Snapshot) (models.Flow, error) {
	return func(models.Volume, models.Snapshot) (models.Flow, error) { return f, nil }
}

func (s fixture) revert(t testing.TB, v models.Volume, snapshotID string) (models.Flow, error) {
	t.Helper()
	f := flowOf(models.OpVolumeRevert, v.ID, "p1")
	_, err := s.BeginRevert(ctx, "p1", v.ID, snapshotID, reverting(f))
	return f, err
}

func TestRevert(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		s.snapshot(t, v)
		last := s.snapshot(t, v)
		for name, c := range map[string]struct {
			end      models.FlowEnd
			volume   models.VolumeStatus
			snapshot models.SnapshotStatus
		}{
			"done":     {models.FlowEnd{State: models.FlowSuccess, Status: models.EndPrevious, Snapshots: models.EndPrevious}, "available", "available"},
			"failed":   {models.FlowEnd{State: models.FlowFailure, Status: models.VolumeError}, "error", "available"},
			"no words": {models.FlowEnd{State: models.FlowFailure}, "reverting", "available"},
		} {
			f, err := s.revert(t, v, last.ID)
			require.NoError(t, err, name)
			was, err := s.BeginRevert(ctx, "p1", v.ID, last.ID, reverting(f))
			require.NoError(t, err, "the same flow again")
			require.Equal(t, models.VolumeAvailable, was.Status)
			got, err := s.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, []string{"reverting", f.ID}, []string{string(got.Status), got.FlowID})
			require.Equal(t, models.SnapshotRestoring, s.snapshotStatus(t, last.ID))
			_, err = s.revert(t, v, last.ID)
			refusedWith(t, err, "is reverting")
			_, err = s.BeginSnapshotRemoval(ctx, "p1", last.ID, models.OpSnapshotDelete, s.removing("", snapshotFlow(models.OpSnapshotDelete, last)))
			refusedWith(t, err, "is restoring")

			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowHeld, Status: models.VolumeError}))
			require.Equal(t, models.SnapshotRestoring, s.snapshotStatus(t, last.ID), "held, it keeps its snapshot")
			require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, Status: models.VolumeReverting}))
			c.end.FlowID, c.end.ResourceID = f.ID, v.ID
			require.NoError(t, s.EndFlow(ctx, c.end))
			got, err = s.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, []string{string(c.volume), ""}, []string{string(got.Status), got.FlowID}, name)
			require.Equal(t, c.snapshot, s.snapshotStatus(t, last.ID), name)
			s.noDrift(t)
			available := models.VolumeAvailable
			_, err = s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &available})
			require.NoError(t, err)
		}
	})
}

func TestRevertRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		w := s.available(t, volumeOf("p1", 2))
		old, last := s.snapshot(t, v), s.snapshot(t, v)
		_, err := s.revert(t, v, old.ID)
		require.ErrorIs(t, err, models.ErrInvalid)
		require.ErrorContains(t, err, "only the latest snapshot will do, which is "+last.ID)
		_, err = s.revert(t, w, last.ID)
		require.ErrorIs(t, err, models.ErrNotFound, "of another volume")
		_, err = s.BeginRevert(ctx, "p2", v.ID, last.ID, reverting(flowOf(models.OpVolumeRevert, v.ID, "p2")))
		require.ErrorIs(t, err, models.ErrNotFound)

		_, err = s.ResetSnapshot(ctx, last.ID, models.SnapshotError)
		require.NoError(t, err)
		_, err = s.revert(t, v, last.ID)
		refusedWith(t, err, "is error; it must be one of [available]")
		_, err = s.ResetSnapshot(ctx, last.ID, models.SnapshotAvailable)
		require.NoError(t, err)

		inUse := models.VolumeInUse
		_, err = s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &inUse})
		require.NoError(t, err)
		_, err = s.revert(t, v, last.ID)
		refusedWith(t, err, "is in-use")
		available := models.VolumeAvailable
		_, err = s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &available})
		require.NoError(t, err)

		made := volumeOf("p1", 2)
		made.SnapshotID = last.ID
		made, mf := s.begin(t, made)
		_, err = s.revert(t, v, last.ID)
		refusedWith(t, err, "being made from it")
		_, err = s.ReadyEntry(ctx, made.ID, mf.ID, "n@b#p", "", nil)
		require.NoError(t, err)

		del := snapshotFlow(models.OpSnapshotDelete, old)
		_, err = s.BeginSnapshotRemoval(ctx, "p1", old.ID, models.OpSnapshotDelete, s.removing("", del))
		require.NoError(t, err)
		_, err = s.revert(t, v, last.ID)
		refusedWith(t, err, "belongs to flow "+del.ID)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: old.ID, State: models.FlowSuccess, Gone: true}))

		require.NoError(t, s.db.Exec("UPDATE volumes SET size_gib = 3 WHERE id = ?", v.ID).Error)
		_, err = s.revert(t, v, last.ID)
		require.ErrorIs(t, err, models.ErrInvalid)
		require.ErrorContains(t, err, "the volume has 3 GiB and the snapshot 2; they must be equal")
		require.Equal(t, models.SnapshotAvailable, s.snapshotStatus(t, last.ID), "a refusal changes nothing")
	})
}

// A snapshot has the size that its volume had: while one is under way, the volume keeps it.
func TestExtendWaitsForSnapshots(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		sn, f := s.beginSnapshot(t, snapshotOf(v))
		extend := flowOf(models.OpVolumeExtend, v.ID, "p1")
		_, err := s.BeginExtend(ctx, "p1", v.ID, 2, false, extend)
		refusedWith(t, err, "has snapshot "+sn.ID+" under way")
		_, err = s.ReadySnapshot(ctx, sn.ID, f.ID, "", nil)
		require.NoError(t, err)
		_, err = s.BeginExtend(ctx, "p1", v.ID, 2, false, extend)
		require.NoError(t, err)
		late := snapshotOf(v)
		_, err = s.CreateSnapshotEntry(ctx, late, true, snapshotFlow(models.OpSnapshotCreate, late))
		refusedWith(t, err, "is extending")
	})
}
