package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

var (
	begin   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	planned = []models.Task{{Name: "EntryCreate", State: models.TaskPending}, {Name: "CreateVolume", State: models.TaskPending}}
)

// replayed is what a flow's tasks read after a history.
func replayed(events ...*historypb.HistoryEvent) []models.Task {
	f := models.Flow{Tasks: append([]models.Task{}, planned...)}
	scheduled := map[int64]string{}
	for i, ev := range events {
		ev.EventId, ev.EventTime = int64(i+1), timestamppb.New(begin.Add(time.Duration(i)*time.Second))
		replay(&f, ev, scheduled)
	}
	return f.Tasks
}

func failure(text string) *failurepb.Failure { return &failurepb.Failure{Message: text} }

func marker(t *testing.T, kind, activity string, f *failurepb.Failure) *historypb.HistoryEvent {
	t.Helper()
	data, err := converter.GetDefaultDataConverter().ToPayloads(map[string]any{"ActivityID": "1", "ActivityType": activity, "Attempt": 1})
	require.NoError(t, err)
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_MARKER_RECORDED,
		Attributes: &historypb.HistoryEvent_MarkerRecordedEventAttributes{MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{
			MarkerName: kind, Details: map[string]*commonpb.Payloads{"data": data}, Failure: f,
		}},
	}
}

func scheduled(activity string) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
			ActivityType: &commonpb.ActivityType{Name: activity},
		}},
	}
}

func started(of int64, attempt int32) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_STARTED,
		Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{
			ScheduledEventId: of, Attempt: attempt,
		}},
	}
}

func childStarted(op string) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
		Attributes: &historypb.HistoryEvent_StartChildWorkflowExecutionInitiatedEventAttributes{
			StartChildWorkflowExecutionInitiatedEventAttributes: &historypb.StartChildWorkflowExecutionInitiatedEventAttributes{
				WorkflowType: &commonpb.WorkflowType{Name: op}, WorkflowId: op + ":x",
			},
		},
	}
}

func childEnded(op string, f *failurepb.Failure) *historypb.HistoryEvent {
	if f == nil {
		return &historypb.HistoryEvent{
			EventType: enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
			Attributes: &historypb.HistoryEvent_ChildWorkflowExecutionCompletedEventAttributes{
				ChildWorkflowExecutionCompletedEventAttributes: &historypb.ChildWorkflowExecutionCompletedEventAttributes{WorkflowType: &commonpb.WorkflowType{Name: op}},
			},
		}
	}
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
		Attributes: &historypb.HistoryEvent_ChildWorkflowExecutionFailedEventAttributes{
			ChildWorkflowExecutionFailedEventAttributes: &historypb.ChildWorkflowExecutionFailedEventAttributes{WorkflowType: &commonpb.WorkflowType{Name: op}, Failure: f},
		},
	}
}

func completed(of int64) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{
			ScheduledEventId: of,
		}},
	}
}

func failed(of int64, text string) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_FAILED,
		Attributes: &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{ActivityTaskFailedEventAttributes: &historypb.ActivityTaskFailedEventAttributes{
			ScheduledEventId: of, Failure: failure(text),
		}},
	}
}

func timedOut(of int64) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
		Attributes: &historypb.HistoryEvent_ActivityTaskTimedOutEventAttributes{ActivityTaskTimedOutEventAttributes: &historypb.ActivityTaskTimedOutEventAttributes{
			ScheduledEventId: of,
		}},
	}
}

func cancelled(of int64) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
		Attributes: &historypb.HistoryEvent_ActivityTaskCanceledEventAttributes{ActivityTaskCanceledEventAttributes: &historypb.ActivityTaskCanceledEventAttributes{
			ScheduledEventId: of,
		}},
	}
}

func TestReplay(t *testing.T) {
	sec := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
	waiting := planned[1]
	entered := models.Task{Name: "EntryCreate", State: models.TaskSuccess, Attempt: 1, Started: sec(0), Finished: sec(0)}
	for name, c := range map[string]struct {
		events []*historypb.HistoryEvent
		want   []models.Task
	}{
		"nothing yet": {nil, planned},
		"a local step": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", nil)}, []models.Task{entered, waiting},
		},
		"a local step that failed, then succeeded as an activity": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", failure("busy")), scheduled("EntryCreate"), started(2, 1), completed(2)},
			[]models.Task{{Name: "EntryCreate", State: models.TaskSuccess, Attempt: 1, Started: sec(2), Finished: sec(3)}, waiting},
		},
		"a local step that failed": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", failure("over quota"))},
			[]models.Task{{Name: "EntryCreate", State: models.TaskFailure, Attempt: 1, Started: sec(0), Finished: sec(0), Error: "over quota"}, waiting},
		},
		"flows below it": {
			[]*historypb.HistoryEvent{childStarted("backup-create"), childEnded("backup-create", nil), childStarted("backup-verify"), childEnded("backup-verify", failure("damaged"))},
			[]models.Task{
				planned[0], planned[1],
				{Name: "backup-create", State: models.TaskSuccess, Attempt: 1, Started: sec(0), Finished: sec(1)},
				{Name: "backup-verify", State: models.TaskFailure, Attempt: 1, Started: sec(2), Finished: sec(3), Error: "damaged"},
			},
		},
		"a flow below it runs": {
			[]*historypb.HistoryEvent{childStarted("backup-create")},
			[]models.Task{planned[0], planned[1], {Name: "backup-create", State: models.TaskRunning, Attempt: 1, Started: sec(0), Hint: "flow backup-create:x"}},
		},
		"another marker": {
			[]*historypb.HistoryEvent{marker(t, "SideEffect", "EntryCreate", nil)}, planned,
		},
		"scheduled": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", nil), scheduled("CreateVolume")},
			[]models.Task{entered, {Name: "CreateVolume", State: models.TaskPending, Started: sec(1)}},
		},
		"started": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", nil), scheduled("CreateVolume"), started(2, 3)},
			[]models.Task{entered, {Name: "CreateVolume", State: models.TaskRunning, Attempt: 3, Started: sec(2)}},
		},
		"failed": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", nil), scheduled("CreateVolume"), started(2, 5), failed(2, "no space")},
			[]models.Task{entered, {Name: "CreateVolume", State: models.TaskFailure, Attempt: 5, Started: sec(2), Finished: sec(3), Error: "no space"}},
		},
		"timed out": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", nil), scheduled("CreateVolume"), timedOut(2)},
			[]models.Task{entered, {Name: "CreateVolume", State: models.TaskFailure, Started: sec(1), Finished: sec(2), Error: "timed out"}},
		},
		"aborted": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "EntryCreate", nil), scheduled("CreateVolume"), started(2, 1), cancelled(2)},
			[]models.Task{entered, {Name: "CreateVolume", State: models.TaskFailure, Attempt: 1, Started: sec(2), Finished: sec(3), Error: "cancelled"}},
		},
		"tried again after a hold": {
			[]*historypb.HistoryEvent{scheduled("CreateVolume"), started(1, 1), failed(1, "no space"), scheduled("CreateVolume"), started(4, 1), completed(4)},
			[]models.Task{planned[0], {Name: "CreateVolume", State: models.TaskSuccess, Attempt: 1, Started: sec(4), Finished: sec(5)}},
		},
		"a task outside of the plan": {
			[]*historypb.HistoryEvent{marker(t, "LocalActivity", "QuotaRollback", nil)},
			[]models.Task{planned[0], waiting, {Name: "QuotaRollback", State: models.TaskSuccess, Attempt: 1, Started: sec(0), Finished: sec(0)}},
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, replayed(c.events...)) })
	}
}

func TestPending(t *testing.T) {
	at := timestamppb.New(begin)
	for name, c := range map[string]struct {
		info *workflowpb.PendingActivityInfo
		want models.Task
	}{
		"waits for a worker": {
			&workflowpb.PendingActivityInfo{State: enums.PENDING_ACTIVITY_STATE_SCHEDULED, Attempt: 1, ScheduledTime: at},
			models.Task{State: models.TaskPending, Attempt: 1, Hint: "waiting for a worker since 2026-03-01T12:00:00Z"},
		},
		"runs": {
			&workflowpb.PendingActivityInfo{State: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 1, LastStartedTime: at},
			models.Task{State: models.TaskRunning, Attempt: 1, Started: begin},
		},
		"waits for its next attempt": {
			&workflowpb.PendingActivityInfo{
				State: enums.PENDING_ACTIVITY_STATE_SCHEDULED, Attempt: 3, LastStartedTime: at, ScheduledTime: timestamppb.New(begin.Add(time.Minute)), LastFailure: failure("busy"),
			},
			models.Task{State: models.TaskPending, Attempt: 3, Started: begin, Error: "attempt 2: busy", Hint: "next attempt at 2026-03-01T12:01:00Z"},
		},
		"runs again": {
			&workflowpb.PendingActivityInfo{State: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 2, LastStartedTime: at, ScheduledTime: at, LastFailure: failure("busy")},
			models.Task{State: models.TaskRunning, Attempt: 2, Started: begin, Error: "attempt 1: busy"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := models.Flow{Tasks: append([]models.Task{}, planned...)}
			c.info.ActivityType = &commonpb.ActivityType{Name: "CreateVolume"}
			pending(&f, c.info)
			c.want.Name = "CreateVolume"
			require.Equal(t, []models.Task{planned[0], c.want}, f.Tasks)
		})
	}
}

// The names of markers and of their fields are the SDK's own business: histories that it wrote tell whether we still know them.
func TestReplayOfStoredHistories(t *testing.T) {
	files, err := filepath.Glob("../../workflows/testdata/histories/*/create-success.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var h historypb.History
		require.NoError(t, temporalproto.CustomJSONUnmarshalOptions{}.Unmarshal(text, &h))
		var f models.Flow
		scheduled := map[int64]string{}
		for _, ev := range h.GetEvents() {
			replay(&f, ev, scheduled)
		}
		var done []string
		for _, task := range f.Tasks {
			require.Equal(t, models.TaskSuccess, task.State, task.Name)
			done = append(done, task.Name)
		}
		require.Equal(t, []string{"ExtractVolumeRequest", "QuotaReserve", "EntryCreate", "QuotaCommit", "VolumeCast", "CreateVolume", "EntryReady"}, done)
	}
}

// What a mover tells with its heartbeats is shown while it runs, of backups as of copies; an attempt that waits shows none.
func TestPendingShowsProgress(t *testing.T) {
	told, err := converter.GetDefaultDataConverter().ToPayloads(flow.Progress{Percent: 42, Done: 42, Total: 100, Rate: 7})
	require.NoError(t, err)
	for _, name := range []string{flow.TaskBackupChunks, flow.TaskRestoreChunks, flow.TaskVerifyBackup} {
		f := models.Flow{}
		p := &workflowpb.PendingActivityInfo{
			ActivityType: &commonpb.ActivityType{Name: name}, State: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 1, HeartbeatDetails: told,
		}
		pending(&f, p)
		require.Equal(t, &models.TaskProgress{Percent: 42, Done: 42, Total: 100, Rate: 7}, f.Tasks[0].Progress)
		p.State = enums.PENDING_ACTIVITY_STATE_SCHEDULED
		pending(&f, p)
		require.Nil(t, f.Tasks[0].Progress)
	}
}
