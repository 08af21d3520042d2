package workers

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.uber.org/goleak"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/scheduler"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registered are the names of the activities that a struct brings, as the SDK finds them.
func registered(structs ...any) []string {
	var names []string
	for _, s := range structs {
		for i := range reflect.TypeOf(s).NumMethod() {
			names = append(names, reflect.TypeOf(s).Method(i).Name)
		}
	}
	slices.Sort(names)
	return names
}

// Activity types and workflow types are public: people know them from logs and the Web UI, and histories refer to them.
func TestNamesGolden(t *testing.T) {
	sched, err := scheduler.New(scheduler.Options{})
	require.NoError(t, err)
	var b strings.Builder
	queue := func(title string, names []string) {
		fmt.Fprintf(&b, "%s\n  %s\n", title, strings.Join(names, "\n  "))
	}
	queue("control", registered(flowActivities(nil, nil, sched, ControlOptions{})...))
	queue("control, system namespace", registered(systemActivities(nil, nil, ControlOptions{})...))
	queue("storage/<host>@<backend>", registered(workActivities(fake.New(fake.Options{}), StorageOptions{})...))
	queue("stats/<host>@<backend>, system namespace", registered(statsActivities(fake.New(fake.Options{}), StorageOptions{})))
	queue("data/<host>", registered(&activities.Copies{}))
	queue("host/<host>", registered(&activities.Host{}))
	var flows []string
	for op, fn := range Flows() {
		name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
		flows = append(flows, fmt.Sprintf("%s = %s", op, name[strings.LastIndex(name, "/")+1:]))
	}
	slices.Sort(flows)
	queue("workflows", flows)
	const path = "testdata/names.txt"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// Each task of each flow is an activity that some queue has.
func TestEveryTaskHasAnActivity(t *testing.T) {
	have := registered(steps()...)
	for _, task := range slices.Concat(flow.VolumeRetypeTasks(), flow.VolumeMigrateTasks(), []string{flow.TaskEntryMigration}, flow.VolumeCreateTasks(), flow.VolumeDeleteTasks(), flow.VolumeExtendTasks(),
		flow.AttachTasks(), flow.DetachTasks(), flow.VolumeFromSnapshotTasks(), flow.VolumeCascadeTasks(), flow.VolumeRevertTasks(), flow.VolumeManageTasks(), flow.VolumeUnmanageTasks(),
		flow.SnapshotCreateTasks(), flow.SnapshotDeleteTasks(), flow.SnapshotManageTasks(), flow.SnapshotUnmanageTasks(), flow.BackupTidyTasks(),
		[]string{flow.TaskExtractScheduleRequest, flow.TaskBeginVerify, flow.TaskPlanRetention, flow.TaskBeginExpire, flow.TaskFlowOutcome, flow.TaskEntryScheduled},
		[]string{flow.TaskFindAgent, flow.TaskFreezeGuest, flow.TaskThawGuest},
		flow.HostDetachTasks(), []string{flow.TaskExtendConnected, flow.TaskTellExtended, flow.TaskExtendedUntold, flow.TaskBeginCheck, flow.TaskFindPlaces, flow.TaskListExports, flow.TaskListTaken, flow.TaskFindLeft, flow.TaskCompareExports, flow.TaskCompareHost, flow.TaskCompareLeft, flow.TaskCompareAges, flow.TaskAnythingDiffers, flow.TaskSettleDifferences, flow.TaskEndCheck},
		[]string{flow.TaskListManageable, flow.TaskCopyVolume, flow.TaskVerifyVolume, flow.TaskQuotaRollback, flow.TaskFlowHold, flow.TaskFlowResume, flow.TaskFlowEnd}) {
		require.Contains(t, have, task)
	}
	have = registered(&activities.Services{}, &activities.Upkeep{}, &activities.Stats{}, &activities.ScheduleKeeper{})
	for _, task := range []string{flow.TaskSyncSchedules, flow.TaskStartScheduledRun, flow.TaskFindBackends, flow.TaskGatherStats, flow.TaskSaveReport, flow.TaskReconcile, flow.TaskPurge} {
		require.Contains(t, have, task)
	}
}

// line is a line of the log as it was written.
type line map[string]any

func logged(t *testing.T, run func(context.Context, flow.FlowRef) error) (lines []line) {
	t.Helper()
	var out bytes.Buffer
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: interceptors(slog.New(slog.NewJSONHandler(&out, nil)), "node1")})
	env.RegisterActivityWithOptions(run, activity.RegisterOptions{Name: flow.TaskQuotaCommit})
	_, _ = env.ExecuteActivity(flow.TaskQuotaCommit, flow.FlowRef{Header: flow.Header{RequestID: "req-1", ResourceID: "vol-1"}})
	for text := range strings.Lines(out.String()) {
		var l line
		require.NoError(t, json.Unmarshal([]byte(text), &l))
		lines = append(lines, l)
	}
	return lines
}

func TestTransitionsAreLogged(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		state string
		level string
		says  string
	}{
		"success":      {nil, "SUCCESS", "INFO", ""},
		"own mistake":  {wire.Error(&flow.Error{Type: flow.ErrOverQuota, Message: "no more"}), "FAILURE", "INFO", "no more"},
		"needs a look": {wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "away"}), "FAILURE", "WARN", "away"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := logged(t, func(context.Context, flow.FlowRef) error { return c.err })
			require.Len(t, lines, 2)
			for i, want := range []line{
				{"level": "INFO", "from": "PENDING", "state": "RUNNING"},
				{"level": c.level, "from": "RUNNING", "state": c.state},
			} {
				for k, v := range want {
					require.Equal(t, v, lines[i][k], k)
				}
				for k, v := range (line{"msg": "task", "worker": "node1", "task": "QuotaCommit", "request_id": "req-1", "resource": "vol-1", "attempt": 1.0}) {
					require.Equal(t, v, lines[i][k], k)
				}
				require.NotEmpty(t, lines[i]["flow"])
			}
			require.NotContains(t, lines[0], "ms")
			require.GreaterOrEqual(t, lines[1]["ms"], 0.0)
			if c.says != "" {
				require.Equal(t, c.says, lines[1]["error"])
			}
		})
	}
}

func TestInterceptorsAreOfTheSDK(t *testing.T) {
	require.Implements(t, (*interceptor.WorkerInterceptor)(nil), interceptors(slog.Default(), "x")[0])
}

// broken is a worker that does or does not start.
type broken struct {
	worker.Worker
	err     error
	stopped *int
}

func (b broken) Start() error { return b.err }
func (b broken) Stop()        { *b.stopped++ }

func TestAGroupThatStartsHalfStopsThatHalf(t *testing.T) {
	var stopped int
	g := group{broken{stopped: &stopped}, broken{stopped: &stopped, err: os.ErrDeadlineExceeded}, broken{stopped: &stopped}}
	require.ErrorIs(t, g.start(), os.ErrDeadlineExceeded)
	require.Equal(t, 1, stopped)
}
