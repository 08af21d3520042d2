package store

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func scheduleOf(v models.Volume) models.BackupSchedule {
	return models.BackupSchedule{
		ID: uuid.NewString(), ProjectID: v.ProjectID, UserID: "u1", Name: "nightly", VolumeID: v.ID, Cron: "@daily", TimeZone: "UTC", FullEvery: 7,
		Keep: models.Keep{Last: 2, Monthly: 1},
	}
}

func scheduleFlow(b models.BackupSchedule) models.Flow {
	f := flowOf(models.OpScheduleRun, b.ID, b.ProjectID)
	f.ResourceKind = kindSchedule
	return f
}

func TestSchedules(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		made, err := s.CreateSchedule(ctx, scheduleOf(v))
		require.NoError(t, err)
		got, err := s.GetSchedule(ctx, "p1", made.ID)
		require.NoError(t, err)
		require.Equal(t, made, got)
		_, err = s.GetSchedule(ctx, "p2", made.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
		require.ErrorIs(t, s.DeleteSchedule(ctx, "p2", made.ID), models.ErrNotFound)
		_, err = s.UpdateSchedule(ctx, "p2", made.ID, models.BackupSchedulePatch{})
		require.ErrorIs(t, err, models.ErrNotFound)

		name, cron, three, zero, yes := "weekly", "@weekly", int64(3), int64(0), true
		got, err = s.UpdateSchedule(ctx, "p1", made.ID, models.BackupSchedulePatch{Name: &name, KeepLast: &zero, KeepDaily: &three})
		require.NoError(t, err)
		require.Equal(t, []any{"weekly", models.Keep{Daily: 3, Monthly: 1}, int64(1)}, []any{got.Name, got.Keep, got.Revision}, "Temporal need not know")
		got, err = s.UpdateSchedule(ctx, "", made.ID, models.BackupSchedulePatch{Cron: &cron, Paused: &yes})
		require.NoError(t, err)
		require.Equal(t, int64(2), got.Revision)
		again, err := s.GetSchedule(ctx, "", made.ID)
		require.NoError(t, err)
		require.Equal(t, got, again)

		second := scheduleOf(v)
		second.ProjectID, second.Name = "p2", "other"
		_, err = s.CreateSchedule(ctx, second)
		require.NoError(t, err)
		for want, q := range map[int]models.BackupScheduleQuery{
			2: {VolumeID: v.ID}, 1: {ProjectID: "p1"}, 0: {ProjectID: "p1", Name: "other"},
		} {
			q.Page = models.Page{Limit: 10}
			found, err := s.ListSchedules(ctx, q)
			require.NoError(t, err)
			require.Len(t, found, want)
		}
		times, err := s.ScheduleTimes(ctx)
		require.NoError(t, err)
		require.Len(t, times, 2)
		require.NoError(t, s.DeleteSchedule(ctx, "p1", made.ID))
		require.ErrorIs(t, s.DeleteSchedule(ctx, "p1", made.ID), models.ErrNotFound)
	})
}

func TestScheduleRun(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 2))
		b, err := s.CreateSchedule(ctx, scheduleOf(v))
		require.NoError(t, err)
		f, other := scheduleFlow(b), scheduleFlow(b)
		for range 2 {
			require.NoError(t, s.BeginScheduleRun(ctx, "p1", b.ID, f))
		}
		refusedWith(t, s.BeginScheduleRun(ctx, "p1", b.ID, other), "is being run by flow "+f.ID)
		require.ErrorIs(t, s.BeginScheduleRun(ctx, "p2", b.ID, other), models.ErrNotFound)
		due := s.now().Add(-time.Minute)
		require.NoError(t, s.NoteScheduleSkipped(ctx, b.ID, due, "busy"))
		end := models.FlowEnd{FlowID: f.ID, ResourceID: b.ID, State: models.FlowFailure, Error: "it is gone", Schedule: &models.ScheduleEnd{BackupID: "b1", Pause: "volume is gone"}}
		for range 2 {
			require.NoError(t, s.EndFlow(ctx, end))
		}
		got, err := s.GetSchedule(ctx, "", b.ID)
		require.NoError(t, err)
		require.Equal(t, []any{"", f.ID, "b1", models.FlowFailure, "it is gone", true, "volume is gone", int64(2), int64(1), due.UTC().UnixMicro(), "busy"},
			[]any{got.FlowID, got.LastFlowID, got.LastBackupID, got.LastResult, got.LastError, got.Paused, got.PausedReason, got.Revision, got.Runs, got.SkippedAt.UnixMicro(), got.SkippedReason})

		// The record of one that has ended stays as it is; another one may begin, and outlives its schedule.
		require.NoError(t, s.BeginScheduleRun(ctx, "p1", b.ID, f))
		require.NoError(t, s.BeginScheduleRun(ctx, "p1", b.ID, other))
		require.NoError(t, s.DeleteSchedule(ctx, "p1", b.ID))
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: other.ID, ResourceID: b.ID, State: models.FlowSuccess}))
		ended, err := s.GetFlow(ctx, "", other.ID)
		require.NoError(t, err)
		require.Equal(t, models.FlowSuccess, ended.State)

		mine := backupOf(v)
		mine.ScheduleID = b.ID
		mine, theirs := s.backup(t, mine), s.backup(t, backupOf(v))
		all, err := s.BackupsOfVolume(ctx, v.ID)
		require.NoError(t, err)
		require.Len(t, all, 2)
		for _, one := range all {
			require.Equal(t, one.ID == mine.ID, one.ScheduleID == b.ID)
			require.True(t, one.ID == mine.ID || one.ID == theirs.ID)
		}
	})
}
