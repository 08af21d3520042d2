package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for _, m := range []models.Message{
			{ID: "m1", ProjectID: "p1", EventID: "E1", Level: "ERROR", ResourceType: "VOLUME", ResourceID: "v1", RequestID: "r1"},
			{ID: "m2", ProjectID: "p1", EventID: "E2", Level: "ERROR", ResourceType: "VOLUME", ResourceID: "v2"},
			{ID: "m3", ProjectID: "p2", EventID: "E1", Level: "ERROR"},
			{ID: "m1", ProjectID: "p1", EventID: "again"},
		} {
			require.NoError(t, s.AddMessage(ctx, m))
		}
		list := func(q models.MessageQuery) (names string) {
			q.Limit = -1
			found, err := s.ListMessages(ctx, q)
			require.NoError(t, err)
			for _, m := range found {
				names += m.ID
			}
			return names
		}
		require.Equal(t, "m2m1", list(models.MessageQuery{ProjectID: "p1"}))
		require.Equal(t, "m3m2m1", list(models.MessageQuery{}))
		require.Equal(t, "m1", list(models.MessageQuery{ProjectID: "p1", Equal: map[string]string{"resource_uuid": "v1", "event_id": "E1"}}))
		require.Equal(t, "m1", list(models.MessageQuery{ProjectID: "p1", Page: models.Page{Marker: "m2"}}))
		_, err := s.ListMessages(ctx, models.MessageQuery{Equal: map[string]string{"nonsense": ""}})
		require.ErrorIs(t, err, models.ErrInvalid)

		m, err := s.GetMessage(ctx, "p1", "m1")
		require.NoError(t, err)
		require.Equal(t, "E1", m.EventID)
		require.Equal(t, m.CreatedAt.Add(30*24*time.Hour), m.ExpiresAt)
		_, err = s.GetMessage(ctx, "p2", "m1")
		require.ErrorIs(t, err, models.ErrNotFound)
		require.ErrorIs(t, s.DeleteMessage(ctx, "p2", "m1"), models.ErrNotFound)
		require.NoError(t, s.DeleteMessage(ctx, "p1", "m1"))
		require.ErrorIs(t, s.DeleteMessage(ctx, "p1", "m1"), models.ErrNotFound)
	})
}

func TestIdempotencyKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		key := models.IdempotencyKey{ProjectID: "p1", Key: "k", BodyHash: "h", ResourceID: "v1", FlowID: "f1", ExpiresAt: s.now().Add(time.Hour)}
		got, ours, err := s.ClaimKey(ctx, key)
		require.NoError(t, err)
		require.True(t, ours)
		other := key
		other.BodyHash, other.ResourceID, other.FlowID = "h2", "v2", "f2"
		earlier, ours, err := s.ClaimKey(ctx, other)
		require.NoError(t, err)
		require.False(t, ours)
		require.Equal(t, got, earlier)
		require.NoError(t, s.ReleaseKey(ctx, "p1", "k", "f2"))
		_, ours, err = s.ClaimKey(ctx, other)
		require.NoError(t, err)
		require.False(t, ours, "another flow can't free it")
		require.NoError(t, s.ReleaseKey(ctx, "p1", "k", "f1"))
		_, ours, err = s.ClaimKey(ctx, other)
		require.NoError(t, err)
		require.True(t, ours)
		s.clock.Advance(2 * time.Hour)
		key.ExpiresAt = s.now().Add(time.Hour)
		again, ours, err := s.ClaimKey(ctx, key)
		require.NoError(t, err)
		require.True(t, ours, "an expired key is free")
		require.Equal(t, "v1", again.ResourceID)

		results := make([]bool, 20)
		burst := key
		burst.Key = "burst"
		for _, err := range together(20, func(i int) (err error) {
			_, results[i], err = s.ClaimKey(ctx, burst)
			return err
		}) {
			require.NoError(t, err)
		}
		won := 0
		for _, r := range results {
			if r {
				won++
			}
		}
		require.Equal(t, 1, won)
	})
}

func TestPurge(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.SavePools(ctx, "n@b", "nova", []models.PoolStats{pool("p", 100)}, s.now()))
		old := s.available(t, volumeOf("p1", 1))
		v, running := s.begin(t, volumeOf("p1", 1))
		_, err := s.PlaceEntry(ctx, v.ID, running.ID, 1, func([]models.PoolView) (string, error) { return "n@b#p", nil })
		require.NoError(t, err)
		abandoned := flowOf(models.OpVolumeCreate, "v9", "p1")
		require.NoError(t, s.ReserveQuota(ctx, abandoned.ID, "p1", models.VolumeDeltas("", 1, 1), 1, time.Hour))
		require.NoError(t, s.AbandonFlow(ctx, abandoned))
		require.NoError(t, s.ReserveQuota(ctx, "never began", "p1", models.VolumeDeltas("", 1, 1), 1, time.Hour))
		require.NoError(t, s.AddMessage(ctx, models.Message{ID: "m", ProjectID: "p1"}))
		_, _, err = s.ClaimKey(ctx, models.IdempotencyKey{ProjectID: "p1", Key: "k", ExpiresAt: s.now().Add(time.Minute)})
		require.NoError(t, err)
		require.NoError(t, s.db.Create(&models.Claim{FlowID: abandoned.ID, Pool: "n@b#p", GiB: 1}).Error)

		removed, err := s.Purge(ctx, s.now(), time.Hour)
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"messages": 0, "idempotency_keys": 0, "reservations": 4, "claims": 1, "identity_revocations": 0, "flows": 0}, removed,
			"reservations of the flows that have ended")
		_, reserved := s.usage(t, "p1", models.QuotaVolumes)
		require.EqualValues(t, 1, reserved, "what never began may still begin")

		s.clock.Advance(2 * time.Hour)
		removed, err = s.Purge(ctx, s.now(), time.Hour)
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"messages": 0, "idempotency_keys": 1, "reservations": 2, "claims": 0, "identity_revocations": 0, "flows": 2}, removed)
		_, reserved = s.usage(t, "p1", models.QuotaVolumes)
		require.Zero(t, reserved)

		removed, err = s.Purge(ctx, s.now().Add(40*24*time.Hour), time.Hour)
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"messages": 1, "idempotency_keys": 0, "reservations": 0, "claims": 0, "identity_revocations": 0, "flows": 0}, removed)
		_, err = s.GetFlow(ctx, "", running.ID)
		require.NoError(t, err, "an open flow stays, however old")
		_, err = s.GetVolume(ctx, "", old.ID)
		require.NoError(t, err)
		s.noDrift(t)
	})
}
