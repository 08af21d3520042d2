package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestServices(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		beat := models.Service{Binary: models.BinaryVolume, Host: "n1@dir", AvailabilityZone: "nova", BackendState: "up"}
		require.NoError(t, s.Heartbeat(ctx, beat))
		require.NoError(t, s.Heartbeat(ctx, models.Service{Binary: models.BinaryScheduler, Host: "n1"}))
		sv, err := s.SetServiceDisabled(ctx, models.BinaryVolume, "n1@dir", true, "new disks")
		require.NoError(t, err)
		require.True(t, sv.Disabled)
		beat.BackendState, beat.BackendError, beat.UpdatedAt = "down", "no such folder", s.now()
		require.NoError(t, s.Heartbeat(ctx, beat))
		late := beat
		late.BackendState, late.UpdatedAt = "up", beat.UpdatedAt.Add(-time.Minute)
		require.NoError(t, s.Heartbeat(ctx, late))
		found, err := s.ListServices(ctx, models.BinaryVolume, "")
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, "new disks", found[0].DisabledReason, "a beat doesn't enable")
		require.Equal(t, "down", found[0].BackendState, "a late beat changes nothing")
		require.Equal(t, beat.UpdatedAt, found[0].UpdatedAt)
		require.Equal(t, sv.CreatedAt, found[0].CreatedAt)

		all, err := s.ListServices(ctx, "", "")
		require.NoError(t, err)
		require.Len(t, all, 2)
		none, err := s.ListServices(ctx, "", "elsewhere")
		require.NoError(t, err)
		require.Empty(t, none)
		_, err = s.SetServiceDisabled(ctx, "nothing", "n1", true, "")
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestPools(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		report := pool("a", 100)
		report.Extra = map[string]any{"data_percent": 12.5}
		require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", []models.PoolStats{report, pool("b", 50)}, s.now()))
		require.NoError(t, s.SavePools(ctx, "n1@dirty", "nova", []models.PoolStats{pool("a", 1)}, s.now()))
		views, err := s.ListPools(ctx)
		require.NoError(t, err)
		require.Len(t, views, 3)
		require.Equal(t, "n1@dir#a", views[0].Name)
		require.Equal(t, report, views[0].Stats)
		require.False(t, views[0].ServiceUp)
		require.Equal(t, "no service has reported for it", views[0].ServiceReason)

		beat := models.Service{Binary: models.BinaryVolume, Host: "n1@dir", BackendState: "up"}
		require.NoError(t, s.Heartbeat(ctx, beat))
		view := func() models.PoolView {
			views, err := s.ListPools(ctx)
			require.NoError(t, err)
			return views[0]
		}
		require.True(t, view().ServiceUp)
		s.clock.Advance(2 * time.Minute)
		require.False(t, view().ServiceUp)
		require.Contains(t, view().ServiceReason, "no sign of life for 2m0s")
		beat.BackendState, beat.BackendError = "down", "read-only"
		require.NoError(t, s.Heartbeat(ctx, beat))
		require.Equal(t, "the backend is down: read-only", view().ServiceReason)
		_, err = s.SetServiceDisabled(ctx, models.BinaryVolume, "n1@dir", true, "")
		require.NoError(t, err)
		require.True(t, view().Disabled)

		at := s.now()
		require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", []models.PoolStats{pool("a", 70)}, at))
		require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", nil, at.Add(-time.Second)))
		views, err = s.ListPools(ctx)
		require.NoError(t, err)
		require.Len(t, views, 2, "what isn't reported goes, what is older is ignored, the neighbour stays")
		require.EqualValues(t, 70, views[0].Stats.Free.GiB)
	})
}

func TestClaims(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		gather := func(at time.Time) {
			require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", []models.PoolStats{pool("a", 100), pool("b", 100)}, at))
		}
		claimed := func() (gib [2]int64, count [2]int64) {
			views, err := s.ListPools(ctx)
			require.NoError(t, err)
			return [2]int64{views[0].ClaimedGiB, views[1].ClaimedGiB}, [2]int64{views[0].ClaimedCount, views[1].ClaimedCount}
		}
		in := func(name string) func([]models.PoolView) (string, error) {
			return func([]models.PoolView) (string, error) { return "n1@dir#" + name, nil }
		}
		gather(s.now())
		v, f := s.begin(t, volumeOf("p1", 5))
		_, err := s.PlaceEntry(ctx, v.ID, f.ID, 5, in("a"))
		require.NoError(t, err)
		_, err = s.PlaceEntry(ctx, v.ID, f.ID, 5, func(pools []models.PoolView) (string, error) {
			require.Zero(t, pools[0].ClaimedGiB, "its own claim is not in its way")
			return pools[1].Name, nil
		})
		require.NoError(t, err)
		gib, count := claimed()
		require.Equal(t, [2]int64{0, 5}, gib, "placed anew, it gives up its former place")
		require.Equal(t, [2]int64{0, 1}, count)
		got, err := s.GetVolume(ctx, "", v.ID)
		require.NoError(t, err)
		require.Equal(t, "n1@dir#b", got.Host)

		gather(s.now())
		gib, _ = claimed()
		require.Equal(t, [2]int64{0, 5}, gib, "no report can show what is not made yet")
		before := s.now()
		_, err = s.ReadyEntry(ctx, v.ID, f.ID, "n1@dir#b", "", nil)
		require.NoError(t, err)
		gather(before)
		gib, _ = claimed()
		require.Equal(t, [2]int64{0, 5}, gib, "begun before the volume was ready, the report may not show it")
		gather(s.now())
		gib, count = claimed()
		require.Equal(t, [2]int64{0, 0}, gib)
		require.Equal(t, [2]int64{0, 0}, count)

		w, g := s.begin(t, volumeOf("p1", 7))
		_, err = s.PlaceEntry(ctx, w.ID, g.ID, 7, in("a"))
		require.NoError(t, err)
		require.NoError(t, s.ReleaseClaim(ctx, g.ID))
		require.NoError(t, s.ReleaseClaim(ctx, g.ID))
		gib, _ = claimed()
		require.Equal(t, [2]int64{0, 0}, gib)

		_, err = s.PlaceEntry(ctx, w.ID, g.ID, 7, in("a"))
		require.NoError(t, err)
		_, err = s.ReadyEntry(ctx, w.ID, g.ID, "n1@dir#a", "", nil)
		require.NoError(t, err)
		del := flowOf(models.OpVolumeDelete, w.ID, "p1")
		_, err = s.BeginDelete(ctx, "p1", w.ID, false, del)
		require.NoError(t, err)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: w.ID, State: models.FlowSuccess, Gone: true}))
		gib, count = claimed()
		require.Equal(t, [2]int64{0, 0}, gib, "a volume that is gone claims nothing")
		require.Equal(t, [2]int64{0, 0}, count)

		_, err = s.PlaceEntry(ctx, "gone", "nobody", 1, in("a"))
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}
