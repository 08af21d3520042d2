package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/schedule"
	"github.com/clinker-storage/clinker/models"
)

// ScheduleStore is the part of the catalogue that runs of backup schedules use.
type ScheduleStore interface {
	GetSchedule(ctx context.Context, projectID, id string) (models.BackupSchedule, error)
	GetVolume(ctx context.Context, projectID, id string) (models.Volume, error)
	GetBackup(ctx context.Context, projectID, id string) (models.Backup, error)
	GetFlow(ctx context.Context, projectID, id string) (models.Flow, error)
	ParentFor(ctx context.Context, b models.Backup) (models.Backup, error)
	// BackupsOfVolume reads all of a volume's backups, with what retention looks at.
	BackupsOfVolume(ctx context.Context, volumeID string) ([]models.Backup, error)
	BeginFlow(ctx context.Context, f models.Flow) error
	BeginBackupRemoval(ctx context.Context, projectID, id, operation string, record func(models.Backup) (models.Flow, error)) (models.Backup, error)
}

// Schedules are the steps of a run of a backup schedule.
type Schedules struct {
	Store ScheduleStore
}

// nameForm is the time in the name of a scheduled backup.
const nameForm = "2006-01-02 15:04"

// ExtractScheduleRequest makes the request for a run's backup of the schedule as it is now. A schedule or a volume that is gone is ErrNotFound.
// Everything random comes from the flow's id: the same run asks for the same backup again.
func (s *Schedules) ExtractScheduleRequest(ctx context.Context, in flow.ScheduleRunInput) (flow.ScheduleSpec, error) {
	var spec flow.ScheduleSpec
	sch, err := s.Store.GetSchedule(ctx, "", in.ResourceID)
	if err != nil {
		return spec, catalogueError(err)
	}
	v, err := s.Store.GetVolume(ctx, sch.ProjectID, sch.VolumeID)
	if isNotFound(err) {
		return spec, refuse(flow.ErrNotFound, "volume %s of the schedule is gone; the schedule is paused, and its backups stay", sch.VolumeID)
	}
	if err != nil {
		return spec, catalogueError(err)
	}
	all, err := s.Store.BackupsOfVolume(ctx, v.ID)
	if err != nil {
		return spec, catalogueError(err)
	}
	zone, err := time.LoadLocation(sch.TimeZone)
	if err != nil {
		return spec, catalogueError(fmt.Errorf("%w: %w", models.ErrInvalid, err))
	}
	b := flow.BackupCreateInput{
		Header: in.Header, VolumeID: v.ID, Name: cmp.Or(sch.Name, "scheduled") + " " + time.Now().In(zone).Format(nameForm), ScheduleID: sch.ID, Force: true,
		Quiesce: sch.Quiesce, Incremental: !schedule.Full(sch.ID, sch.FullEvery, all),
	}
	b.ResourceID = runsBackup(in.FlowID)
	b.FlowID = flow.ID(flow.BackupCreate, b.ResourceID, in.RequestID)
	if b.Incremental { // what it would add to may not do: the volume has been made anew, say
		_, err := s.Store.ParentFor(ctx, models.Backup{ProjectID: sch.ProjectID, VolumeID: v.ID, SizeGiB: v.SizeGiB})
		if err != nil && !isNotFound(err) {
			return spec, catalogueError(err)
		}
		b.Incremental = err == nil
	}
	b.Tasks = flow.BackupCreateTasks(v.Status == models.VolumeInUse)
	b.Summary = fmt.Sprintf("scheduled backup %.60q of volume %s", b.Name, v.ID)
	spec.Backup = b
	spec.Verify = sch.VerifyEvery > 0 && sch.Runs%sch.VerifyEvery == 0
	return spec, nil
}

// runsBackup is the id of the backup that a run makes.
func runsBackup(flowID string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(flowID)).String()
}

// BeginVerify writes the record of the flow that verifies a run's backup.
func (s *Schedules) BeginVerify(ctx context.Context, in flow.BackupRef) (flow.BackupVerifyInput, error) {
	b, err := s.Store.GetBackup(ctx, "", in.BackupID)
	if err != nil {
		return flow.BackupVerifyInput{}, catalogueError(err)
	}
	verify := flow.BackupVerifyInput{Header: s.header(in, flow.BackupVerify, b), Backup: stored(b), Host: b.Host}
	verify.Tasks, verify.Summary = flow.BackupVerifyTasks(), fmt.Sprintf("verify backup %.60q", b.Name)
	f, err := flow.Start{Operation: flow.BackupVerify, Header: verify.Header, Kind: flow.KindBackup, Input: verify}.Record(models.FlowRunning, time.Now())
	if err != nil {
		return verify, err
	}
	return verify, catalogueError(s.Store.BeginFlow(ctx, f))
}

func (s *Schedules) header(in flow.BackupRef, op flow.Operation, b models.Backup) flow.Header {
	h := in.Header
	h.ResourceID, h.ProjectID, h.FlowID = b.ID, b.ProjectID, flow.ID(op, b.ID, in.RequestID)
	return h
}

// PlanRetention names the backups of the schedule that are not kept. A schedule that is gone keeps all.
func (s *Schedules) PlanRetention(ctx context.Context, in flow.FlowRef) (flow.RetentionPlan, error) {
	var plan flow.RetentionPlan
	sch, err := s.Store.GetSchedule(ctx, "", in.ResourceID)
	if isNotFound(err) {
		return plan, nil
	}
	if err != nil {
		return plan, catalogueError(err)
	}
	zone, err := time.LoadLocation(sch.TimeZone)
	if err != nil {
		return plan, catalogueError(fmt.Errorf("%w: %w", models.ErrInvalid, err))
	}
	all, err := s.Store.BackupsOfVolume(ctx, sch.VolumeID)
	if err != nil {
		return plan, catalogueError(err)
	}
	plan.Expired = schedule.Expired(sch.ID, sch.Keep, zone, all)
	plan.Expired = plan.Expired[:min(len(plan.Expired), flow.RetentionMost)]
	return plan, nil
}

// BeginExpire moves a backup to `deleting` under the flow that deletes it. One that does not allow it by now, since something is being done
// with it or another one adds to it, is kept; one that is gone is too.
func (s *Schedules) BeginExpire(ctx context.Context, in flow.BackupRef) (out flow.ExpireResult, err error) {
	_, err = s.Store.BeginBackupRemoval(ctx, "", in.BackupID, models.OpBackupDelete, func(b models.Backup) (models.Flow, error) {
		out.Remove = flow.BackupRemoveInput{
			Header: s.header(in, flow.BackupDelete, b), Backup: stored(b), Host: b.Host, BaseHost: b.BaseHost, VolumeID: b.VolumeID,
		}
		out.Remove.Tasks, out.Remove.Summary = flow.BackupDeleteTasks(), fmt.Sprintf("delete backup %.60q, which its schedule does not keep", b.Name)
		return flow.Start{Operation: flow.BackupDelete, Header: out.Remove.Header, Kind: flow.KindBackup, Input: out.Remove}.Record(models.FlowRunning, time.Now())
	})
	var refused *models.StatusError
	if errors.As(err, &refused) || isNotFound(err) || errors.Is(err, models.ErrExists) {
		return flow.ExpireResult{Kept: err.Error()}, nil
	}
	return out, catalogueError(err)
}

// FlowOutcome tells how a flow stands by its record.
func (s *Schedules) FlowOutcome(ctx context.Context, in flow.OutcomeInput) (flow.Outcome, error) {
	f, err := s.Store.GetFlow(ctx, "", in.Of)
	if isNotFound(err) {
		return flow.Outcome{}, nil
	}
	return flow.Outcome{Known: err == nil, State: f.State, Error: f.Error, Hint: f.Hint}, catalogueError(err)
}
