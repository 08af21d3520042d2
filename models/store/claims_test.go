package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

const onePool = "n1@dir#a"

// claims are the sums of the one pool.
func (s fixture) claims(t testing.TB) (gib, count int64) {
	t.Helper()
	views, err := s.ListPools(ctx)
	require.NoError(t, err)
	require.Len(t, views, 1)
	return views[0].ClaimedGiB, views[0].ClaimedCount
}

// gather keeps a report of the one pool that was gathered just now.
func (s fixture) gather(t testing.TB) {
	t.Helper()
	require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", []models.PoolStats{pool("a", 100)}, s.now()))
}

// casting begins a volume with a claim on the one pool.
func (s fixture) casting(t testing.TB, gib int64) (models.Volume, models.Flow) {
	t.Helper()
	v, f := s.begin(t, volumeOf("p1", gib))
	_, err := s.PlaceEntry(ctx, v.ID, f.ID, gib, func([]models.PoolView) (string, error) { return onePool, nil })
	require.NoError(t, err)
	return v, f
}

func (s fixture) made(t testing.TB, gib int64) models.Volume {
	t.Helper()
	v, f := s.casting(t, gib)
	v, err := s.ReadyEntry(ctx, v.ID, f.ID, onePool, "", nil)
	require.NoError(t, err)
	return v
}

// leaving begins a removal, and returns what ends it.
func (s fixture) leaving(t testing.TB, v models.Volume, begin func(fixture, models.Volume, models.Flow) error, op string) func() {
	t.Helper()
	f := flowOf(op, v.ID, "p1")
	require.NoError(t, begin(s, v, f))
	return func() {
		t.Helper()
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
	}
}

func beginDelete(s fixture, v models.Volume, f models.Flow) error {
	_, err := s.BeginDelete(ctx, "p1", v.ID, true, f)
	return err
}

// What a delete frees can be placed at once, and is counted once: by the claim below zero or by a report, never by both.
func TestGivenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		want := func(t *testing.T, gib, count int64, why string) {
			t.Helper()
			g, n := s.claims(t)
			require.Equal(t, [2]int64{gib, count}, [2]int64{g, n}, why)
		}
		s.gather(t)
		v := s.made(t, 5)
		s.gather(t)
		want(t, 0, 0, "reported")
		gone := s.leaving(t, v, beginDelete, models.OpVolumeDelete)
		want(t, 0, 0, "not gone yet")
		meanwhile := s.now()
		gone()
		want(t, -5, -1, "gone since the report")
		gone()
		want(t, -5, -1, "ended once")
		require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", []models.PoolStats{pool("a", 100)}, meanwhile))
		want(t, 0, 0, "the next report may show it")

		v = s.made(t, 5)
		s.leaving(t, v, beginDelete, models.OpVolumeDelete)()
		want(t, 0, 0, "no report has counted it")

		v = s.made(t, 5)
		s.gather(t)
		gone = s.leaving(t, v, beginDelete, models.OpVolumeDelete)
		s.gather(t)
		gone()
		want(t, 0, 0, "the report may have seen it gone")

		never, _ := s.casting(t, 7)
		want(t, 7, 1, "")
		s.gather(t)
		s.leaving(t, never, beginDelete, models.OpVolumeDelete)()
		want(t, 0, 0, "what was never made frees nothing but its claim")

		v = s.made(t, 5)
		s.gather(t)
		s.leaving(t, v, func(s fixture, v models.Volume, f models.Flow) error {
			_, err := s.BeginUnmanage(ctx, "p1", v.ID, f)
			return err
		}, models.OpVolumeUnmanage)()
		want(t, 0, 0, "the data stays")

		v = s.made(t, 5)
		s.gather(t)
		f := s.extend(t, v, 7, false)
		_, err := s.PlaceEntry(ctx, v.ID, f.ID, 2, func([]models.PoolView) (string, error) { return onePool, nil })
		require.NoError(t, err)
		_, err = s.FinishExtend(ctx, v.ID, f.ID, 7, nil)
		require.NoError(t, err)
		want(t, 2, 1, "grown since the report")
		s.leaving(t, v, beginDelete, models.OpVolumeDelete)()
		want(t, -5, -1, "what the report counts of it")
	})
}

// A flow that is held for want of room claims none: what comes free meanwhile is for everybody.
func TestHeldForRoom(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		s.gather(t)
		v, f := s.casting(t, 7)
		held := models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowHeld, Status: models.VolumeError, FailedTask: "CreateVolume"}
		require.NoError(t, s.EndFlow(ctx, held))
		gib, _ := s.claims(t)
		require.EqualValues(t, 7, gib, "held for another reason, it may be there")
		held.Unclaim = true
		for range 2 {
			require.NoError(t, s.EndFlow(ctx, held))
			gib, count := s.claims(t)
			require.Zero(t, gib)
			require.Zero(t, count)
		}
		inUse, _ := s.usage(t, "p1", models.QuotaGigabytes)
		require.EqualValues(t, 7, inUse, "its quota stays")

		require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, Status: models.VolumeCreating}))
		_, err := s.PlaceEntry(ctx, v.ID, f.ID, 7, func([]models.PoolView) (string, error) { return onePool, nil })
		require.NoError(t, err)
		gib, _ = s.claims(t)
		require.EqualValues(t, 7, gib)
	})
}

// standing is what the one pool has claimed, and what of it is in doubt.
func (s fixture) standing(t testing.TB) [2]int64 {
	t.Helper()
	views, err := s.ListPools(ctx)
	require.NoError(t, err)
	require.Len(t, views, 1)
	return [2]int64{views[0].ClaimedGiB, views[0].InDoubtGiB}
}

// report keeps a report of the one pool that was begun at a time, and names flows.
func (s fixture) report(t testing.TB, begun time.Time, making ...string) {
	t.Helper()
	p := pool("a", 100)
	p.Making = making
	require.NoError(t, s.SavePools(ctx, "n1@dir", "nova", []models.PoolStats{p}, begun))
}

// A report that was gathered while a volume came or went may count it or not. Both are told: what counts until the next report, and how much
// more room there may be.
func TestReportsInDoubt(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		begun := s.now()
		v, f := s.casting(t, 5)
		s.report(t, begun)
		require.Equal(t, [2]int64{5, 5}, s.standing(t), "it may have been made while the report was gathered")
		_, err := s.PlaceEntry(ctx, v.ID, f.ID, 5, func(views []models.PoolView) (string, error) {
			require.Equal(t, [2]int64{}, [2]int64{views[0].ClaimedGiB, views[0].InDoubtGiB}, "its own is in nobody's way")
			return onePool, nil
		})
		require.NoError(t, err)
		require.Equal(t, [2]int64{5, 0}, s.standing(t), "placed anew, after the report")

		s.report(t, s.now(), "another", f.ID)
		require.Equal(t, [2]int64{0, 0}, s.standing(t), "the report says that it counts it")
		s.report(t, s.now(), "another")
		require.Equal(t, [2]int64{5, 5}, s.standing(t), "the try failed, there will be another")
		begun = s.now()
		_, err = s.ReadyEntry(ctx, v.ID, f.ID, onePool, "", nil)
		require.NoError(t, err)
		s.report(t, begun)
		require.Equal(t, [2]int64{5, 5}, s.standing(t), "it was made meanwhile")
		s.report(t, s.now())
		require.Equal(t, [2]int64{0, 0}, s.standing(t))

		begun = s.now()
		s.leaving(t, v, beginDelete, models.OpVolumeDelete)()
		require.Equal(t, [2]int64{-5, 0}, s.standing(t))
		s.report(t, begun)
		require.Equal(t, [2]int64{0, 5}, s.standing(t), "it may be counted still")
		s.report(t, s.now())
		require.Equal(t, [2]int64{0, 0}, s.standing(t))

		v = s.made(t, 5)
		s.report(t, s.now())
		gone := s.leaving(t, v, beginDelete, models.OpVolumeDelete)
		s.report(t, s.now())
		gone()
		require.Equal(t, [2]int64{0, 5}, s.standing(t), "the report may have been the last to see it")
		s.report(t, s.now())
		require.Equal(t, [2]int64{0, 0}, s.standing(t))
	})
}

// What is given up may be in the last report still, also after its flow's end.
func TestGivenUpInDoubt(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		s.gather(t)
		for _, making := range []bool{false, true} {
			v, f := s.casting(t, 7)
			var named []string
			if making {
				named = []string{f.ID}
			}
			s.report(t, s.now(), named...)
			for range 2 {
				require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowReverted, Status: models.VolumeError}))
				require.Equal(t, [2]int64{0, 7}, s.standing(t), "named: %t", making)
			}
			s.leaving(t, v, beginDelete, models.OpVolumeDelete)()
			require.Equal(t, [2]int64{0, 7}, s.standing(t))
			s.report(t, s.now(), named...)
			require.Equal(t, [2]int64{0, 0}, s.standing(t))
		}

		v := s.made(t, 5)
		f := s.extend(t, v, 7, false)
		_, err := s.PlaceEntry(ctx, v.ID, f.ID, 2, func([]models.PoolView) (string, error) { return onePool, nil })
		require.NoError(t, err)
		s.report(t, s.now())
		require.Equal(t, [2]int64{2, 2}, s.standing(t), "an extend claims the difference")
		require.NoError(t, s.ReleaseClaim(ctx, f.ID))
		require.NoError(t, s.ReleaseClaim(ctx, f.ID))
		require.Equal(t, [2]int64{0, 2}, s.standing(t))
		s.clock.Advance(settledGrace + time.Minute)
		removed, err := s.Purge(ctx, s.now(), time.Hour)
		require.NoError(t, err)
		require.EqualValues(t, 1, removed["claims"])
		require.Equal(t, [2]int64{0, 0}, s.standing(t), "no report came for a day")
	})
}
