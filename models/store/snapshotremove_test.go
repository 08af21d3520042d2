package store

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestSnapshotRemovalRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		for status, says := range map[models.SnapshotStatus][3]string{ // of delete, of force, of unmanage
			models.SnapshotAvailable:     {"", "", ""},
			models.SnapshotError:         {"", "", ""},
			models.SnapshotErrorDeleting: {"", "", "is error_deleting"},
			models.SnapshotCreating:      {"is creating", "", "is creating"},
			models.SnapshotBackingUp:     {"is backing-up", "", "is backing-up"},
			models.SnapshotRestoring:     {"is restoring", "", "is restoring"},
		} {
			for i, op := range []string{models.OpSnapshotDelete, models.OpSnapshotForceDelete, models.OpSnapshotUnmanage} {
				sn := snapshotOf(v)
				sn.Status, sn.CreatedAt, sn.UpdatedAt = status, s.now(), s.now()
				require.NoError(t, s.db.Create(&sn).Error)
				_, err := s.BeginSnapshotRemoval(ctx, "p1", sn.ID, op, s.removing(op, snapshotFlow(op, sn)))
				if says[i] != "" {
					refusedWith(t, err, says[i])
					require.Equal(t, status, s.snapshotStatus(t, sn.ID))
					continue
				}
				require.NoError(t, err)
				require.Equal(t, models.SnapshotTransition(op).To, s.snapshotStatus(t, sn.ID))
			}
		}
		sn := s.snapshot(t, v)
		_, err := s.BeginSnapshotRemoval(ctx, "p2", sn.ID, models.OpSnapshotDelete, s.removing("", snapshotFlow(models.OpSnapshotDelete, sn)))
		require.ErrorIs(t, err, models.ErrNotFound)
		odd := errors.New("odd")
		_, err = s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, func(models.Snapshot, models.Volume) (models.Flow, error) { return models.Flow{}, odd })
		require.ErrorIs(t, err, odd)
	})
}

// A snapshot is kept while a volume is being made from it, and a volume is made only from one that is there.
func TestSnapshotAndTheVolumesMadeFromIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		sn := s.snapshot(t, s.available(t, volumeOf("p1", 1)))
		made := volumeOf("p1", 1)
		made.SnapshotID = sn.ID
		made, f := s.begin(t, made)
		for _, op := range []string{models.OpSnapshotDelete, models.OpSnapshotForceDelete, models.OpSnapshotUnmanage} {
			_, err := s.BeginSnapshotRemoval(ctx, "p1", sn.ID, op, s.removing(op, snapshotFlow(op, sn)))
			refusedWith(t, err, "has volume "+made.ID+" being made from it")
		}
		_, err := s.ReadyEntry(ctx, made.ID, f.ID, "n@b#p", "", nil)
		require.NoError(t, err)
		del := snapshotFlow(models.OpSnapshotDelete, sn)
		_, err = s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, s.removing("", del))
		require.NoError(t, err)

		late := volumeOf("p1", 1)
		late.SnapshotID = sn.ID
		_, err = s.CreateEntry(ctx, late, flowOf(models.OpVolumeCreate, late.ID, "p1"))
		refusedWith(t, err, "is deleting; it must be one of [available]")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: sn.ID, State: models.FlowSuccess, Gone: true}))
		_, err = s.CreateEntry(ctx, late, flowOf(models.OpVolumeCreate, late.ID, "p1"))
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestSnapshotDeleteAndVolumeFromItHaveOneWinner(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		for range 5 {
			sn := s.snapshot(t, v)
			errs := together(2, func(i int) error {
				if i == 0 {
					_, err := s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, s.removing("", snapshotFlow(models.OpSnapshotDelete, sn)))
					return err
				}
				made := volumeOf("p1", 1)
				made.SnapshotID = sn.ID
				_, err := s.CreateEntry(ctx, made, flowOf(models.OpVolumeCreate, made.ID, "p1"))
				return err
			})
			require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
		}
	})
}

func TestVolumeWithSnapshotsIsNotDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		sn := s.snapshot(t, v)
		for _, force := range []bool{false, true} {
			_, err := s.BeginDelete(ctx, "p1", v.ID, force, flowOf(models.OpVolumeDelete, v.ID, "p1"))
			refusedWith(t, err, "has 1 dependent snapshots")
		}
		_, err := s.BeginUnmanage(ctx, "p1", v.ID, flowOf(models.OpVolumeUnmanage, v.ID, "p1"))
		refusedWith(t, err, "has 1 dependent snapshots")

		for range 5 { // a snapshot and a delete of its volume
			w := s.available(t, volumeOf("p1", 1))
			errs := together(2, func(i int) error {
				if i == 0 {
					_, err := s.BeginDelete(ctx, "p1", w.ID, false, flowOf(models.OpVolumeDelete, w.ID, "p1"))
					return err
				}
				sn := snapshotOf(w)
				_, err := s.CreateSnapshotEntry(ctx, sn, false, snapshotFlow(models.OpSnapshotCreate, sn))
				return err
			})
			require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
			require.NoError(t, s.db.Exec("DELETE FROM volumes WHERE id = ?", w.ID).Error)
		}
		require.Equal(t, models.SnapshotAvailable, s.snapshotStatus(t, sn.ID))
	})
}

func TestCascade(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		old, young := s.snapshot(t, v), s.snapshot(t, v)
		_, err := s.ResetSnapshot(ctx, old.ID, models.SnapshotError)
		require.NoError(t, err)
		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		for range 2 {
			was, err := s.BeginDeleteCascade(ctx, "p1", v.ID, false, f)
			require.NoError(t, err)
			require.Equal(t, models.VolumeAvailable, was.Status)
		}
		for _, want := range []models.Snapshot{young, old} {
			sn, of, left, err := s.NextSnapshot(ctx, f.ID)
			require.NoError(t, err)
			require.Equal(t, want.ID, sn.ID, "the newest first")
			require.Equal(t, v.ID, of.ID)
			require.Equal(t, models.SnapshotDeleting, sn.Status)
			require.Equal(t, map[string]int{young.ID: 2, old.ID: 1}[sn.ID], left)
			refusedWith(t, s.DestroySnapshot(ctx, sn.ID, s.otherFlow(t)), "does not belong")
			for range 2 {
				require.NoError(t, s.DestroySnapshot(ctx, sn.ID, f.ID))
			}
			s.noDrift(t)
		}
		_, _, left, err := s.NextSnapshot(ctx, f.ID)
		require.NoError(t, err)
		require.Zero(t, left)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
		for _, resource := range []string{models.QuotaGigabytes, models.QuotaSnapshots} {
			inUse, reserved := s.usage(t, "p1", resource)
			require.Equal(t, []int64{0, 0}, []int64{inUse, reserved}, resource)
		}
		s.noDrift(t)
	})
}

// otherFlow is the record of a flow that has nothing to do with anything.
func (s fixture) otherFlow(t testing.TB) string {
	t.Helper()
	v := s.available(t, volumeOf("p9", 1))
	f := flowOf(models.OpVolumeDelete, v.ID, "p9")
	_, err := s.BeginDelete(ctx, "", v.ID, false, f)
	require.NoError(t, err)
	return f.ID
}

func TestCascadeRefusedOrGivenUp(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		mine := s.snapshot(t, v)
		foreign, ff := s.beginSnapshot(t, snapshotOf(v))
		_, err := s.BeginDeleteCascade(ctx, "p1", v.ID, false, flowOf(models.OpVolumeDelete, v.ID, "p1"))
		refusedWith(t, err, "is creating")
		require.Equal(t, models.SnapshotAvailable, s.snapshotStatus(t, mine.ID), "all or none")
		_, err = s.ReadySnapshot(ctx, foreign.ID, ff.ID, "", nil)
		require.NoError(t, err)
		require.NoError(t, s.db.Exec("UPDATE snapshots SET project_id = 'p2' WHERE id = ?", foreign.ID).Error)
		_, err = s.BeginDeleteCascade(ctx, "p1", v.ID, true, flowOf(models.OpVolumeDelete, v.ID, "p1"))
		refusedWith(t, err, "snapshots of another project")

		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		_, err = s.BeginDeleteCascade(ctx, "", v.ID, false, f)
		require.NoError(t, err, "an admin may")
		for range 2 {
			require.NoError(t, s.UndoBeginDelete(ctx, v.ID, f.ID))
		}
		require.Equal(t, []models.SnapshotStatus{"available", "available"}, []models.SnapshotStatus{s.snapshotStatus(t, mine.ID), s.snapshotStatus(t, foreign.ID)})

		_, err = s.BeginDeleteCascade(ctx, "", v.ID, false, f)
		require.NoError(t, err)
		end := models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowHeld, Status: models.VolumeErrorDeleting, Snapshots: models.SnapshotErrorDeleting}
		require.NoError(t, s.EndFlow(ctx, end))
		require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, Status: models.VolumeDeleting, Snapshots: models.SnapshotDeleting}))
		require.Equal(t, models.SnapshotDeleting, s.snapshotStatus(t, mine.ID))
		end.State = models.FlowFailure
		require.NoError(t, s.EndFlow(ctx, end))
		sn, err := s.GetSnapshot(ctx, "", mine.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"error_deleting", ""}, []string{string(sn.Status), sn.FlowID})
		_, err = s.BeginDeleteCascade(ctx, "", v.ID, false, flowOf(models.OpVolumeDelete, v.ID, "p1"))
		require.NoError(t, err, "it may be asked for again")
	})
}

func TestUnmanage(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 1)
		v.Encrypted = true
		v = s.available(t, v)
		_, err := s.BeginUnmanage(ctx, "p1", v.ID, flowOf(models.OpVolumeUnmanage, v.ID, "p1"))
		refusedWith(t, err, "is encrypted")
		v = s.available(t, volumeOf("p1", 1))
		f := flowOf(models.OpVolumeUnmanage, v.ID, "p1")
		_, err = s.BeginUnmanage(ctx, "p1", v.ID, f)
		require.NoError(t, err)
		got, err := s.GetVolume(ctx, "", v.ID)
		require.NoError(t, err)
		require.Equal(t, models.VolumeUnmanaging, got.Status)
		_, err = s.BeginUnmanage(ctx, "p1", v.ID, flowOf(models.OpVolumeUnmanage, v.ID, "p1"))
		refusedWith(t, err, "is unmanaging")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
		s.noDrift(t)
	})
}

// A volume that is taken over counts from when its size is known; one that is not taken over counts nothing, and is nowhere.
func TestManage(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		begin := func(commit bool) (models.Volume, models.Flow) {
			v := volumeOf("p1", 0)
			v.Status, v.ConsumesQuota = models.VolumeManaging, false
			f := flowOf(models.OpVolumeManage, v.ID, "p1")
			v, err := s.CreateEntry(ctx, v, f)
			require.NoError(t, err)
			s.noDrift(t)
			_, err = s.PlaceEntry(ctx, v.ID, f.ID, 0, func([]models.PoolView) (string, error) { return "n@b#p", nil })
			require.NoError(t, err)
			require.NoError(t, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas("", 1, 7), 7, time.Hour))
			s.noDrift(t)
			if commit {
				require.NoError(t, s.CommitQuota(ctx, f.ID))
				s.noDrift(t)
			}
			return v, f
		}
		for _, commit := range []bool{true, false} {
			v, f := begin(commit)
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowFailure, Status: models.VolumeErrorManaging}))
			got, err := s.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, []string{"error_managing", ""}, []string{string(got.Status), got.Host}, "a delete of the row must not go to the node")
			inUse, reserved := s.usage(t, "p1", models.QuotaGigabytes)
			require.Equal(t, []int64{0, 0}, []int64{inUse, reserved})
			s.noDrift(t)
			del := flowOf(models.OpVolumeDelete, v.ID, "p1")
			_, err = s.BeginDelete(ctx, "p1", v.ID, false, del)
			require.NoError(t, err)
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
			s.noDrift(t)
		}
		v, f := begin(false)
		for range 2 {
			got, err := s.ReadyManaged(ctx, v.ID, f.ID, "n@b#p", "loc", 7, nil)
			require.NoError(t, err)
			require.Equal(t, models.VolumeAvailable, got.Status)
		}
		got, err := s.GetVolume(ctx, "", v.ID)
		require.NoError(t, err)
		require.Equal(t, int64(7), got.SizeGiB)
		inUse, _ := s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, int64(7), inUse, "also where the flow's own commit was skipped")
		s.noDrift(t)
		require.NotContains(t, s.log.String(), "below zero")
	})
}

func TestPlaceSnapshot(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.SavePools(ctx, "n@b", "nova", []models.PoolStats{pool("p", 10)}, s.now()))
		v := s.available(t, volumeOf("p1", 3))
		sn, f := s.beginSnapshot(t, snapshotOf(v))
		choose := func(views []models.PoolView) (string, error) { return views[0].Name, nil }
		for range 2 {
			_, err := s.PlaceSnapshot(ctx, sn.ID, f.ID, 3, choose)
			require.NoError(t, err)
		}
		views, err := s.ListPools(ctx)
		require.NoError(t, err)
		require.Equal(t, int64(3), views[0].ClaimedGiB)
		full := errors.New("full")
		_, err = s.PlaceSnapshot(ctx, sn.ID, f.ID, 3, func([]models.PoolView) (string, error) { return "", full })
		require.Equal(t, full, err)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: sn.ID, State: models.FlowReverted, Gone: true}))
		views, err = s.ListPools(ctx)
		require.NoError(t, err)
		require.Zero(t, views[0].ClaimedGiB)
		_, err = s.PlaceSnapshot(ctx, sn.ID, f.ID, 3, choose)
		require.ErrorIs(t, err, models.ErrNotFound)
		sn, _ = s.beginSnapshot(t, snapshotOf(v))
		_, err = s.PlaceSnapshot(ctx, sn.ID, f.ID, 3, choose)
		refusedWith(t, err, "does not belong")
	})
}
