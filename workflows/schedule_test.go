package workflows

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// almanac is a world where flows that a run starts are only noted; ends is what each of them fails with, records how its record stands.
type almanac struct {
	*world
	verify  bool
	expired []string
	kept    map[string]bool
	flows   []string
	ends    map[flow.Operation]error
	records map[flow.Operation][]flow.Outcome
}

func newAlmanac(t *testing.T) *almanac {
	a := &almanac{world: newWorld(t), ends: map[flow.Operation]error{}, records: map[flow.Operation][]flow.Outcome{}, kept: map[string]bool{}}
	below := func(op flow.Operation, id string) flow.Header {
		h := backupHeader(op, nil)
		h.FlowID, h.ResourceID = flow.ID(op, id, "req-1"), id
		return h
	}
	register(a.world, flow.TaskExtractScheduleRequest, func(flow.ScheduleRunInput) (flow.ScheduleSpec, error) {
		return flow.ScheduleSpec{Backup: flow.BackupCreateInput{Header: below(flow.BackupCreate, backupID)}, Verify: a.verify}, nil
	})
	register(a.world, flow.TaskBeginVerify, func(in flow.BackupRef) (flow.BackupVerifyInput, error) {
		return flow.BackupVerifyInput{Header: below(flow.BackupVerify, in.BackupID)}, nil
	})
	register(a.world, flow.TaskPlanRetention, func(flow.FlowRef) (flow.RetentionPlan, error) { return flow.RetentionPlan{Expired: a.expired}, nil })
	register(a.world, flow.TaskBeginExpire, func(in flow.BackupRef) (flow.ExpireResult, error) {
		if a.kept[in.BackupID] {
			return flow.ExpireResult{Kept: "it is being restored"}, nil
		}
		return flow.ExpireResult{Remove: flow.BackupRemoveInput{Header: below(flow.BackupDelete, in.BackupID)}}, nil
	})
	register(a.world, flow.TaskFlowOutcome, func(in flow.OutcomeInput) (flow.Outcome, error) {
		op, _, _, err := flow.ParseID(in.Of)
		if list := a.records[op]; err == nil && len(list) > 0 {
			if len(list) > 1 {
				a.records[op] = list[1:]
			}
			return list[0], nil
		}
		return flow.Outcome{Known: true, State: models.FlowSuccess}, err
	})
	for _, op := range []flow.Operation{flow.BackupCreate, flow.BackupVerify, flow.BackupDelete} {
		a.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ flow.Header) error {
			a.flows = append(a.flows, workflow.GetInfo(ctx).WorkflowExecution.ID)
			return a.ends[op]
		}, workflow.RegisterOptions{Name: string(op)})
	}
	register(a.world, flow.TaskEntryScheduled, a.world.end)
	return a
}

func (a *almanac) start(t *testing.T) error {
	t.Helper()
	h := header(flow.ScheduleRun, flow.ScheduleRunTasks())
	h.FlowID = flow.ID(flow.ScheduleRun, h.ResourceID, "req-1")
	return a.run(t, ScheduleRun, flow.ScheduleRunInput{Header: h})
}

// named are the tasks of the record, with their states.
func (a *almanac) named() map[string]models.TaskState {
	tasks := map[string]models.TaskState{}
	for _, task := range a.last.Tasks {
		tasks[task.Name] = task.State
	}
	return tasks
}

func TestScheduleRun(t *testing.T) {
	a := newAlmanac(t)
	a.verify, a.expired, a.kept = true, []string{"c", "b", "a"}, map[string]bool{"b": true}
	require.NoError(t, a.start(t))
	require.Equal(t, []string{"backup-create:" + backupID + ":1", "backup-verify:" + backupID + ":1", "backup-delete:c:1", "backup-delete:a:1"}, a.flows)
	require.Equal(t, models.FlowSuccess, a.state)
	require.Equal(t, models.ScheduleEnd{BackupID: backupID}, *a.last.Schedule)
	require.Equal(t, models.TaskSuccess, a.named()["backup-delete"])
	require.Len(t, a.named(), len(flow.ScheduleRunTasks()))

	plain := newAlmanac(t)
	require.NoError(t, plain.start(t))
	require.Equal(t, []string{"backup-create:" + backupID + ":1"}, plain.flows)
	require.NotContains(t, plain.named(), "backup-verify", "what there was no need for is not shown")
}

// Whatever fails, nothing is deleted that was not to be, and the schedule is told.
func TestScheduleRunThatFails(t *testing.T) {
	failed := []flow.Outcome{{Known: true, State: models.FlowFailure, Error: "the store is full", Hint: "make room"}}
	for name, c := range map[string]struct {
		plan  func(*almanac)
		flows int
		told  string
		pause bool
	}{
		"the volume is gone": {
			plan: func(a *almanac) { a.failing(flow.TaskExtractScheduleRequest, 1, flow.ErrNotFound) }, told: "planned NotFound", pause: true,
		},
		"the backup is refused": {
			plan: func(a *almanac) {
				a.ends[flow.BackupCreate] = wire.Error(&flow.Error{Type: flow.ErrOverQuota, Message: "over quota"})
				a.records[flow.BackupCreate] = []flow.Outcome{{}}
			}, flows: 1, told: "over quota",
		},
		"the backup fails": {
			plan: func(a *almanac) {
				a.ends[flow.BackupCreate], a.records[flow.BackupCreate] = errors.New("x"), failed
			}, flows: 1, told: "the store is full",
		},
		"the verification finds damage": {
			plan: func(a *almanac) { a.verify, a.records[flow.BackupVerify] = true, failed }, flows: 2, told: "the store is full",
		},
		"a delete fails": {
			plan: func(a *almanac) { a.expired, a.records[flow.BackupDelete] = []string{"b", "a"}, failed }, flows: 2, told: "the store is full",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAlmanac(t)
			a.expired = []string{"z"}
			c.plan(a)
			require.Error(t, a.start(t))
			require.Len(t, a.flows, c.flows, a.flows)
			require.Equal(t, models.FlowFailure, a.last.State)
			require.Contains(t, a.last.Error, c.told)
			require.True(t, a.last.Message)
			require.Equal(t, c.pause, a.last.Schedule.Pause != "")
		})
	}
}

// A flow that somebody else has started again, after Temporal was lost, is watched by its record.
func TestScheduleRunWatchesTheRecord(t *testing.T) {
	a := newAlmanac(t)
	running := flow.Outcome{Known: true, State: models.FlowRunning}
	a.ends[flow.BackupCreate] = errors.New("started already")
	a.records[flow.BackupCreate] = []flow.Outcome{running, running, {Known: true, State: models.FlowSuccess}}
	begun := a.env.Now()
	require.NoError(t, a.start(t))
	require.Equal(t, 2*outcomePause, a.env.Now().Sub(begun).Truncate(time.Second))
	require.Equal(t, models.FlowSuccess, a.state)
}

func TestScheduleTick(t *testing.T) {
	w := newWorld(t)
	var asked flow.TickInput
	register(w, flow.TaskStartScheduledRun, func(in flow.TickInput) (any, error) { asked = in; return nil, nil })
	w.fail[flow.TaskStartScheduledRun] = []error{errors.New("away"), errors.New("away")}
	at := time.Date(2026, 11, 27, 2, 30, 0, 0, time.UTC)
	require.NoError(t, w.env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(due.ValueSet(at))))
	require.NoError(t, w.run(t, ScheduleTick, flow.TickInput{ScheduleID: "s"}))
	require.Equal(t, flow.TickInput{ScheduleID: "s", Due: at}, asked)
}
