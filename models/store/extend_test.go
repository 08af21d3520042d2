package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// extend reserves and begins, as the flow does.
func (s fixture) extend(t *testing.T, v models.Volume, to int64, inUse bool) models.Flow {
	t.Helper()
	f := flowOf(models.OpVolumeExtend, v.ID, v.ProjectID)
	require.NoError(t, s.ReserveQuota(ctx, f.ID, v.ProjectID, models.VolumeDeltas("", 0, to-v.SizeGiB), to, time.Hour))
	_, err := s.BeginExtend(ctx, v.ProjectID, v.ID, to, inUse, f)
	require.NoError(t, err)
	return f
}

func TestExtend(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		f := s.extend(t, v, 5, false)
		s.noDrift(t)
		again, err := s.BeginExtend(ctx, "p1", v.ID, 5, false, f)
		require.NoError(t, err)
		require.Equal(t, models.VolumeExtending, again.Status)
		require.Equal(t, models.VolumeAvailable, again.PreviousStatus)
		require.EqualValues(t, 2, again.SizeGiB)

		require.NoError(t, s.CommitQuota(ctx, f.ID))
		s.noDrift(t) // the ledger is ahead of the row now, and that is no drift
		done, err := s.FinishExtend(ctx, v.ID, f.ID, 5, []models.Task{{Name: "EntryExtended", State: models.TaskSuccess}})
		require.NoError(t, err)
		require.EqualValues(t, 5, done.SizeGiB)
		require.Equal(t, models.VolumeAvailable, done.Status)
		s.noDrift(t)
		twice, err := s.FinishExtend(ctx, v.ID, f.ID, 5, nil)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(done, twice))
		late, err := s.BeginExtend(ctx, "p1", v.ID, 5, false, f)
		require.NoError(t, err, "a flow that has finished finds its work done")
		require.EqualValues(t, 5, late.SizeGiB)
		inUse, reserved := s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, []int64{5, 0}, []int64{inUse, reserved})
	})
}

func TestExtendWithoutItsCommit(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		f := s.extend(t, v, 3, false)
		_, err := s.FinishExtend(ctx, v.ID, f.ID, 3, nil)
		require.NoError(t, err)
		s.noDrift(t)
	})
}

func TestBeginExtendRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 5)
		v.Status = models.VolumeInUse
		s.put(t, v)
		var refused *models.StatusError
		_, err := s.BeginExtend(ctx, "p1", v.ID, 9, false, flowOf(models.OpVolumeExtend, v.ID, "p1"))
		require.ErrorAs(t, err, &refused)
		require.Equal(t, []string{"available"}, refused.Allowed)
		_, err = s.BeginExtend(ctx, "p1", v.ID, 5, true, flowOf(models.OpVolumeExtend, v.ID, "p1"))
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "must be larger than its 5 GiB")
		f := flowOf(models.OpVolumeExtend, v.ID, "p1")
		require.NoError(t, s.AbandonFlow(ctx, f))
		_, err = s.BeginExtend(ctx, "p1", v.ID, 9, true, f)
		require.ErrorIs(t, err, models.ErrAbandoned)
		_, err = s.BeginExtend(ctx, "p2", v.ID, 9, true, flowOf(models.OpVolumeExtend, v.ID, "p2"))
		require.ErrorIs(t, err, models.ErrNotFound)
		_, err = s.BeginExtend(ctx, "p1", v.ID, 9, true, flowOf(models.OpVolumeExtend, v.ID, "p1"))
		require.NoError(t, err)
		flows, err := s.ListFlows(ctx, models.FlowQuery{Page: models.Page{Limit: -1}, States: []models.FlowState{models.FlowRunning}})
		require.NoError(t, err)
		require.Len(t, flows, 1, "a refused flow leaves no record")
	})
}

func TestExtendThatFails(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for _, committed := range []bool{false, true} {
			v := s.available(t, volumeOf("p1", 2))
			before, _ := s.usage(t, "p1", models.QuotaGigabytes)
			f := s.extend(t, v, 6, false)
			if committed {
				require.NoError(t, s.CommitQuota(ctx, f.ID))
			}
			held := models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowHeld, Status: models.VolumeErrorExtending}
			require.NoError(t, s.EndFlow(ctx, held))
			s.noDrift(t)
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{
				FlowID: f.ID, ResourceID: v.ID, State: models.FlowReverted, Status: models.EndPrevious,
			}))
			got, err := s.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, models.VolumeAvailable, got.Status)
			require.EqualValues(t, 2, got.SizeGiB)
			require.Empty(t, got.FlowID)
			after, reserved := s.usage(t, "p1", models.QuotaGigabytes)
			require.Equal(t, before, after)
			require.Zero(t, reserved)
			s.noDrift(t)
		}
	})
}
