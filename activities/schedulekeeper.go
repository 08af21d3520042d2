package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/schedule"
	"github.com/clinker-storage/clinker/models"
)

// ScheduleKeeperStore is the part of the catalogue that keeping time for backup schedules uses.
type ScheduleKeeperStore interface {
	GetSchedule(ctx context.Context, projectID, id string) (models.BackupSchedule, error)
	// ScheduleTimes reads of all schedules what Temporal has to know.
	ScheduleTimes(ctx context.Context) ([]models.BackupSchedule, error)
	// BeginScheduleRun writes the run's record and gives it the schedule; *models.StatusError while another one has it.
	BeginScheduleRun(ctx context.Context, projectID, id string, f models.Flow) error
	NoteScheduleSkipped(ctx context.Context, id string, due time.Time, reason string) error
	GetFlow(ctx context.Context, projectID, id string) (models.Flow, error)
}

// ScheduleEngine keeps schedules at Temporal.
type ScheduleEngine interface {
	// Schedules lists the ids of rows that Temporal has a schedule of, with their notes. What was just made may be missing.
	Schedules(ctx context.Context) (map[string]string, error)
	// PutSchedule makes a schedule, or makes the one that is there equal to s.
	PutSchedule(ctx context.Context, s flow.Schedule) error
	// DropSchedule removes a schedule; absent is nil.
	DropSchedule(ctx context.Context, id string) error
	// Start starts a flow whose record stands; one that runs already is nil.
	Start(ctx context.Context, s flow.Start) error
}

// ScheduleKeeper brings Temporal's schedules to what the rows say, and begins the runs that are due.
type ScheduleKeeper struct {
	Store     ScheduleKeeperStore
	Engine    ScheduleEngine
	HoldHours int // flow_hold_hours
}

// SyncSchedules compares the rows with Temporal's schedules and mends what differs. It changes nothing where nothing differs, and may be cut
// off anywhere. Temporal is listed first: a schedule that has no row then was deleted, since rows are there before their schedules.
func (k *ScheduleKeeper) SyncSchedules(ctx context.Context) error {
	ctx, stop := work(ctx, drainGrace)
	defer stop()
	have, err := k.Engine.Schedules(ctx)
	if err != nil {
		return engineAway(err)
	}
	rows, err := k.Store.ScheduleTimes(ctx)
	if err != nil {
		return catalogueError(err)
	}
	begun := time.Now()
	for _, row := range rows {
		note, there := have[row.ID]
		delete(have, row.ID)
		if there && note == noteOf(row) {
			continue
		}
		if time.Since(begun) > reconcileTime {
			return nil // the next round goes on
		}
		if err := k.Engine.PutSchedule(ctx, asTemporal(row)); err != nil {
			return engineAway(err)
		}
		slog.Info("backup schedule brought to Temporal", "schedule", row.ID, "cron", row.Cron, "time_zone", row.TimeZone, "paused", row.Paused)
	}
	for id := range have {
		if err := k.Engine.DropSchedule(ctx, id); err != nil {
			return engineAway(err)
		}
		slog.Info("backup schedule taken from Temporal", "schedule", id)
	}
	return nil
}

func engineAway(err error) error {
	return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "schedules can't be compared now: " + err.Error()})
}

// catchUpGrace is what is added to the time between two runs: then the latest one that was missed is made up for, however long Clinker was
// away, and no more than that is begun in vain.
const catchUpGrace = 10 * time.Minute

// noteOf tells people in Temporal's Web UI whose the schedule is, and SyncSchedules which revision of the row it has.
func noteOf(row models.BackupSchedule) string {
	return fmt.Sprintf("revision %d: change it by Clinker's API; what is changed here is not kept", row.Revision)
}

func asTemporal(row models.BackupSchedule) flow.Schedule {
	catchUp := catchUpGrace
	if times, err := schedule.Parse(row.Cron, row.TimeZone); err == nil {
		catchUp += times.Gap(time.Now())
	}
	return flow.Schedule{
		ID: row.ID, Cron: schedule.Fields(row.Cron), TimeZone: row.TimeZone, Paused: row.Paused, CatchUp: catchUp,
		Note:    noteOf(row),
		Summary: fmt.Sprintf("backup schedule %.40q of volume %s", row.Name, row.VolumeID),
	}
}

// StartScheduledRun begins a run that is due. Of runs that were missed while Clinker was away one is made up for, as the latest of them;
// one that is due while another is under way is left out, and noted.
func (k *ScheduleKeeper) StartScheduledRun(ctx context.Context, in flow.TickInput) error {
	row, err := k.Store.GetSchedule(ctx, "", in.ScheduleID)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return catalogueError(err)
	case row.Paused:
		return nil
	}
	times, err := schedule.Parse(row.Cron, row.TimeZone)
	if err != nil {
		return catalogueError(err)
	}
	at := times.Latest(in.Due, time.Now())
	start := flow.ScheduleRunStart(row, flow.Header{RequestID: flow.DueRequest(row.ID, at), HoldHours: k.HoldHours})
	record, err := start.Record(models.FlowRunning, time.Now())
	if err != nil {
		return err
	}
	err = k.Store.BeginScheduleRun(ctx, "", row.ID, record)
	var busy *models.StatusError
	switch {
	case errors.As(err, &busy):
		reason, err := k.underWay(ctx, row)
		if err != nil {
			return catalogueError(err)
		}
		slog.Warn("scheduled backup left out", "schedule", row.ID, "due", at, "reason", cmp.Or(reason, busy.Error()))
		return catalogueError(k.Store.NoteScheduleSkipped(ctx, row.ID, at, cmp.Or(reason, busy.Error())))
	case isNotFound(err):
		return nil
	case err != nil:
		return catalogueError(err)
	}
	if err := k.Engine.Start(ctx, start); err != nil {
		return engineAway(err) // and, where this is the last attempt, reconcile starts it
	}
	return nil
}

// underWay says, for whoever looks at a schedule whose runs are left out, what its run waits for. A held backup keeps its volume, so that
// no other can be made meanwhile: somebody has to decide.
func (k *ScheduleKeeper) underWay(ctx context.Context, row models.BackupSchedule) (string, error) {
	now, err := k.Store.GetSchedule(ctx, "", row.ID)
	if err != nil || now.FlowID == "" {
		return "", err
	}
	_, _, request, err := flow.ParseID(now.FlowID)
	if err != nil {
		return "", err
	}
	backup := runsBackup(now.FlowID)
	for _, op := range []flow.Operation{flow.BackupCreate, flow.BackupVerify} {
		f, err := k.Store.GetFlow(ctx, "", flow.ID(op, backup, request))
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		if f.State == models.FlowHeld {
			return fmt.Sprintf("the run before waits for somebody to decide: flow %s is held at %s: %s", f.ID, f.FailedTask, f.Error), nil
		}
	}
	return fmt.Sprintf("the run before is still under way: flow %s", now.FlowID), nil
}
