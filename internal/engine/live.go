package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Open tells whether the flow runs; known is false when Temporal has never heard of it or has forgotten it.
func (e *Engine) Open(ctx context.Context, flowID string) (open, known bool, err error) {
	d, err := e.flows.DescribeWorkflowExecution(ctx, flowID, "")
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		return false, false, nil
	case err != nil:
		return false, false, answered(err)
	}
	return d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, true, nil
}

// Live merges into a flow's record what only Temporal knows while it runs: the tasks done so far, and the pending
// activity with its attempts and latest failure. It needs no worker. A flow that Temporal doesn't know comes back as
// it was.
func (e *Engine) Live(ctx context.Context, f models.Flow) (models.Flow, error) {
	d, err := e.flows.DescribeWorkflowExecution(ctx, f.ID, "")
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		return f, nil
	case err != nil:
		return f, answered(err)
	}
	f.Tasks = slices.Clone(f.Tasks)
	scheduled := map[int64]string{}
	for it := e.flows.GetWorkflowHistory(ctx, f.ID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		ev, err := it.Next()
		if err != nil {
			return f, answered(err)
		}
		e.keys.open(ev)
		replay(&f, ev, scheduled)
	}
	for _, p := range d.GetPendingActivities() {
		e.keys.reveal(p.GetLastFailure())
		pending(&f, p)
	}
	return f, nil
}

// open decrypts what replay reads of an event.
func (k Keys) open(ev *historypb.HistoryEvent) {
	k.reveal(ev.GetActivityTaskFailedEventAttributes().GetFailure())
	m := ev.GetMarkerRecordedEventAttributes()
	k.reveal(m.GetFailure())
	for _, detail := range m.GetDetails() {
		if plain, err := k.Decode(detail.GetPayloads()); err == nil {
			detail.Payloads = plain
		}
	}
}

// replay brings one event of the history into the tasks.
func replay(f *models.Flow, ev *historypb.HistoryEvent, scheduled map[int64]string) {
	at := ev.GetEventTime().AsTime()
	switch ev.GetEventType() {
	case enums.EVENT_TYPE_MARKER_RECORDED:
		m := ev.GetMarkerRecordedEventAttributes()
		if name := localActivity(m); name != "" {
			t := task(f, name)
			t.Attempt++
			done(t, at, m.GetFailure().GetMessage())
		}
	case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		name := ev.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		scheduled[ev.GetEventId()] = name
		*task(f, name) = models.Task{Name: name, State: models.TaskPending, Started: at}
	case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		a := ev.GetActivityTaskStartedEventAttributes()
		t := task(f, scheduled[a.GetScheduledEventId()])
		t.State, t.Started, t.Attempt = models.TaskRunning, at, a.GetAttempt()
	case enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
		a := ev.GetStartChildWorkflowExecutionInitiatedEventAttributes()
		*task(f, a.GetWorkflowType().GetName()) = models.Task{
			Name: a.GetWorkflowType().GetName(), State: models.TaskRunning, Attempt: 1, Started: at, Hint: "flow " + a.GetWorkflowId(),
		}
	case enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
		done(task(f, ev.GetChildWorkflowExecutionCompletedEventAttributes().GetWorkflowType().GetName()), at, "")
	case enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
		a := ev.GetChildWorkflowExecutionFailedEventAttributes()
		done(task(f, a.GetWorkflowType().GetName()), at, a.GetFailure().GetMessage())
	case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		done(task(f, scheduled[ev.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()]), at, "")
	case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		a := ev.GetActivityTaskFailedEventAttributes()
		done(task(f, scheduled[a.GetScheduledEventId()]), at, a.GetFailure().GetMessage())
	case enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		a := ev.GetActivityTaskCanceledEventAttributes()
		done(task(f, scheduled[a.GetScheduledEventId()]), at, "cancelled")
	case enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		a := ev.GetActivityTaskTimedOutEventAttributes()
		done(task(f, scheduled[a.GetScheduledEventId()]), at, "timed out")
	}
}

// pending brings an activity that has not ended into the tasks.
func pending(f *models.Flow, p *workflowpb.PendingActivityInfo) {
	t := task(f, p.GetActivityType().GetName())
	t.Attempt = p.GetAttempt()
	t.State = models.TaskRunning
	if p.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED {
		t.State = models.TaskPending
	}
	t.Progress = nil
	var told flow.Progress
	if t.State == models.TaskRunning && converter.GetDefaultDataConverter().FromPayloads(p.GetHeartbeatDetails(), &told) == nil && (told.Percent > 0 || told.Total > 0) {
		t.Progress = &models.TaskProgress{Percent: told.Percent, Done: told.Done, Total: told.Total, Rate: told.Rate}
	}
	if s := p.GetLastStartedTime(); s != nil {
		t.Started = s.AsTime()
	}
	switch last := p.GetLastFailure(); {
	case last != nil:
		t.Error = fmt.Sprintf("attempt %d: %s", p.GetAttempt()-1, last.GetMessage())
		if next := p.GetScheduledTime(); next != nil && t.State == models.TaskPending {
			t.Hint = "next attempt at " + next.AsTime().UTC().Format(time.RFC3339)
		}
	case t.State == models.TaskPending && p.GetScheduledTime() != nil:
		t.Hint = "waiting for a worker since " + p.GetScheduledTime().AsTime().UTC().Format(time.RFC3339)
	}
}

func done(t *models.Task, at time.Time, failure string) {
	t.State, t.Finished, t.Error, t.Hint = models.TaskSuccess, at, failure, ""
	if t.Started.IsZero() {
		t.Started = at
	}
	if failure != "" {
		t.State = models.TaskFailure
	}
}

func task(f *models.Flow, name string) *models.Task {
	i := slices.IndexFunc(f.Tasks, func(t models.Task) bool { return t.Name == name })
	if i < 0 {
		f.Tasks = append(f.Tasks, models.Task{Name: name, State: models.TaskPending})
		i = len(f.Tasks) - 1
	}
	return &f.Tasks[i]
}

// localActivity names the local activity that a marker of the Go SDK records, "" for other markers.
func localActivity(m *historypb.MarkerRecordedEventAttributes) string {
	const name, detail = "LocalActivity", "data"
	payloads := m.GetDetails()[detail].GetPayloads()
	if m.GetMarkerName() != name || len(payloads) == 0 {
		return ""
	}
	var data struct{ ActivityType string }
	if converter.GetDefaultDataConverter().FromPayload(payloads[0], &data) != nil {
		return ""
	}
	return data.ActivityType
}
