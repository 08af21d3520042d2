package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestHoldResumeAndReady(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v, f := s.begin(t, volumeOf("p1", 2))
		hold := models.FlowEnd{
			FlowID: f.ID, ResourceID: v.ID, State: models.FlowHeld, Status: models.VolumeError,
			FailedTask: "CreateVolume", Error: "no space", Hint: "make room", Tasks: []models.Task{{Name: "CreateVolume", State: models.TaskFailure}},
			Message: &models.Message{ProjectID: "p1", EventID: "VOLUME_VOLUME_001_003", UserMessage: "no room", Level: "ERROR", ResourceID: v.ID},
		}
		for range 2 {
			require.NoError(t, s.EndFlow(ctx, hold))
		}
		record, err := s.GetFlow(ctx, "p1", f.ID)
		require.NoError(t, err)
		require.Equal(t, models.FlowHeld, record.State)
		require.Equal(t, []string{"CreateVolume", "no space", "make room"}, []string{record.FailedTask, record.Error, record.Hint})
		require.True(t, record.FinishedAt.IsZero())
		messages, err := s.ListMessages(ctx, models.MessageQuery{Page: models.Page{Limit: -1}, ProjectID: "p1"})
		require.NoError(t, err)
		require.Len(t, messages, 1, "the same hold is told once")
		require.Equal(t, f.ID, messages[0].FlowID)
		s.noDrift(t)

		// The volume shows error, from which a delete may begin; but it is the flow's.
		_, err = s.BeginDelete(ctx, "p1", v.ID, false, flowOf(models.OpVolumeDelete, v.ID, "p1"))
		require.ErrorContains(t, err, "abort it first")

		for range 2 {
			require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, Status: models.VolumeCreating}))
		}
		record, err = s.GetFlow(ctx, "p1", f.ID)
		require.NoError(t, err)
		require.Equal(t, models.FlowRunning, record.State)
		require.Empty(t, record.Error)
		ready, err := s.ReadyEntry(ctx, v.ID, f.ID, "n@b#p", "", nil)
		require.NoError(t, err)
		require.Equal(t, models.VolumeAvailable, ready.Status)
		s.noDrift(t)

		var refused *models.StatusError
		require.ErrorAs(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, Status: models.VolumeCreating}), &refused)
		require.ErrorAs(t, s.EndFlow(ctx, hold), &refused, "a closed flow can't be held")
		require.ErrorIs(t, s.EndFlow(ctx, models.FlowEnd{FlowID: "nobody's", State: models.FlowFailure}), models.ErrNotFound)
	})
}

// However a create ends, and whatever it did to its quota before: the ledger equals the rows.
func TestCreateEnds(t *testing.T) {
	quota := map[string]func(s fixture, flowID string) error{
		"reserved":       func(fixture, string) error { return nil },
		"committed":      func(s fixture, id string) error { return s.CommitQuota(ctx, id) },
		"rolled back":    func(s fixture, id string) error { return s.RollbackQuota(ctx, id) },
		"rolled in vain": func(s fixture, id string) error { _ = s.CommitQuota(ctx, id); return s.RollbackQuota(ctx, id) },
	}
	ends := map[string]models.FlowEnd{
		"gone":     {State: models.FlowReverted, Gone: true},
		"error":    {State: models.FlowFailure, Status: models.VolumeError},
		"as it is": {State: models.FlowFailure},
	}
	onBoth(t, func(t *testing.T, s fixture) {
		for how, change := range quota {
			for where, end := range ends {
				v := volumeOf("p1", 2)
				f := flowOf(models.OpVolumeCreate, v.ID, "p1")
				require.NoError(t, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas("", 1, 2), 2, time.Hour))
				_, err := s.CreateEntry(ctx, v, f)
				require.NoError(t, err)
				_, err = s.PlaceEntry(ctx, v.ID, f.ID, 2, func([]models.PoolView) (string, error) { return "n@b#p", nil })
				require.NoError(t, err)
				require.NoError(t, change(s, f.ID))
				end.FlowID, end.ResourceID = f.ID, v.ID
				require.NoError(t, s.EndFlow(ctx, end))
				require.NoError(t, s.RollbackQuota(ctx, f.ID))
				s.noDrift(t)
				got, err := s.GetVolume(ctx, "", v.ID)
				if end.Gone {
					require.ErrorIs(t, err, models.ErrNotFound, "%s, %s", how, where)
					continue
				}
				require.NoError(t, err)
				require.Empty(t, got.FlowID, "a closed flow owns nothing")
				del := flowOf(models.OpVolumeDelete, v.ID, "p1")
				_, err = s.BeginDelete(ctx, "p1", v.ID, true, del)
				require.NoError(t, err)
				require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
			}
		}
		inUse, reserved := s.usage(t, "p1", models.QuotaVolumes)
		require.Equal(t, []int64{0, 0}, []int64{inUse, reserved})
		require.NotContains(t, s.log.String(), "below zero")
		var claims int64
		require.NoError(t, s.db.Table("claims").Count(&claims).Error)
		require.Zero(t, claims, "no end leaves a claim")
	})
}

func TestListFlows(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v, create := s.begin(t, volumeOf("p1", 1))
		_, err := s.ReadyEntry(ctx, v.ID, create.ID, "n@b#p", "", nil)
		require.NoError(t, err)
		del := flowOf(models.OpVolumeDelete, v.ID, "p1")
		_, err = s.BeginDelete(ctx, "p1", v.ID, false, del)
		require.NoError(t, err)
		_, other := s.begin(t, volumeOf("p2", 1))

		for name, c := range map[string]struct {
			q    models.FlowQuery
			want []string
		}{
			"all, newest first": {models.FlowQuery{}, []string{other.ID, del.ID, create.ID}},
			"project":           {models.FlowQuery{ProjectID: "p1"}, []string{del.ID, create.ID}},
			"resource":          {models.FlowQuery{ResourceID: v.ID}, []string{del.ID, create.ID}},
			"operation":         {models.FlowQuery{Operation: models.OpVolumeDelete}, []string{del.ID}},
			"request":           {models.FlowQuery{RequestID: other.RequestID}, []string{other.ID}},
			"backend":           {models.FlowQuery{Backend: "n@b"}, []string{create.ID}},
			"states":            {models.FlowQuery{States: []models.FlowState{models.FlowSuccess, models.FlowFailure}}, []string{create.ID}},
			"after a marker":    {models.FlowQuery{Page: models.Page{Marker: del.ID}}, []string{create.ID}},
			"oldest first":      {models.FlowQuery{Page: models.Page{Sort: sorted("created_at")}}, []string{create.ID, del.ID, other.ID}},
		} {
			c.q.Limit = 10
			flows, err := s.ListFlows(ctx, c.q)
			require.NoError(t, err)
			var got []string
			for _, f := range flows {
				got = append(got, f.ID)
			}
			require.Equal(t, c.want, got, name)
		}
		_, err = s.GetFlow(ctx, "p2", del.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestOpenFlows(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		_, stale := s.begin(t, volumeOf("p1", 1))
		v, ended := s.begin(t, volumeOf("p1", 1))
		_, err := s.ReadyEntry(ctx, v.ID, ended.ID, "n@b#p", "", nil)
		require.NoError(t, err)
		_, alive := s.begin(t, volumeOf("p1", 1))
		s.clock.Advance(time.Hour)
		require.NoError(t, s.CheckFlow(ctx, alive.ID, s.now()))
		require.NoError(t, s.CheckFlow(ctx, alive.ID, s.now().Add(-2*time.Hour)))
		seen, err := s.GetFlow(ctx, "", alive.ID)
		require.NoError(t, err)
		require.WithinDuration(t, s.now(), seen.CheckedAt, time.Minute)
		require.True(t, seen.UpdatedAt.Before(seen.CheckedAt.Add(-30*time.Minute)), "a check is no change")
		open, err := s.OpenFlows(ctx, s.now().Add(-time.Minute), 10)
		require.NoError(t, err)
		require.Len(t, open, 1)
		require.Equal(t, stale.ID, open[0].ID)
		open, err = s.OpenFlows(ctx, s.now().Add(time.Minute), 1)
		require.NoError(t, err)
		require.Len(t, open, 1)
		require.Equal(t, stale.ID, open[0].ID, "never checked goes first")
		s.clock.Advance(time.Hour)
		require.NoError(t, s.CheckFlow(ctx, stale.ID, s.now()))
		open, err = s.OpenFlows(ctx, s.now().Add(-time.Minute), 10)
		require.NoError(t, err)
		require.Len(t, open, 1)
		require.Equal(t, alive.ID, open[0].ID, "the other one's turn")
	})
}
