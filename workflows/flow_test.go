package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// world is a small catalogue and two pools, enough for every flow to run against by the names of its activities.
type world struct {
	one     sync.Mutex // of activities
	snapped func()     // called when a snapshot is made

	env    *testsuite.TestWorkflowEnvironment
	status models.VolumeStatus // of the one volume; "" when there is none
	size   int64
	quota  int64 // GiB in use
	taken  int64 // GiB reserved
	state  models.FlowState
	last   flow.FlowEndInput
	disks  map[string]bool // volumes on the backend, by pool
	pools  []string        // that the scheduler would choose, best first
	calls  []string        // every activity, in order
	fail   map[string][]error
	answer flow.VolumeResult
	reply  error

	snapshot  models.SnapshotStatus // of the one snapshot, "" when there is none
	snapshots []string              // that a cascade has to delete
	request   map[string]any        // what the record keeps of the flow's input
	found     models.Bytes          // size of what there is to manage
	// backupOfCreate is what a create finds that its volume begins as.
	backupOfCreate *flow.StoredBackup
	hosts          []flow.AttachedHost // that have the volume that is extended
	seen           []string            // what their guests see of it
	servers        []string            // that have it by another's hand
	untold         string              // why their compute service was not told
	told           any                 // what the update accepted answered
	made           models.BackupData   // what EntryReady was told
}

func newWorld(t *testing.T) *world {
	w := &world{disks: map[string]bool{}, pools: []string{"n1@a#p"}, fail: map[string][]error{}}
	var suite testsuite.WorkflowTestSuite
	w.env = suite.NewTestWorkflowEnvironment()
	w.env.SetTestTimeout(20 * time.Second)
	register(w, flow.TaskExtractVolumeRequest, func(in flow.VolumeCreateInput) (flow.VolumeSpec, error) {
		return flow.VolumeSpec{
			Volume: models.Volume{ID: in.ResourceID, SizeGiB: in.SizeGiB, FlowID: in.FlowID},
			Quota:  []models.QuotaDelta{{Resource: models.QuotaGigabytes, Delta: in.SizeGiB}},
			Backup: w.backupOfCreate,
		}, nil
	})
	register(w, flow.TaskExtractExtendRequest, func(in flow.VolumeExtendInput) (flow.ExtendSpec, error) {
		return flow.ExtendSpec{
			Volume: models.Volume{ID: in.ResourceID, SizeGiB: w.size, Status: w.status, Host: w.pools[0]},
			Quota:  []models.QuotaDelta{{Resource: models.QuotaGigabytes, Delta: in.NewSizeGiB - w.size}},
		}, nil
	})
	register(w, flow.TaskQuotaReserve, func(in flow.QuotaReserveInput) (any, error) { w.taken = in.Deltas[0].Delta; return nil, nil })
	register(w, flow.TaskQuotaCommit, func(flow.FlowRef) (any, error) { w.quota += w.taken; w.taken = 0; return nil, nil })
	register(w, flow.TaskQuotaRollback, func(flow.FlowRef) (any, error) { w.taken = 0; return nil, nil })
	register(w, flow.TaskEntryCreate, func(in flow.EntryCreateInput) (flow.EntryResult, error) {
		text, err := json.Marshal(in.Request)
		if err != nil {
			return flow.EntryResult{}, err
		}
		w.request, w.state = nil, models.FlowRunning
		if err := json.Unmarshal(text, &w.request); err != nil {
			return flow.EntryResult{}, err
		}
		if in.Snapshot != nil {
			w.snapshot = models.SnapshotCreating
			return flow.EntryResult{Snapshot: *in.Snapshot}, nil
		}
		if in.Backup != nil {
			return flow.EntryResult{Backup: *in.Backup}, nil
		}
		w.status, w.size = in.Volume.Status, in.Volume.SizeGiB
		if w.status == "" {
			w.status = models.VolumeCreating
		}
		return flow.EntryResult{Volume: in.Volume}, nil
	})
	register(w, flow.TaskEntryExtend, func(in flow.EntryExtendInput) (flow.EntryExtendResult, error) {
		w.status, w.state = models.VolumeExtending, models.FlowRunning
		return flow.EntryExtendResult{VolumeResult: flow.VolumeResult{Volume: models.Volume{ID: in.ResourceID}}, Hosts: w.hosts, Servers: w.servers}, nil
	})
	register(w, flow.TaskExtendConnected, func(in flow.HostInput) (any, error) {
		w.seen = append(w.seen, fmt.Sprint(in.Instance, " ", in.Size.GiB(), " ", in.Connection.DriverVolumeType))
		return nil, nil
	})
	register(w, flow.TaskEntryExtended, func(in flow.EntryExtendInput) (any, error) {
		w.status, w.size, w.state, w.last.Tasks = models.VolumeAvailable, in.NewSizeGiB, models.FlowSuccess, in.Tasks
		return nil, nil
	})
	register(w, flow.TaskTellExtended, func(in flow.TellExtendedInput) (any, error) {
		w.seen = append(w.seen, fmt.Sprint(in.Servers, " ", w.size, " ", w.state))
		return nil, nil
	})
	register(w, flow.TaskExtendedUntold, func(in flow.ExtendedUntoldInput) (any, error) { w.untold = in.Why + "; " + in.Hint; return nil, nil })
	register(w, flow.TaskVolumeCast, func(in flow.VolumeCastInput) (flow.VolumeCastResult, error) {
		for _, p := range w.pools {
			if !contains(in.Attempted, p) {
				return flow.VolumeCastResult{Pool: p, Candidates: w.pools, StorageName: "volume-" + in.ResourceID}, nil
			}
		}
		return flow.VolumeCastResult{}, wire.Error(&flow.Error{Type: flow.ErrNoBackend, Message: "no storage: n1@a#p refused by CapacityFilter"})
	})
	register(w, flow.TaskCreateVolume, func(in flow.NodeInput) (flow.NodeResult, error) {
		w.disks[in.Volume.Name] = true
		return flow.NodeResult{Volume: in.Volume}, nil
	})
	register(w, flow.TaskDeleteVolume, func(in flow.NodeInput) (flow.NodeResult, error) {
		delete(w.disks, in.Volume.Name)
		return flow.NodeResult{}, nil
	})
	register(w, flow.TaskExtendVolume, func(in flow.NodeInput) (flow.NodeResult, error) { return flow.NodeResult{Volume: in.Volume}, nil })
	register(w, flow.TaskEntryReady, func(in flow.EntryReadyInput) (any, error) {
		w.state, w.last.Tasks, w.made = models.FlowSuccess, in.Tasks, in.Data
		if in.Kind() == flow.KindSnapshot {
			w.snapshot = models.SnapshotAvailable
			return nil, nil
		}
		w.status = models.VolumeAvailable
		if in.SizeGiB > 0 {
			w.size = in.SizeGiB
		}
		return nil, nil
	})
	w.snapshotActivities()
	for _, task := range []string{flow.TaskFlowEnd, flow.TaskFlowHold, flow.TaskEntryDestroy, flow.TaskEntryReverted} {
		register(w, task, w.end)
	}
	register(w, flow.TaskFlowResume, func(in flow.FlowEndInput) (any, error) {
		w.status, w.snapshot, w.state = in.Status, in.Snapshots, in.State
		return nil, nil
	})
	t.Cleanup(func() { w.env.AssertExpectations(t) })
	return w
}

func (w *world) end(in flow.FlowEndInput) (any, error) {
	w.last, w.state = in, in.State
	switch {
	case in.Gone:
		w.status, w.snapshot, w.quota, w.taken = "", "", 0, 0
	case in.Status == models.EndPrevious:
		w.status = models.VolumeAvailable
	case in.Status != "":
		w.status = in.Status
	}
	if in.Snapshots == models.EndPrevious {
		w.snapshot = models.SnapshotAvailable
	} else if in.Snapshots != "" {
		w.snapshot = in.Snapshots
	}
	return nil, nil
}

// register makes fn the activity of that name: it notes the call and fails as w.fail says, first come first served.
func register[In, Out any](w *world, task string, fn func(In) (Out, error)) {
	w.env.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) {
		w.one.Lock() // some flows ask several places at once
		defer w.one.Unlock()
		w.calls = append(w.calls, task)
		if errs := w.fail[task]; len(errs) > 0 {
			w.fail[task] = errs[1:]
			if errs[0] != nil {
				var none Out
				return none, errs[0]
			}
		}
		return fn(in)
	}, activity.RegisterOptions{Name: task})
}

// failing makes the next n calls of a task fail.
func (w *world) failing(task string, n int, t flow.ErrorType) {
	for range n {
		w.fail[task] = append(w.fail[task], wire.Error(&flow.Error{Type: t, Message: "planned " + string(t), Hint: "mend it"}))
	}
}

// update sends an update when the flow is so old in workflow time.
func (w *world) update(after time.Duration, name string, reply *error) {
	w.env.RegisterDelayedCallback(func() {
		w.env.UpdateWorkflow(name, name+after.String(), &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { *reply = err },
			OnComplete: func(out any, err error) {
				*reply = err
				w.told = out
				if v, ok := out.(flow.VolumeResult); ok {
					w.answer = v
				}
			},
		}, args(name)...)
	}, after)
}

func args(name string) []any {
	if name == flow.UpdateAccepted {
		return nil
	}
	return []any{flow.Decision{Reason: "test"}}
}

const volumeID = "6e1ad0a1-32b4-4a30-9d39-6a0a7b3c9c11"

func header(op flow.Operation, tasks []string) flow.Header {
	return flow.Header{FlowID: flow.ID(op, volumeID, "req-1"), RequestID: "req-1", ProjectID: "p", ResourceID: volumeID, HoldHours: 72, Tasks: tasks}
}

func (w *world) create(t *testing.T) error {
	t.Helper()
	w.update(0, flow.UpdateAccepted, &w.reply)
	w.env.ExecuteWorkflow(VolumeCreate, flow.VolumeCreateInput{Header: header(flow.VolumeCreate, flow.VolumeCreateTasks()), SizeGiB: 10, MaxAttempts: 3})
	require.True(t, w.env.IsWorkflowCompleted(), "the flow must end")
	return w.env.GetWorkflowError()
}

func (w *world) count(task string) (n int) {
	for _, c := range w.calls {
		if c == task {
			n++
		}
	}
	return n
}

func (w *world) states() (out []string) {
	for _, t := range w.last.Tasks {
		out = append(out, fmt.Sprintf("%s %s", t.Name, t.State))
	}
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
