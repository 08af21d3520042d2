package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/devserver"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/namespace"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/workers"
	"github.com/clinker-storage/clinker/workflows"
)

const (
	backend = "node1@dir"
	name    = "clinker"
)

// world answers for every activity; a task in broken fails as its type says until it is mended.
type world struct {
	mu     sync.Mutex
	broken map[string]flow.ErrorType
}

func (w *world) set(task string, kind flow.ErrorType) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken[task] = kind
}

func (w *world) run(task string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind := w.broken[task]; kind != "" {
		return wire.Error(&flow.Error{Type: kind, Message: task + " fails as planned", Hint: "mend it"})
	}
	return nil
}

func (w *world) register(r worker.ActivityRegistry) {
	results := map[string]any{
		flow.TaskExtractVolumeRequest: flow.VolumeSpec{Volume: models.Volume{SizeGiB: 1}},
		flow.TaskEntryCreate:          flow.VolumeResult{Volume: models.Volume{Name: "db"}},
		flow.TaskVolumeCast:           flow.VolumeCastResult{Pool: backend + "#p", StorageName: "volume-x", Candidates: []string{backend + "#p"}},
		flow.TaskFindBackends:         flow.Backends{Names: []string{backend}},
		flow.TaskGatherStats:          flow.BackendReport{State: "up"},
	}
	for _, task := range append(flow.VolumeCreateTasks(), flow.TaskDeleteVolume, flow.TaskEntryDestroy, flow.TaskQuotaRollback, flow.TaskFlowHold,
		flow.TaskFlowResume, flow.TaskFlowEnd, flow.TaskFindBackends, flow.TaskGatherStats, flow.TaskSaveReport, flow.TaskReconcile, flow.TaskPurge) {
		r.RegisterActivityWithOptions(func(context.Context, map[string]any) (any, error) {
			return results[task], w.run(task)
		}, activity.RegisterOptions{Name: task})
	}
}

// serve runs Temporal, and an engine on it.
func serve(t *testing.T) *engine.Engine {
	t.Helper()
	temporal, err := devserver.Start(t.Context(), devserver.Options{StateDir: t.TempDir(), FrontendAddr: "127.0.0.1:0", RelaxedDurability: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, temporal.Stop(context.Background())) })
	e, err := engine.Dial(t.Context(), engine.Options{Address: temporal.Addr(), Namespace: name, Logger: slog.New(slog.DiscardHandler)}, false)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	attrs := map[string]enums.IndexedValueType{}
	for _, a := range flow.Attributes() {
		attrs[a] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	for range 2 { // as two processes may do
		require.NoError(t, e.EnsureNamespace(t.Context(), namespace.Spec{Name: name, Retention: 48 * time.Hour, SearchAttributes: attrs}))
		require.NoError(t, e.EnsureNamespace(t.Context(), namespace.Spec{Name: name + flow.SystemNamespaceSuffix}))
	}
	return e
}

// start runs Temporal, an engine on it, and the workers of a world.
func start(t *testing.T) (*engine.Engine, *world) {
	t.Helper()
	e := serve(t)
	w := &world{broken: map[string]flow.ErrorType{}}
	control := worker.New(e.Flows(), flow.ControlQueue, worker.Options{})
	for op, fn := range workers.Flows() {
		control.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: string(op)})
	}
	system := worker.New(e.System(), flow.ControlQueue, worker.Options{})
	system.RegisterWorkflowWithOptions(workflows.BackendMonitor, workflow.RegisterOptions{Name: flow.BackendMonitor})
	node := worker.New(e.Flows(), flow.StorageQueue(backend), worker.Options{DisableWorkflowWorker: true})
	stats := worker.New(e.System(), flow.StatsQueue(backend), worker.Options{DisableWorkflowWorker: true})
	for _, r := range []worker.Worker{control, system, node, stats} {
		w.register(r)
		require.NoError(t, r.Start())
		t.Cleanup(r.Stop)
	}
	return e, w
}

func create() flow.Start {
	id, req := uuid.NewString(), "req-"+uuid.NewString()
	h := flow.Header{
		FlowID: flow.ID(flow.VolumeCreate, id, req), RequestID: req, ProjectID: "p", ResourceID: id, HoldHours: 1, Summary: "create 1 GiB volume db",
		Tasks: flow.VolumeCreateTasks(),
	}
	return flow.Start{Operation: flow.VolumeCreate, Kind: "volume", Header: h, Input: flow.VolumeCreateInput{Header: h, SizeGiB: 1, MaxAttempts: 1}}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestEngine(t *testing.T) {
	e, w := start(t)
	require.NoError(t, e.Healthy(t.Context()))
	record := func(s flow.Start) models.Flow {
		f, err := s.Record(models.FlowRunning, time.Now())
		require.NoError(t, err)
		return f
	}
	state := func(s flow.Start, task string) models.Task {
		f, err := e.Live(t.Context(), record(s))
		require.NoError(t, err)
		for _, x := range f.Tasks {
			if x.Name == task {
				return x
			}
		}
		return models.Task{}
	}

	t.Run("accepted", func(t *testing.T) {
		s := create()
		var row flow.VolumeResult
		require.NoError(t, e.Accept(within(t, 20*time.Second), s, &row))
		require.Equal(t, "db", row.Volume.Name)
		require.NoError(t, e.AwaitClosed(within(t, 20*time.Second), s.Header.FlowID))
		open, known, err := e.Open(t.Context(), s.Header.FlowID)
		require.NoError(t, err)
		require.Equal(t, []bool{false, true}, []bool{open, known})
		require.Equal(t, models.TaskSuccess, state(s, flow.TaskEntryReady).State)
		require.Equal(t, flow.ErrNotFound, flow.TypeOf(e.Resolve(within(t, 20*time.Second), s.Header.FlowID, flow.UpdateRetry, "")), "it has ended")
		require.NoError(t, e.Restart(t.Context(), record(s)), "nothing runs twice under one id")
		open, _, err = e.Open(t.Context(), s.Header.FlowID)
		require.NoError(t, err)
		require.False(t, open)
	})

	t.Run("refused", func(t *testing.T) {
		w.set(flow.TaskQuotaReserve, flow.ErrOverQuota)
		defer w.set(flow.TaskQuotaReserve, "")
		s := create()
		err := e.Accept(within(t, 20*time.Second), s, &flow.VolumeResult{})
		require.Equal(t, flow.ErrOverQuota, flow.TypeOf(err))
		require.EqualError(t, err, "QuotaReserve fails as planned")
		require.NoError(t, e.AwaitClosed(within(t, 20*time.Second), s.Header.FlowID))
	})

	t.Run("not answered in time", func(t *testing.T) {
		w.set(flow.TaskEntryCreate, flow.ErrUnavailable)
		s := create()
		require.ErrorIs(t, e.Accept(within(t, 2*time.Second), s, &flow.VolumeResult{}), flow.ErrEngineAway)
		task := state(s, flow.TaskEntryCreate)
		require.Contains(t, task.Error, "EntryCreate fails as planned", "a pending activity is seen with its failure")
		w.set(flow.TaskEntryCreate, "")
		require.NoError(t, e.AwaitClosed(within(t, time.Minute), s.Header.FlowID))
	})

	for _, word := range []string{flow.UpdateRetry, flow.UpdateAbort} {
		t.Run("held, "+word, func(t *testing.T) {
			w.set(flow.TaskCreateVolume, flow.ErrNoSpace)
			s := create()
			require.NoError(t, e.Accept(within(t, 20*time.Second), s, &flow.VolumeResult{}))
			require.Eventually(t, func() bool { return state(s, flow.TaskFlowHold).State == models.TaskSuccess }, 20*time.Second, 50*time.Millisecond)
			require.Equal(t, models.TaskFailure, state(s, flow.TaskCreateVolume).State)
			w.set(flow.TaskCreateVolume, "")
			require.NoError(t, e.Resolve(within(t, 20*time.Second), s.Header.FlowID, word, "test"))
			require.NoError(t, e.AwaitClosed(within(t, 20*time.Second), s.Header.FlowID))
		})
	}

	t.Run("nothing held", func(t *testing.T) {
		w.set(flow.TaskQuotaCommit, flow.ErrUnavailable)
		s := create()
		require.NoError(t, e.Accept(within(t, 20*time.Second), s, &flow.VolumeResult{}))
		require.Equal(t, flow.ErrInvalid, flow.TypeOf(e.Resolve(within(t, 20*time.Second), s.Header.FlowID, flow.UpdateRetry, "")))
		w.set(flow.TaskQuotaCommit, "")
		require.NoError(t, e.AwaitClosed(within(t, time.Minute), s.Header.FlowID))
	})

	t.Run("started from a record", func(t *testing.T) {
		s := create()
		open, known, err := e.Open(t.Context(), s.Header.FlowID)
		require.NoError(t, err)
		require.Equal(t, []bool{false, false}, []bool{open, known})
		f, err := e.Live(t.Context(), record(s))
		require.NoError(t, err)
		require.Equal(t, models.TaskPending, f.Tasks[0].State, "as the record says")
		text, err := json.Marshal(s.Input)
		require.NoError(t, err)
		f.Input = text
		for range 2 {
			require.NoError(t, e.Restart(t.Context(), f))
		}
		require.NoError(t, e.AwaitClosed(within(t, 20*time.Second), s.Header.FlowID))
	})

	t.Run("too large", func(t *testing.T) {
		s := create()
		s.Input = map[string]string{"x": fmt.Sprintf("%070000d", 0)}
		require.ErrorContains(t, e.Start(t.Context(), s), "over the limit")
		_, known, err := e.Open(t.Context(), s.Header.FlowID)
		require.NoError(t, err)
		require.False(t, known)
	})

	t.Run("monitor and backends", func(t *testing.T) {
		for range 2 { // each control worker that starts does so
			require.NoError(t, e.EnsureMonitor(t.Context(), time.Second))
		}
		d, err := e.System().DescribeWorkflowExecution(t.Context(), flow.BackendMonitor, "")
		require.NoError(t, err)
		require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, d.GetWorkflowExecutionInfo().GetStatus())
		require.Eventually(t, func() bool {
			names, err := e.Backends(t.Context())
			return err == nil && len(names) == 1 && names[0] == backend
		}, 30*time.Second, 200*time.Millisecond)
	})
}
