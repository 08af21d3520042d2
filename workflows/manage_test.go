package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func (w *world) manage(t *testing.T) error {
	t.Helper()
	w.update(0, flow.UpdateAccepted, &w.reply)
	return w.run(t, VolumeManage, flow.VolumeManageInput{
		Header: header(flow.VolumeManage, flow.VolumeManageTasks()), Host: "n1@a#p", Ref: "lv1", Metadata: map[string]string{"k": "v"},
	})
}

func TestManage(t *testing.T) {
	w := newWorld(t)
	w.found = 4*models.GiB + 1
	require.NoError(t, w.manage(t))
	require.NoError(t, w.reply)
	require.Equal(t, map[string]string{"k": "v"}, w.answer.Volume.Metadata)
	require.Equal(t, flow.VolumeManageTasks(), w.calls)
	require.Equal(t, []any{models.VolumeAvailable, int64(5)}, []any{w.status, w.size}, "a part of a GiB counts as a whole one")
	require.Equal(t, map[string]bool{"volume-" + volumeID: true}, w.disks)
}

func TestManageThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		plan   func(*world)
		status models.VolumeStatus
		told   flow.ErrorType
	}{
		"no such pool":  {func(w *world) { w.failing(flow.TaskExtractManageRequest, 1, flow.ErrNotFound) }, "", flow.ErrNotFound},
		"wrong type":    {func(w *world) { w.failing(flow.TaskVolumeCast, 1, flow.ErrNoBackend) }, models.VolumeErrorManaging, ""},
		"no such LV":    {func(w *world) { w.failing(flow.TaskMeasureVolume, 1, flow.ErrNotFound) }, models.VolumeErrorManaging, ""},
		"size unknown":  {func(w *world) { w.found = 0 }, models.VolumeErrorManaging, ""},
		"over quota":    {func(w *world) { w.failing(flow.TaskQuotaReserve, 1, flow.ErrOverQuota) }, models.VolumeErrorManaging, ""},
		"not supported": {func(w *world) { w.failing(flow.TaskAdoptVolume, 1, flow.ErrNotSupported) }, models.VolumeErrorManaging, ""},
		"held in vain":  {func(w *world) { w.failing(flow.TaskAdoptVolume, nodeAttempts, flow.ErrUnavailable) }, models.VolumeErrorManaging, ""},
		"given up": {func(w *world) {
			w.failing(flow.TaskAdoptVolume, nodeAttempts, flow.ErrUnavailable)
			w.update(time.Hour, flow.UpdateAbort, new(error))
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.found = models.GiB
			c.plan(w)
			require.Error(t, w.manage(t))
			require.Equal(t, c.status, w.status)
			require.Zero(t, w.count(flow.TaskDeleteVolume), "what others made is never deleted")
			require.False(t, w.disks["volume-"+volumeID])
			if c.told != "" {
				require.Equal(t, c.told, wire.Parse(w.reply).Type)
			}
		})
	}
}

// Without a pool there is nothing to skip to.
func TestManageHeldForItsPool(t *testing.T) {
	w := newWorld(t)
	w.found = models.GiB
	w.failing(flow.TaskVolumeCast, 1, flow.ErrBackendDown)
	w.update(time.Hour, flow.UpdateSkip, new(error))
	require.NoError(t, w.manage(t))
	require.Equal(t, 2, w.count(flow.TaskVolumeCast))
}

func TestManageWhoseRowIsGoneIsLetGo(t *testing.T) {
	w := newWorld(t)
	w.found = models.GiB
	w.failing(flow.TaskEntryReady, 1, flow.ErrNotFound)
	require.Error(t, w.manage(t))
	require.Equal(t, map[string]bool{"released volume-" + volumeID: true}, w.disks)
}

func TestUnmanage(t *testing.T) {
	in := flow.VolumeDeleteInput{Header: header(flow.VolumeUnmanage, flow.VolumeUnmanageTasks()), Host: "n1@a#p"}
	in.Volume.Name = "volume-" + volumeID
	w := newWorld(t)
	w.disks[in.Volume.Name] = true
	require.NoError(t, w.run(t, VolumeUnmanage, in))
	require.Equal(t, flow.VolumeUnmanageTasks(), w.calls)
	require.Equal(t, map[string]bool{"released " + in.Volume.Name: true}, w.disks)

	w = newWorld(t)
	w.failing(flow.TaskReleaseVolume, 1, flow.ErrNotSupported)
	require.Error(t, w.run(t, VolumeUnmanage, in))
	require.Equal(t, models.VolumeAvailable, w.status, "nothing has happened to it")
}

func TestManageableList(t *testing.T) {
	in := flow.ManageableListInput{Header: header(flow.ManageableList, nil), Backend: "n1@a"}
	w := newWorld(t)
	w.update(0, flow.UpdateAccepted, &w.reply)
	require.NoError(t, w.run(t, ManageableList, in))
	require.NoError(t, w.reply)
	require.Equal(t, flow.ManageableListResult{Items: []models.Adoptable{{Ref: "lv1"}}, Total: 1}, w.told)

	w = newWorld(t)
	w.failing(flow.TaskListManageable, 1, flow.ErrNotSupported)
	w.update(0, flow.UpdateAccepted, &w.reply)
	require.Error(t, w.run(t, ManageableList, in))
	require.Equal(t, flow.ErrNotSupported, wire.Parse(w.reply).Type)
}

func TestSnapshotManage(t *testing.T) {
	in := flow.SnapshotCreateInput{Header: snapshotHeader(flow.SnapshotManage, flow.SnapshotManageTasks()), VolumeID: volumeID, Ref: "lv1"}
	w := newWorld(t)
	w.update(0, flow.UpdateAccepted, &w.reply)
	require.NoError(t, w.run(t, SnapshotManage, in))
	require.Equal(t, flow.SnapshotManageTasks(), w.calls)
	require.Equal(t, models.SnapshotAvailable, w.snapshot)

	w = newWorld(t)
	w.failing(flow.TaskEntryReady, 1, flow.ErrNotFound)
	require.Error(t, w.run(t, SnapshotManage, in))
	require.Equal(t, map[string]bool{"released " + diskName: true}, w.disks, "let go, never deleted")
}
