package v3

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/internal/schedule"
	"github.com/clinker-storage/clinker/models"
)

// ScheduleStore is what backup schedules need of the catalogue; projectID "" means any project.
type ScheduleStore interface {
	CreateSchedule(ctx context.Context, b models.BackupSchedule) (models.BackupSchedule, error)
	GetSchedule(ctx context.Context, projectID, id string) (models.BackupSchedule, error)
	ListSchedules(ctx context.Context, q models.BackupScheduleQuery) ([]models.BackupSchedule, error)
	UpdateSchedule(ctx context.Context, projectID, id string, p models.BackupSchedulePatch) (models.BackupSchedule, error)
	DeleteSchedule(ctx context.Context, projectID, id string) error
	// BeginScheduleRun writes the run's record and gives it the schedule; *models.StatusError while another one has it.
	BeginScheduleRun(ctx context.Context, projectID, id string, f models.Flow) error
}

// scheduleRoutes are ours, beside Cinder's: volumes that are backed up at certain times. What they change is brought to Temporal by the
// control worker, within report_interval.
func (a *API) scheduleRoutes() []Route {
	const one = "/backup-schedules/:schedule_id"
	return []Route{
		{Method: http.MethodGet, Path: "/backup-schedules", Handle: a.listSchedules, Rule: ruleScheduleList},
		{Method: http.MethodPost, Path: "/backup-schedules", Handle: a.createSchedule, Rule: ruleScheduleCreate},
		{Method: http.MethodGet, Path: one, Handle: a.showSchedule, Rule: ruleScheduleShow, Of: a.ofSchedule},
		{Method: http.MethodPut, Path: one, Handle: a.updateSchedule, Rule: ruleScheduleUpdate, Of: a.ofSchedule},
		{Method: http.MethodDelete, Path: one, Handle: a.deleteSchedule, Rule: ruleScheduleDelete, Of: a.ofSchedule},
		{Method: http.MethodPost, Path: one + "/action", Handle: a.runSchedule, Rule: ruleScheduleRun, Of: a.ofSchedule},
	}
}

// ofSchedule is the schedule in the path as the policy looks at it.
func (a *API) ofSchedule(c *Call) (policy.Target, error) {
	s, err := a.schedule(c)
	c.row = s
	return policy.Target{ProjectID: s.ProjectID, UserID: s.UserID}, err
}

// schedule reads the schedule that the path names, once a request.
func (a *API) schedule(c *Call) (models.BackupSchedule, error) {
	if s, ok := c.row.(models.BackupSchedule); ok {
		return s, nil
	}
	id, err := c.uuidParam("schedule_id", "backup schedule")
	if err != nil {
		return models.BackupSchedule{}, err
	}
	s, err := a.Store.GetSchedule(c.Context(), c.Reach(), id)
	return s, notFound(err, "backup schedule", id)
}

var scheduleSortKeys = map[string]string{
	"id": "id", "name": "name", "volume_id": "volume_id", "created_at": "created_at", "updated_at": "updated_at", "last_run_at": "last_run_at",
}

func (a *API) listSchedules(c *Call) error {
	page, err := c.Page(scheduleSortKeys)
	if err != nil {
		return err
	}
	project, err := c.ListProject()
	if err != nil {
		return err
	}
	all, err := a.Store.ListSchedules(c.Context(), models.BackupScheduleQuery{Page: page, ProjectID: project, Name: c.Query("name"), VolumeID: c.Query("volume_id")})
	if err != nil {
		return notFound(err, "marker", clip(page.Marker))
	}
	out := scheduleList{Schedules: make([]scheduleView, len(all))}
	for i := range all {
		out.Schedules[i] = a.viewSchedule(&all[i])
	}
	if n := len(all); n > 0 {
		out.Links = c.Next("/backup-schedules", n, page.Limit, all[n-1].ID)
	}
	return c.JSON(http.StatusOK, out)
}

func (a *API) showSchedule(c *Call) error {
	s, err := a.schedule(c)
	if err != nil {
		return err
	}
	return a.answerSchedule(c, http.StatusOK, s)
}

func (a *API) answerSchedule(c *Call, status int, s models.BackupSchedule) error {
	return c.JSON(status, map[string]scheduleView{"backup_schedule": a.viewSchedule(&s)})
}

// deleteSchedule removes the row; the backups that it had made stay.
func (a *API) deleteSchedule(c *Call) error {
	s, err := a.schedule(c)
	if err != nil {
		return err
	}
	if err := a.Store.DeleteSchedule(c.Context(), c.Reach(), s.ID); err != nil {
		return notFound(err, "backup schedule", s.ID)
	}
	return c.Empty(http.StatusNoContent)
}

// runSchedule starts a run at once, {"run": {}}, paused or not; 409 while another one is under way.
func (a *API) runSchedule(c *Call) error {
	body, err := c.Object()
	if err != nil {
		return err
	}
	inner := body.Object("run")
	if inner == nil {
		return fault.BadRequest(`the body must have exactly one action, which is run: {"run": {}}`)
	}
	_ = inner.End(true) // its refusals are kept with those of the body
	if err := body.End(true); err != nil {
		return err
	}
	s, err := a.schedule(c)
	if err != nil {
		return err
	}
	if err := a.needDataWorker(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	start := flow.ScheduleRunStart(s, flow.Header{RequestID: c.RequestID, UserID: c.Identity.UserID, HoldHours: a.HoldHours})
	record, err := start.Record(models.FlowRunning, a.Now())
	if err != nil {
		return err
	}
	if err := a.Store.BeginScheduleRun(ctx, c.Reach(), s.ID, record); err != nil {
		return conflict(notFound(err, "backup schedule", s.ID))
	}
	return a.startBegun(ctx, c, start)
}

type scheduleList struct {
	Schedules []scheduleView `json:"backup_schedules"`
	Links     []Link         `json:"backup_schedules_links,omitempty"`
}

type scheduleView struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Description  Null   `json:"description"`
	ProjectID    string `json:"project_id"`
	UserID       string `json:"user_id"`
	VolumeID     string `json:"volume_id"`
	Cron         string `json:"cron"`
	TimeZone     string `json:"time_zone"`
	FullEvery    int64  `json:"full_every"`
	VerifyEvery  int64  `json:"verify_every"`
	KeepLast     int64  `json:"keep_last"`
	KeepDaily    int64  `json:"keep_daily"`
	KeepWeekly   int64  `json:"keep_weekly"`
	KeepMonthly  int64  `json:"keep_monthly"`
	Quiesce      string `json:"quiesce"`
	Paused       bool   `json:"paused"`
	PausedReason Null   `json:"paused_reason"`
	NextRunAt    Time   `json:"next_run_at"`
	Runs         int64  `json:"runs"`
	Flow         Null   `json:"flow_id"`
	LastFlow     Null   `json:"last_flow_id"`
	LastBackup   Null   `json:"last_backup_id"`
	LastResult   Null   `json:"last_result"`
	LastError    Null   `json:"last_error"`
	LastRunAt    Time   `json:"last_run_at"`
	LastEndedAt  Time   `json:"last_ended_at"`
	SkippedAt    Time   `json:"last_skipped_at"`
	SkipReason   Null   `json:"last_skipped_reason"`
	CreatedAt    Time   `json:"created_at"`
	UpdatedAt    Time   `json:"updated_at"`
}

func (a *API) viewSchedule(s *models.BackupSchedule) scheduleView {
	return scheduleView{
		ID: s.ID, Name: s.Name, Description: Null(s.Description), ProjectID: s.ProjectID, UserID: s.UserID, VolumeID: s.VolumeID,
		Cron: s.Cron, TimeZone: s.TimeZone, FullEvery: s.FullEvery, VerifyEvery: s.VerifyEvery, KeepLast: s.Keep.Last, KeepDaily: s.Keep.Daily,
		KeepWeekly: s.Keep.Weekly, KeepMonthly: s.Keep.Monthly, Quiesce: cmp.Or(s.Quiesce, quiesceNo), Paused: s.Paused, PausedReason: Null(s.PausedReason), NextRunAt: Time(nextRun(s, a.Now())),
		Runs: s.Runs, Flow: Null(s.FlowID), LastFlow: Null(s.LastFlowID), LastBackup: Null(s.LastBackupID), LastResult: Null(s.LastResult),
		LastError: Null(s.LastError), LastRunAt: Time(s.LastRunAt), LastEndedAt: Time(s.LastEndedAt), SkippedAt: Time(s.SkippedAt), SkipReason: Null(s.SkippedReason),
		CreatedAt: Time(s.CreatedAt), UpdatedAt: Time(s.UpdatedAt),
	}
}

// nextRun is when the schedule is due next; zero of one that is paused.
func nextRun(s *models.BackupSchedule, now time.Time) time.Time {
	times, err := schedule.Parse(s.Cron, s.TimeZone)
	if err != nil || s.Paused {
		return time.Time{}
	}
	return times.Next(now)
}
