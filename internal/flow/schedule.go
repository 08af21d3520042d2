package flow

import (
	"cmp"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/models"
)

// ScheduleRun is one run of a backup schedule: the flow that makes the backup, verifies it and deletes those that are not kept.
const ScheduleRun Operation = models.OpScheduleRun

// KindSchedule is the kind of resource of backup schedules.
const KindSchedule = "schedule"

// ScheduleTick is the workflow that Temporal starts when a schedule is due; it begins the run. It is in SystemNamespace, as the schedules
// are, so that a run is a flow like any other.
const ScheduleTick = "schedule-tick"

// Task names of a run. What it has done by flows of their own is named after those.
const (
	TaskExtractScheduleRequest = "ExtractScheduleRequest"
	TaskBeginVerify            = "BeginVerify"
	TaskPlanRetention          = "PlanRetention"
	TaskBeginExpire            = "BeginExpire"
	TaskFlowOutcome            = "FlowOutcome"
	TaskEntryScheduled         = "EntryScheduled"
	// TaskStartScheduledRun is the step of ScheduleTick.
	TaskStartScheduledRun = "StartScheduledRun"
)

// ScheduleRunTasks is the chain of schedule-run; what there was no need for is left out at its end.
func ScheduleRunTasks() []string {
	return []string{
		TaskExtractScheduleRequest, string(BackupCreate), TaskBeginVerify, string(BackupVerify), TaskPlanRetention, TaskBeginExpire, string(BackupDelete), TaskEntryScheduled,
	}
}

// ScheduleRunInput starts schedule-run. ResourceID is the schedule's id.
type ScheduleRunInput struct {
	Header
	// VolumeID is the schedule's volume when the run began.
	VolumeID string `json:"volume_id"`
}

// ScheduleRunStart is the run of a schedule that was asked for by a request, or was due. The id of the flow comes from the request.
func ScheduleRunStart(s models.BackupSchedule, h Header) Start {
	h.FlowID = ID(ScheduleRun, s.ID, h.RequestID)
	h.ProjectID, h.ResourceID, h.Tasks = s.ProjectID, s.ID, ScheduleRunTasks()
	if h.UserID == "" {
		h.UserID = s.UserID
	}
	h.Summary = fmt.Sprintf("run the backup schedule %.40q", cmp.Or(s.Name, s.ID))
	return Start{Operation: ScheduleRun, Header: h, Kind: KindSchedule, Input: ScheduleRunInput{Header: h, VolumeID: s.VolumeID}}
}

// DueRequest is the id of the request of a run that was due: the same for whoever begins it, however often.
func DueRequest(scheduleID string, due time.Time) string {
	return "req-" + uuid.NewSHA1(uuid.NameSpaceOID, []byte(scheduleID+due.UTC().Format(time.RFC3339))).String()
}

// ScheduleSpec is what ExtractScheduleRequest makes of a schedule as it is now.
type ScheduleSpec struct {
	Backup BackupCreateInput `json:"backup"`
	Verify bool              `json:"verify,omitempty"`
}

// BackupRef names a backup for a step of a run.
type BackupRef struct {
	Header
	BackupID string `json:"backup_id"`
}

// RetentionPlan are the backups that go, those first that nothing adds to; at most RetentionMost a run.
type RetentionPlan struct {
	Expired []string `json:"expired,omitempty"`
}

// RetentionMost bounds what a run deletes; the next one goes on.
const RetentionMost = 100

// ExpireResult is the delete to do. Kept says why the backup stays after all.
type ExpireResult struct {
	Remove BackupRemoveInput `json:"remove"`
	Kept   string            `json:"kept,omitempty"`
}

// OutcomeInput asks how a flow has ended.
type OutcomeInput struct {
	Header
	Of string `json:"of"` // the flow's id
}

// Outcome is how a flow stands by its record.
type Outcome struct {
	Known bool             `json:"known"`
	State models.FlowState `json:"state,omitempty"`
	Error string           `json:"error,omitempty"`
	Hint  string           `json:"hint,omitempty"`
}

// TickInput starts ScheduleTick.
type TickInput struct {
	ScheduleID string `json:"schedule_id"`
	// Due is when the run was due; the workflow fills it in.
	Due time.Time `json:"due,omitzero"`
}

// Schedule is a backup schedule as Temporal keeps it.
type Schedule struct {
	ID             string // of the row
	Cron, TimeZone string
	Paused         bool
	CatchUp        time.Duration // how late a run may begin that was missed
	Note           string        // differs whenever anything of it does
	Summary        string
}
