package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 4))
		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		was, err := s.BeginDelete(ctx, "p1", v.ID, false, f)
		require.NoError(t, err)
		require.Equal(t, models.VolumeAvailable, was.Status)
		again, err := s.BeginDelete(ctx, "p1", v.ID, false, f)
		require.NoError(t, err)
		require.Equal(t, models.VolumeAvailable, again.Status, "the same flow gets the same answer")
		now, err := s.GetVolume(ctx, "p1", v.ID)
		require.NoError(t, err)
		require.Equal(t, models.VolumeDeleting, now.Status)
		require.Equal(t, f.ID, now.FlowID)
		s.noDrift(t)

		end := models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}
		for range 2 {
			require.NoError(t, s.EndFlow(ctx, end))
		}
		_, err = s.GetVolume(ctx, "", v.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
		inUse, _ := s.usage(t, "p1", models.QuotaGigabytes)
		require.Zero(t, inUse)
		s.noDrift(t)
	})
}

func TestBeginDeleteRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for name, c := range map[string]struct {
			change       func(*models.Volume)
			plain, force string // part of the refusal, "" = goes through
		}{
			"creating":          {func(v *models.Volume) { v.Status = models.VolumeCreating }, "is creating", ""},
			"in-use":            {func(v *models.Volume) { v.Status = models.VolumeInUse }, "is in-use", ""},
			"attached":          {func(v *models.Volume) { v.AttachStatus = models.AttachAttached }, "is attached", "is attached"},
			"migrating":         {func(v *models.Volume) { v.MigrationStatus = "migrating" }, "is migrating", "is migrating"},
			"migrated":          {func(v *models.Volume) { v.MigrationStatus = "success" }, "", ""},
			"error":             {func(v *models.Volume) { v.Status = models.VolumeError }, "", ""},
			"error_deleting":    {func(v *models.Volume) { v.Status = models.VolumeErrorDeleting }, "", ""},
			"flow that is lost": {func(v *models.Volume) { v.Status, v.FlowID = models.VolumeError, "lost" }, "", ""},
		} {
			for _, force := range []bool{false, true} {
				v := volumeOf("p1", 1)
				v.Status, v.AttachStatus = models.VolumeAvailable, models.AttachDetached
				c.change(&v)
				s.put(t, v)
				_, err := s.BeginDelete(ctx, "p1", v.ID, force, flowOf(models.OpVolumeDelete, v.ID, "p1"))
				want := c.plain
				if force {
					want = c.force
				}
				if want == "" {
					require.NoError(t, err, name)
					continue
				}
				var refused *models.StatusError
				require.ErrorAs(t, err, &refused, name)
				require.Contains(t, err.Error(), want, name)
			}
		}
		_, err := s.BeginDelete(ctx, "p2", "gone", false, flowOf(models.OpVolumeDelete, "gone", "p2"))
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestDeleteHasOneWinner(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		errs := together(20, func(int) error {
			_, err := s.BeginDelete(ctx, "p1", v.ID, false, flowOf(models.OpVolumeDelete, v.ID, "p1"))
			return err
		})
		won := 0
		for _, err := range errs {
			var refused *models.StatusError
			if err == nil {
				won++
			} else {
				require.ErrorAs(t, err, &refused)
			}
		}
		require.Equal(t, 1, won)
		open, err := s.ListFlows(ctx, models.FlowQuery{Page: models.Page{Limit: -1}, ResourceID: v.ID, Operation: models.OpVolumeDelete})
		require.NoError(t, err)
		require.Len(t, open, 1, "the losers leave no record")
	})
}

func TestUndoBeginDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		_, err := s.BeginDelete(ctx, "p1", v.ID, false, f)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, s.UndoBeginDelete(ctx, v.ID, f.ID))
		}
		got, err := s.GetVolume(ctx, "p1", v.ID)
		require.NoError(t, err)
		require.Equal(t, models.VolumeAvailable, got.Status)
		require.Empty(t, got.FlowID)
		_, err = s.GetFlow(ctx, "", f.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

// A forced delete may take a volume from a create that has not committed: the ledger must come out right whatever that create does
// afterwards.
func TestForceDeleteOverCreate(t *testing.T) {
	for name, after := range map[string]func(s fixture, f models.Flow) error{
		"it commits":    func(s fixture, f models.Flow) error { return s.CommitQuota(ctx, f.ID) },
		"it rolls back": func(s fixture, f models.Flow) error { return s.RollbackQuota(ctx, f.ID) },
		"it ends undone": func(s fixture, f models.Flow) error {
			return s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, State: models.FlowReverted, Gone: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s fixture) {
				v := volumeOf("p1", 3)
				create := flowOf(models.OpVolumeCreate, v.ID, "p1")
				require.NoError(t, s.ReserveQuota(ctx, create.ID, "p1", models.VolumeDeltas("", 1, 3), 3, 0))
				_, err := s.CreateEntry(ctx, v, create)
				require.NoError(t, err)
				del := flowOf(models.OpVolumeDelete, v.ID, "p1")
				_, err = s.BeginDelete(ctx, "p1", v.ID, true, del)
				require.NoError(t, err)
				require.NoError(t, after(s, create))
				s.noDrift(t)
				require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
				s.noDrift(t)
				inUse, reserved := s.usage(t, "p1", models.QuotaVolumes)
				require.Equal(t, []int64{0, 0}, []int64{inUse, reserved})
				require.False(t, strings.Contains(s.log.String(), "below zero"), s.log.String())
			})
		})
	}
}
