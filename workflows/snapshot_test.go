package workflows

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const (
	snapshotID = "0d6b9f0e-7a36-4a0c-8b7a-3f0f6f3b1d22"
	diskName   = "snapshot-" + snapshotID
)

// snapshotActivities are what flows on snapshots and on managing need of the world.
func (w *world) snapshotActivities() {
	storage := models.StorageSnapshot{ID: snapshotID, Name: diskName, Volume: models.StorageVolume{Name: "volume-" + volumeID}}
	done := func(in flow.NodeInput) (flow.NodeResult, error) {
		return flow.NodeResult{Volume: in.Volume, Snapshot: in.Snapshot}, nil
	}
	register(w, flow.TaskExtractSnapshotRequest, func(in flow.SnapshotCreateInput) (flow.SnapshotSpec, error) {
		return flow.SnapshotSpec{
			Snapshot: models.Snapshot{ID: in.ResourceID, SizeGiB: 10}, Storage: storage, Host: "n1@a#p",
			Quota: []models.QuotaDelta{{Resource: models.QuotaGigabytes, Delta: 10}},
		}, nil
	})
	register(w, flow.TaskSnapshotCast, func(flow.SnapshotCastInput) (any, error) { return nil, nil })
	register(w, flow.TaskCreateSnapshot, func(in flow.NodeInput) (flow.NodeResult, error) {
		w.disks[in.Snapshot.Name] = true
		if w.snapped != nil {
			w.snapped()
		}
		return done(in)
	})
	register(w, flow.TaskAdoptSnapshot, func(in flow.NodeInput) (flow.NodeResult, error) { w.disks[in.Snapshot.Name] = true; return done(in) })
	register(w, flow.TaskReleaseSnapshot, func(in flow.NodeInput) (flow.NodeResult, error) {
		w.disks["released "+in.Snapshot.Name] = w.disks[in.Snapshot.Name]
		delete(w.disks, in.Snapshot.Name)
		return done(in)
	})
	register(w, flow.TaskDeleteSnapshot, func(in flow.NodeInput) (flow.NodeResult, error) { delete(w.disks, in.Snapshot.Name); return done(in) })
	register(w, flow.TaskCreateFromSnapshot, func(in flow.NodeInput) (flow.NodeResult, error) {
		w.disks[in.Volume.Name] = in.Snapshot.Name == diskName
		return done(in)
	})
	register(w, flow.TaskRevertVolume, done)
	register(w, flow.TaskNextSnapshot, func(flow.FlowRef) (flow.NextSnapshotResult, error) {
		if len(w.snapshots) == 0 {
			return flow.NextSnapshotResult{}, nil
		}
		return flow.NextSnapshotResult{ID: w.snapshots[0], Snapshot: models.StorageSnapshot{Name: "snapshot-" + w.snapshots[0]}, Left: len(w.snapshots)}, nil
	})
	register(w, flow.TaskSnapshotDestroy, func(in flow.SnapshotDestroyInput) (any, error) {
		w.snapshots = slices.DeleteFunc(w.snapshots, func(id string) bool { return id == in.SnapshotID })
		return nil, nil
	})
	register(w, flow.TaskExtractManageRequest, func(in flow.VolumeManageInput) (flow.VolumeSpec, error) {
		return flow.VolumeSpec{Volume: models.Volume{ID: in.ResourceID, Status: models.VolumeManaging}, SourceHost: in.Host}, nil
	})
	register(w, flow.TaskMeasureVolume, func(in flow.NodeInput) (flow.NodeResult, error) { in.Volume.Size = w.found; return done(in) })
	register(w, flow.TaskAdoptVolume, func(in flow.NodeInput) (flow.NodeResult, error) { w.disks[in.Volume.Name] = true; return done(in) })
	register(w, flow.TaskReleaseVolume, func(in flow.NodeInput) (flow.NodeResult, error) {
		w.disks["released "+in.Volume.Name] = w.disks[in.Volume.Name]
		delete(w.disks, in.Volume.Name)
		return done(in)
	})
	register(w, flow.TaskListManageable, func(in flow.ManageableListInput) (flow.ManageableListResult, error) {
		return flow.ManageableListResult{Items: []models.Adoptable{{Ref: "lv1"}}, Total: 1}, nil
	})
}

func snapshotHeader(op flow.Operation, tasks []string) flow.Header {
	h := header(op, tasks)
	h.FlowID, h.ResourceID = flow.ID(op, snapshotID, "req-1"), snapshotID
	return h
}

func (w *world) run(t *testing.T, fn, in any) error {
	t.Helper()
	w.env.ExecuteWorkflow(fn, in)
	require.True(t, w.env.IsWorkflowCompleted(), "the flow must end")
	return w.env.GetWorkflowError()
}

func (w *world) takeSnapshot(t *testing.T) error {
	t.Helper()
	w.update(0, flow.UpdateAccepted, &w.reply)
	return w.run(t, SnapshotCreate, flow.SnapshotCreateInput{
		Header: snapshotHeader(flow.SnapshotCreate, flow.SnapshotCreateTasks()), VolumeID: volumeID, Metadata: map[string]string{"k": "v"},
	})
}

func TestSnapshotCreateRunsTheChain(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.takeSnapshot(t))
	require.NoError(t, w.reply)
	row := w.told.(flow.SnapshotResult).Snapshot
	require.Equal(t, []string{snapshotID, "v"}, []string{row.ID, row.Metadata["k"]})
	require.Equal(t, flow.SnapshotCreateTasks(), w.calls)
	require.Equal(t, models.SnapshotAvailable, w.snapshot)
	require.Equal(t, int64(10), w.quota)
	require.Equal(t, map[string]bool{diskName: true}, w.disks)
	require.Equal(t, volumeID, w.request["volume_id"], "the record can start the flow again")
	require.NotContains(t, w.request, "metadata", "it travels once")
}

func TestSnapshotCreateThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		plan   func(*world)
		status models.SnapshotStatus
		told   flow.ErrorType
		quota  int64
	}{
		"refused: over quota":  {func(w *world) { w.failing(flow.TaskQuotaReserve, 1, flow.ErrOverQuota) }, "", flow.ErrOverQuota, 0},
		"refused by its entry": {func(w *world) { w.failing(flow.TaskEntryCreate, 1, flow.ErrInvalidStatus) }, "", flow.ErrInvalidStatus, 0},
		"no room":              {func(w *world) { w.failing(flow.TaskSnapshotCast, 1, flow.ErrNoBackend) }, models.SnapshotError, "", 10},
		"not supported":        {func(w *world) { w.failing(flow.TaskCreateSnapshot, 1, flow.ErrNotSupported) }, models.SnapshotError, "", 10},
		"held in vain":         {func(w *world) { w.failing(flow.TaskCreateSnapshot, nodeAttempts, flow.ErrUnavailable) }, models.SnapshotError, "", 10},
		"held and given up": {func(w *world) {
			w.failing(flow.TaskCreateSnapshot, 1, flow.ErrNoSpace)
			w.update(time.Hour, flow.UpdateAbort, new(error))
		}, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.plan(w)
			require.Error(t, w.takeSnapshot(t))
			require.Equal(t, c.status, w.snapshot)
			require.Equal(t, c.quota, w.quota, "what has a row counts")
			require.Zero(t, w.taken)
			require.Empty(t, w.disks)
			if c.told != "" {
				require.Equal(t, c.told, wire.Parse(w.reply).Type)
			} else {
				require.NoError(t, w.reply)
			}
		})
	}
}

func TestAbortOfASnapshotAtEachStep(t *testing.T) {
	for _, task := range flow.SnapshotCreateTasks() {
		t.Run(task, func(t *testing.T) {
			w := newWorld(t)
			w.failing(task, 3, flow.ErrUnavailable)
			var reply error
			w.update(700*time.Millisecond, flow.UpdateAbort, &reply)
			err := w.takeSnapshot(t)
			require.NoError(t, reply)
			if task == flow.TaskEntryReady { // too late: it may be written
				require.NoError(t, err)
				require.Equal(t, models.SnapshotAvailable, w.snapshot)
				require.Len(t, w.disks, 1)
				return
			}
			require.Error(t, err)
			require.Empty(t, w.snapshot)
			require.Empty(t, w.disks)
			require.Zero(t, w.quota+w.taken)
		})
	}
}

func TestHeldSnapshot(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskCreateSnapshot, nodeAttempts, flow.ErrUnavailable)
	var held, resumed models.SnapshotStatus
	var reply error
	w.env.RegisterDelayedCallback(func() { held = w.snapshot }, time.Hour)
	w.update(2*time.Hour, flow.UpdateRetry, &reply)
	w.fail[flow.TaskCreateSnapshot] = append(w.fail[flow.TaskCreateSnapshot], nil)
	require.NoError(t, w.takeSnapshot(t))
	resumed = w.snapshot
	require.NoError(t, reply)
	require.Equal(t, []models.SnapshotStatus{models.SnapshotError, models.SnapshotAvailable}, []models.SnapshotStatus{held, resumed})
}

func (w *world) removeSnapshot(t *testing.T, fn any, host string) error {
	t.Helper()
	w.disks[diskName] = true
	op := flow.SnapshotDelete
	return w.run(t, fn, flow.SnapshotRemoveInput{Header: snapshotHeader(op, nil), Snapshot: models.StorageSnapshot{ID: snapshotID, Name: diskName}, Host: host})
}

func TestSnapshotDelete(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.removeSnapshot(t, SnapshotDelete, "n1@a#p"))
	require.Equal(t, flow.SnapshotDeleteTasks(), w.calls)
	require.Empty(t, w.disks)
	require.True(t, w.last.Gone)

	w = newWorld(t)
	require.NoError(t, w.removeSnapshot(t, SnapshotDelete, ""))
	require.Equal(t, []string{flow.TaskEntryDestroy}, w.calls)

	w = newWorld(t)
	require.NoError(t, w.removeSnapshot(t, SnapshotUnmanage, "n1@a#p"))
	require.Equal(t, flow.SnapshotUnmanageTasks(), w.calls)
	require.Equal(t, map[string]bool{"released " + diskName: true}, w.disks)
}

func TestSnapshotRemovalThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		fn     any
		task   string
		plan   func(*world, string)
		status models.SnapshotStatus
		state  models.FlowState
	}{
		"delete refused":   {SnapshotDelete, flow.TaskDeleteSnapshot, func(w *world, task string) { w.failing(task, 1, flow.ErrCertain) }, models.SnapshotErrorDeleting, models.FlowFailure},
		"delete held":      {SnapshotDelete, flow.TaskDeleteSnapshot, func(w *world, task string) { w.failing(task, nodeAttempts, flow.ErrBusy) }, models.SnapshotErrorDeleting, models.FlowFailure},
		"unmanage refused": {SnapshotUnmanage, flow.TaskReleaseSnapshot, func(w *world, task string) { w.failing(task, 1, flow.ErrNotSupported) }, models.SnapshotAvailable, models.FlowReverted},
		"unmanage held":    {SnapshotUnmanage, flow.TaskReleaseSnapshot, func(w *world, task string) { w.failing(task, nodeAttempts, flow.ErrUnavailable) }, models.SnapshotError, models.FlowFailure},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.plan(w, c.task)
			require.Error(t, w.removeSnapshot(t, c.fn, "n1@a#p"))
			require.Equal(t, c.status, w.snapshot)
			require.Equal(t, c.state, w.state)
			require.True(t, w.last.Message)
			require.True(t, w.disks[diskName])
		})
	}
}
