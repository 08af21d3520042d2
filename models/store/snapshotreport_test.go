package store

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestReportSnapshot(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		open, closed := flowOf(models.OpSnapshotCreate, uuid.NewString(), "p1"), flowOf(models.OpSnapshotCreate, uuid.NewString(), "p1")
		open.State, closed.State = models.FlowRunning, models.FlowSuccess
		for _, f := range []*models.Flow{&open, &closed} {
			require.NoError(t, s.db.Create(f).Error)
		}
		for name, c := range map[string]struct {
			flow     string
			from, to models.SnapshotStatus
			progress string
			says     string // part of the refusal, "" goes through
			want     string // progress afterwards
		}{
			"done":                       {"", models.SnapshotCreating, models.SnapshotAvailable, "100%", "", "100%"},
			"without progress":           {"", models.SnapshotCreating, models.SnapshotError, "", "", "10%"},
			"another status by now":      {"", models.SnapshotDeleting, models.SnapshotErrorDeleting, "", "is creating", "10%"},
			"progress under an open one": {open.ID, models.SnapshotCreating, models.SnapshotCreating, "90%", "", "90%"},
			"status under an open one":   {open.ID, models.SnapshotCreating, models.SnapshotAvailable, "90%", "says itself", "10%"},
			"after its flow":             {closed.ID, models.SnapshotCreating, models.SnapshotError, "", "", "10%"},
		} {
			sn := models.Snapshot{ID: uuid.NewString(), ProjectID: "p1", VolumeID: v.ID, SizeGiB: 1, Status: models.SnapshotCreating, FlowID: c.flow, Progress: "10%"}
			require.NoError(t, s.db.Create(&sn).Error)
			err := s.ReportSnapshot(ctx, "p1", sn.ID, c.from, c.to, c.progress)
			want := models.SnapshotCreating
			if c.says == "" {
				require.NoError(t, err, name)
				want = c.to
			} else {
				require.ErrorContains(t, err, c.says, name)
				require.ErrorAs(t, err, new(*models.StatusError), name)
			}
			got, err := s.GetSnapshot(ctx, "p1", sn.ID)
			require.NoError(t, err)
			require.Equal(t, want, got.Status, name)
			require.Equal(t, c.want, got.Progress, name)
			require.ErrorIs(t, s.ReportSnapshot(ctx, "p2", sn.ID, want, want, ""), models.ErrNotFound)
		}
	})
}
