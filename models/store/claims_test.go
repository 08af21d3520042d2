package store

import (
	"testing"

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
