package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func (w *world) revert(t *testing.T) error {
	t.Helper()
	w.status, w.snapshot = models.VolumeReverting, models.SnapshotRestoring
	return w.run(t, VolumeRevert, flow.VolumeRevertInput{
		Header: header(flow.VolumeRevert, flow.VolumeRevertTasks()), Host: "n1@a#p", Snapshot: models.StorageSnapshot{ID: snapshotID, Name: diskName},
	})
}

func TestRevert(t *testing.T) {
	for name, c := range map[string]struct {
		plan     func(*world)
		volume   models.VolumeStatus
		snapshot models.SnapshotStatus
		state    models.FlowState
	}{
		"done":    {func(*world) {}, models.VolumeAvailable, models.SnapshotAvailable, models.FlowSuccess},
		"refused": {func(w *world) { w.failing(flow.TaskRevertVolume, 1, flow.ErrNotSupported) }, models.VolumeAvailable, models.SnapshotAvailable, models.FlowReverted},
		// The store gives the snapshot back at the end of any flow; here it is as the flow left it.
		"held in vain": {func(w *world) { w.failing(flow.TaskRevertVolume, nodeAttempts, flow.ErrUnavailable) }, models.VolumeError, models.SnapshotRestoring, models.FlowFailure},
		"retried": {func(w *world) {
			w.failing(flow.TaskRevertVolume, nodeAttempts, flow.ErrBusy)
			w.update(time.Hour, flow.UpdateRetry, new(error))
		}, models.VolumeAvailable, models.SnapshotAvailable, models.FlowSuccess},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.plan(w)
			err := w.revert(t)
			require.Equal(t, c.state != models.FlowSuccess, err != nil)
			require.Equal(t, []any{c.volume, c.snapshot, c.state}, []any{w.status, w.snapshot, w.state})
		})
	}
}

func TestCreateFromASnapshot(t *testing.T) {
	w := newWorld(t)
	register(w, flow.TaskExtractVolumeRequest, func(in flow.VolumeCreateInput) (flow.VolumeSpec, error) {
		return flow.VolumeSpec{
			Volume: models.Volume{ID: in.ResourceID, SizeGiB: 10}, Quota: []models.QuotaDelta{{Resource: models.QuotaGigabytes, Delta: 10}},
			Snapshot: &models.StorageSnapshot{ID: in.SnapshotID, Name: diskName}, SourceHost: "n1@a#p",
		}, nil
	})
	w.update(0, flow.UpdateAccepted, &w.reply)
	require.NoError(t, w.run(t, VolumeCreate, flow.VolumeCreateInput{
		Header: header(flow.VolumeCreate, flow.VolumeFromSnapshotTasks()), SizeGiB: 10, SnapshotID: snapshotID, MaxAttempts: 3,
	}))
	require.Equal(t, flow.VolumeFromSnapshotTasks(), w.calls)
	require.Equal(t, map[string]bool{"volume-" + volumeID: true}, w.disks)
	require.Equal(t, snapshotID, w.request["snapshot_id"])
}

func (w *world) cascade(t *testing.T) error {
	t.Helper()
	w.status, w.quota = models.VolumeDeleting, 10
	w.snapshots = []string{"c", "b", "a"}
	for _, id := range w.snapshots {
		w.disks["snapshot-"+id] = true
	}
	w.disks["volume-"+volumeID] = true
	in := flow.VolumeDeleteInput{Header: header(flow.VolumeDelete, flow.VolumeCascadeTasks()), Host: "n1@a#p", Cascade: true}
	in.Volume.Name = "volume-" + volumeID
	return w.run(t, VolumeDelete, in)
}

func TestCascade(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.cascade(t))
	round := []string{flow.TaskNextSnapshot, flow.TaskDeleteSnapshot, flow.TaskSnapshotDestroy}
	want := append(append(append(append([]string{}, round...), round...), round...), flow.TaskNextSnapshot, flow.TaskDeleteVolume, flow.TaskEntryDestroy)
	require.Equal(t, want, w.calls)
	require.Empty(t, w.disks)
	require.Empty(t, w.status)
	require.Len(t, w.last.Tasks, len(flow.VolumeCascadeTasks()))
	for _, task := range w.last.Tasks {
		require.Equal(t, int32(1), task.Attempt, "%s: the next snapshot is no second attempt", task.Name)
	}
}

func TestCascadeWithoutSnapshots(t *testing.T) {
	w := newWorld(t)
	in := flow.VolumeDeleteInput{Header: header(flow.VolumeDelete, flow.VolumeCascadeTasks()), Cascade: true}
	require.NoError(t, w.run(t, VolumeDelete, in))
	require.Equal(t, []string{"NextSnapshot SUCCESS", "DeleteVolume PENDING", "EntryDestroy SUCCESS"}, w.states(), "it was never placed")
}

func TestCascadeHeldInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		word     string
		volume   models.VolumeStatus
		snapshot models.SnapshotStatus
		left     int
	}{
		{flow.UpdateRetry, "", "", 0},
		{flow.UpdateSkip, "", "", 0},
		{flow.UpdateAbort, models.VolumeErrorDeleting, models.SnapshotErrorDeleting, 2},
		{"", models.VolumeErrorDeleting, models.SnapshotErrorDeleting, 2},
	} {
		t.Run("word "+c.word, func(t *testing.T) {
			w := newWorld(t)
			w.fail[flow.TaskDeleteSnapshot] = []error{nil}
			w.failing(flow.TaskDeleteSnapshot, nodeAttempts, flow.ErrBusy)
			if c.word != "" {
				w.update(time.Hour, c.word, new(error))
			}
			err := w.cascade(t)
			require.Equal(t, c.left > 0, err != nil)
			require.Equal(t, []any{c.volume, c.snapshot}, []any{w.status, w.snapshot})
			require.Len(t, w.snapshots, c.left)
			require.Equal(t, c.left > 0, w.disks["volume-"+volumeID])
		})
	}
}
