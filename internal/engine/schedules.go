package engine

import (
	"context"
	"errors"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
)

// schedulePrefix begins the ids of our schedules, before that of the row.
const schedulePrefix = "backup-schedule:"

// Schedules lists the ids of rows that Temporal has a schedule of, with their notes. What was just made may be missing.
func (e *Engine) Schedules(ctx context.Context) (map[string]string, error) {
	list, err := e.system.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 1000})
	if err != nil {
		return nil, answered(err)
	}
	found := map[string]string{}
	for list.HasNext() {
		entry, err := list.Next()
		if err != nil {
			return nil, answered(err)
		}
		if id, ours := strings.CutPrefix(entry.ID, schedulePrefix); ours {
			found[id] = entry.Note
		}
	}
	return found, nil
}

// PutSchedule makes a schedule, or makes the one that is there equal to s.
func (e *Engine) PutSchedule(ctx context.Context, s flow.Schedule) error {
	spec := client.ScheduleSpec{CronExpressions: []string{s.Cron}, TimeZoneName: s.TimeZone}
	tick := &client.ScheduleWorkflowAction{
		ID: schedulePrefix + s.ID, Workflow: flow.ScheduleTick, Args: []any{flow.TickInput{ScheduleID: s.ID}}, TaskQueue: flow.ControlQueue, StaticSummary: s.Summary,
	}
	_, err := e.system.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: schedulePrefix + s.ID, Spec: spec, Action: tick, Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: s.CatchUp, Paused: s.Paused, Note: s.Note,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return answered(err)
	}
	return answered(e.system.ScheduleClient().GetHandle(ctx, schedulePrefix+s.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			return &client.ScheduleUpdate{Schedule: &client.Schedule{
				Spec: &spec, Action: tick, State: &client.ScheduleState{Paused: s.Paused, Note: s.Note},
				Policy: &client.SchedulePolicies{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: s.CatchUp},
			}}, nil
		},
	}))
}

// DropSchedule removes a schedule; absent is nil.
func (e *Engine) DropSchedule(ctx context.Context, id string) error {
	err := e.system.ScheduleClient().GetHandle(ctx, schedulePrefix+id).Delete(ctx)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return answered(err)
}
