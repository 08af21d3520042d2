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

func (w *world) delete(t *testing.T, host string) error {
	t.Helper()
	w.status, w.quota, w.state = models.VolumeDeleting, 10, models.FlowRunning
	in := flow.VolumeDeleteInput{Header: header(flow.VolumeDelete, flow.VolumeDeleteTasks()), Host: host}
	in.Volume.Name = "volume-" + volumeID
	w.env.ExecuteWorkflow(VolumeDelete, in)
	require.True(t, w.env.IsWorkflowCompleted())
	return w.env.GetWorkflowError()
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	w.disks["volume-"+volumeID] = true
	require.NoError(t, w.delete(t, "n1@a#p"))
	require.Equal(t, flow.VolumeDeleteTasks(), w.calls)
	require.Empty(t, w.status)
	require.Zero(t, w.quota)
	require.Empty(t, w.disks)
}

func TestDeleteOfAVolumeThatWasNeverPlaced(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.delete(t, ""))
	require.Equal(t, []string{flow.TaskEntryDestroy}, w.calls)
}

func TestDeleteHeld(t *testing.T) {
	for _, c := range []struct {
		word   string
		status models.VolumeStatus
		quota  int64
	}{
		{flow.UpdateRetry, "", 0},
		{flow.UpdateSkip, "", 0},
		{flow.UpdateAbort, models.VolumeErrorDeleting, 10},
		{"", models.VolumeErrorDeleting, 10},
	} {
		t.Run("word "+c.word, func(t *testing.T) {
			w := newWorld(t)
			w.failing(flow.TaskDeleteVolume, nodeAttempts, flow.ErrBusy)
			var heldAs models.VolumeStatus
			var reply error
			w.env.RegisterDelayedCallback(func() { heldAs = w.status }, time.Hour)
			if c.word != "" {
				w.update(2*time.Hour, c.word, &reply)
			}
			err := w.delete(t, "n1@a#p")
			require.Equal(t, c.status != "", err != nil)
			require.NoError(t, reply)
			require.Equal(t, models.VolumeErrorDeleting, heldAs)
			require.Equal(t, c.status, w.status)
			require.Equal(t, c.quota, w.quota)
		})
	}
}

func (w *world) extend(t *testing.T) error {
	t.Helper()
	w.status, w.size, w.quota = models.VolumeAvailable, 10, 10
	w.update(0, flow.UpdateAccepted, &w.reply)
	w.env.ExecuteWorkflow(VolumeExtend, flow.VolumeExtendInput{Header: header(flow.VolumeExtend, flow.VolumeExtendTasks()), NewSizeGiB: 15})
	require.True(t, w.env.IsWorkflowCompleted())
	return w.env.GetWorkflowError()
}

func TestExtend(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.extend(t))
	require.NoError(t, w.reply)
	require.Equal(t, flow.VolumeExtendTasks(), w.calls)
	require.Equal(t, models.VolumeAvailable, w.status)
	require.Equal(t, int64(15), w.size)
	require.Equal(t, int64(15), w.quota)
}

func TestExtendThatFailsLeavesTheVolumeAsItWas(t *testing.T) {
	for name, plan := range map[string]func(*world){
		"no room in the pool": func(w *world) { w.failing(flow.TaskVolumeCast, 1, flow.ErrNoBackend) },
		"refused for certain": func(w *world) { w.failing(flow.TaskExtendVolume, 1, flow.ErrNotSupported) },
		"held and given up": func(w *world) {
			w.failing(flow.TaskExtendVolume, nodeAttempts, flow.ErrUnavailable)
			w.update(time.Hour, flow.UpdateAbort, new(error))
		},
		"held in vain": func(w *world) { w.failing(flow.TaskExtendVolume, 1, flow.ErrNoSpace) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			plan(w)
			require.Error(t, w.extend(t))
			require.NoError(t, w.reply)
			require.Equal(t, models.VolumeAvailable, w.status)
			require.Equal(t, int64(10), w.size)
			require.Equal(t, int64(10), w.quota)
			require.Zero(t, w.taken)
			require.True(t, w.last.Message)
		})
	}
}

// The hosts that have the volume see its new size before the flow ends. What goes wrong there takes nothing back.
func TestExtendOfAnAttachedVolume(t *testing.T) {
	const task = flow.TaskExtendConnected
	at := func(host, guest string) flow.AttachedHost {
		return flow.AttachedHost{HostNode: flow.HostNode{Node: host, Instance: guest}, Connection: models.ConnectionInfo{DriverVolumeType: "iscsi"}}
	}
	for name, c := range map[string]struct {
		plan  func(*world)
		seen  []string
		state models.TaskState
	}{
		"seen":            {func(*world) {}, []string{"vm1 15 iscsi", "vm2 15 iscsi"}, models.TaskSuccess},
		"detached since":  {func(w *world) { w.failing(task, 1, flow.ErrNotFound) }, []string{"vm2 15 iscsi"}, models.TaskSuccess},
		"host comes back": {func(w *world) { w.failing(task, 2, flow.ErrUnavailable) }, []string{"vm1 15 iscsi", "vm2 15 iscsi"}, models.TaskSuccess},
		"skipped": {func(w *world) {
			w.failing(task, nodeAttempts, flow.ErrUnavailable)
			w.update(time.Hour, flow.UpdateSkip, new(error))
		}, []string{"vm2 15 iscsi"}, models.TaskSuccess},
		"given up": {func(w *world) {
			w.failing(task, 2*nodeAttempts, flow.ErrUnavailable)
			w.update(time.Hour, flow.UpdateAbort, new(error))
		}, nil, models.TaskFailure},
		"not for it":   {func(w *world) { w.failing(task, 2, flow.ErrCertain) }, nil, models.TaskFailure},
		"held in vain": {func(w *world) { w.failing(task, 2*nodeAttempts, flow.ErrUnavailable) }, nil, models.TaskFailure},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.hosts = []flow.AttachedHost{at("h1", "vm1"), at("h2", "vm2")}
			c.plan(w)
			require.NoError(t, w.extend(t))
			require.Equal(t, c.seen, w.seen)
			require.Equal(t, models.VolumeAvailable, w.status)
			require.Equal(t, []int64{15, 15, 0}, []int64{w.size, w.quota, w.taken})
			names := []string{}
			for _, task := range w.last.Tasks {
				names = append(names, task.Name)
			}
			want := slices.Insert(flow.VolumeExtendTasks(), 5, task)
			require.Equal(t, want, names)
			require.Equal(t, c.state, w.last.Tasks[5].State)
		})
	}
}

// A compute service is told once the row has the new size. What it answers changes nothing about that; a refusal, and minutes without an answer, leave word.
func TestExtendOfAServersVolume(t *testing.T) {
	const task = flow.TaskTellExtended
	for name, c := range map[string]struct {
		plan   func(*world)
		seen   []string
		untold string
	}{
		"told":        {func(*world) {}, []string{"[s1 s2] 15 SUCCESS"}, ""},
		"comes back":  {func(w *world) { w.failing(task, 3, flow.ErrUnavailable) }, []string{"[s1 s2] 15 SUCCESS"}, ""},
		"refused":     {func(w *world) { w.failing(task, 1, flow.ErrCertain) }, nil, "planned Certain; mend it"},
		"stays away":  {func(w *world) { w.failing(task, 1000, flow.ErrUnavailable) }, nil, "planned Unavailable; mend it"},
		"not to tell": {func(w *world) { w.servers = nil }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.servers = []string{"s1", "s2"}
			c.plan(w)
			require.NoError(t, w.extend(t))
			require.NoError(t, w.reply)
			require.Equal(t, c.seen, w.seen)
			require.Equal(t, c.untold, w.untold)
			require.Equal(t, []any{models.VolumeAvailable, int64(15), models.FlowSuccess}, []any{w.status, w.size, w.state})
		})
	}
}

func TestExtendRefused(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskEntryExtend, 1, flow.ErrInvalidStatus)
	require.Error(t, w.extend(t))
	require.Equal(t, flow.ErrInvalidStatus, wire.Parse(w.reply).Type)
	require.Equal(t, models.VolumeAvailable, w.status)
	require.Zero(t, w.taken)
}
