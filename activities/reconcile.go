package activities

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// FlowStore is the part of the catalogue that reconciling and housekeeping use.
type FlowStore interface {
	// OpenFlows lists flows that neither changed nor were checked since before, those checked longest ago first.
	OpenFlows(ctx context.Context, before time.Time, limit int) ([]models.Flow, error)
	CheckFlow(ctx context.Context, flowID string, at time.Time) error
	EndFlow(ctx context.Context, e models.FlowEnd) error
	ResumeFlow(ctx context.Context, e models.FlowEnd) error
	RollbackQuota(ctx context.Context, flowID string) error
	BeginFlow(ctx context.Context, f models.Flow) error
	Purge(ctx context.Context, now time.Time, flowRecords time.Duration) (map[string]int64, error)
}

// Engine is what reconciling asks Temporal.
type Engine interface {
	// Open tells whether the flow runs; known is false when Temporal has never heard of it or has forgotten it.
	Open(ctx context.Context, flowID string) (open, known bool, err error)
	// Restart starts a flow again from its record.
	Restart(ctx context.Context, f models.Flow) error
	// CheckAttachments starts attachment-check, unless it runs.
	CheckAttachments(ctx context.Context) error
}

// Upkeep finds flows whose record says that they run while Temporal does not, and clears what is out of date.
type Upkeep struct {
	Store       FlowStore
	Engine      Engine
	MessageTTL  time.Duration
	FlowRecords time.Duration // flow_record_days

	checked time.Time // when attachments were last compared; a control worker that starts waits one checkEvery
}

// checkEvery is how often attachments are compared with what targets, hosts and guests have.
const checkEvery = 10 * time.Minute

const (
	// reconcileGrace leaves flows alone that have just begun or moved.
	reconcileGrace = 30 * time.Second
	reconcileBatch = 200
	// reconcileTime bounds one round: statistics are gathered between rounds, and services go down without them.
	reconcileTime = 10 * time.Second
)

// Reconcile looks at flows that have been open for a while. One that Temporal does not know is started from its
// record, if that has the input; one that ended without writing so (terminated by hand, or lost) leaves its resource
// in an error status with a reason. Temporal being away says nothing about any flow.
func (u *Upkeep) Reconcile(ctx context.Context) error {
	ctx, stop := work(ctx, drainGrace)
	defer stop()
	begun := time.Now()
	flows, err := u.Store.OpenFlows(ctx, time.Now().Add(-reconcileGrace), reconcileBatch)
	if err != nil {
		return catalogueError(err)
	}
	for _, f := range flows {
		if time.Since(begun) > reconcileTime || ctx.Err() != nil {
			return nil // the next round goes on with those not checked yet
		}
		switch err := u.one(ctx, f); {
		case errors.Is(err, flow.ErrEngineAway), errors.Is(err, models.ErrUnavailable):
			return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "flows can't be checked now: " + err.Error()})
		case err != nil:
			slog.Warn("flow not reconciled", "flow", f.ID, "error", err)
		}
	}
	u.checkAttachments(ctx)
	return nil
}

// checkAttachments has them compared now and then. The monitor runs one Reconcile at a time.
func (u *Upkeep) checkAttachments(ctx context.Context) {
	switch {
	case u.checked.IsZero():
		u.checked = time.Now()
	case time.Since(u.checked) >= checkEvery:
		u.checked = time.Now()
		if err := u.Engine.CheckAttachments(ctx); err != nil {
			slog.Warn("attachments not checked", "error", err)
		}
	}
}

// one looks at one flow. It is marked first, so that one that can't be mended does not keep others from their turn.
func (u *Upkeep) one(ctx context.Context, f models.Flow) error {
	if err := u.Store.CheckFlow(ctx, f.ID, time.Now()); err != nil {
		return err
	}
	open, known, err := u.Engine.Open(ctx, f.ID)
	switch {
	case err != nil:
		return err
	case open:
		return nil
	case !known && len(f.Input) > 0:
		err := u.restart(ctx, f)
		var lost *models.StatusError
		if !errors.As(err, &lost) {
			return err
		}
	}
	why := "the flow was ended from outside (terminated in Temporal)"
	if !known {
		why = "the flow is not known to Temporal any more"
	}
	slog.Warn("flow has ended without a word", "flow", f.ID, "request_id", f.RequestID, "reason", why)
	r := Records{MessageTTL: u.MessageTTL}
	end := flow.FlowEndInput{
		Header:     flow.Header{FlowID: f.ID, ProjectID: f.ProjectID, RequestID: f.RequestID, ResourceID: f.ResourceID},
		State:      models.FlowFailure,
		FailedTask: f.FailedTask, Error: why,
	}
	op := flow.Operation(f.Operation)
	tidy, err := u.beginTidy(ctx, f)
	if err != nil {
		return err
	}
	volume, snapshots := errorStatuses(op)
	err = u.Store.EndFlow(ctx, models.FlowEnd{
		FlowID: f.ID, ResourceID: f.ResourceID, State: models.FlowFailure, Status: volume, Snapshots: snapshots,
		Attachment: errorAttachment(op), Backups: errorBackups(op),
		FailedTask: f.FailedTask, Error: why, Hint: "delete the resource, or reset its status after a look at the backend",
		Tasks: f.Tasks, Message: r.message(end),
	})
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err := u.Store.RollbackQuota(ctx, f.ID); err != nil || tidy == nil {
		return err
	}
	return u.Engine.Restart(ctx, *tidy)
}

// beginTidy writes the record of the flow that takes away the temporary snapshot that a backup's flow may have left; nil where it can't
// have. Were it never started now, it would be later, from its record.
func (u *Upkeep) beginTidy(ctx context.Context, f models.Flow) (*models.Flow, error) {
	var in flow.BackupCreateInput
	if f.Operation != models.OpBackupCreate || json.Unmarshal(f.Input, &in) != nil || in.SnapshotID != "" {
		return nil, nil
	}
	h := in.Header
	h.ResourceID, h.ProjectID, h.RequestID = f.ResourceID, f.ProjectID, f.RequestID
	h.FlowID, h.Tasks = flow.ID(flow.BackupTidy, f.ResourceID, f.RequestID), flow.BackupTidyTasks()
	h.Summary = "take away the temporary snapshot of backup " + f.ResourceID
	h.AcceptBy = time.Time{}
	start := flow.Start{Operation: flow.BackupTidy, Header: h, Kind: flow.KindBackup, Backend: f.Backend, Input: flow.BackupTidyInput{Header: h, VolumeID: in.VolumeID}}
	record, err := start.Record(models.FlowRunning, time.Now())
	if err != nil {
		return nil, err
	}
	return &record, u.Store.BeginFlow(ctx, record)
}

// restart starts a flow from its record. Its steps find what they did before. One that was held runs again, and its rows show it; a
// *models.StatusError says that it has lost them.
func (u *Upkeep) restart(ctx context.Context, f models.Flow) error {
	if f.State == models.FlowHeld {
		resume := models.FlowEnd{FlowID: f.ID, ResourceID: f.ResourceID}
		resume.Status, resume.Snapshots = busyStatuses(flow.Operation(f.Operation))
		resume.Attachment = busyAttachment(flow.Operation(f.Operation))
		if to := models.BackupTransition(f.Operation).To; to.Known() {
			resume.Backups = to
		}
		if err := u.Store.ResumeFlow(ctx, resume); err != nil {
			return err
		}
	}
	slog.Info("flow started from its record", "flow", f.ID, "request_id", f.RequestID)
	return u.Engine.Restart(ctx, f)
}

// busyStatuses are what a volume shows, and the snapshots that its flow owns, while the flow works.
func busyStatuses(op flow.Operation) (models.VolumeStatus, models.SnapshotStatus) {
	snapshots := models.SnapshotTransition(string(op)).To
	if op == flow.VolumeDelete {
		snapshots = models.SnapshotDeleting // of a cascade
	}
	switch op.Kind() {
	case flow.KindSnapshot:
		return "", snapshots
	case flow.KindAttachment:
		return "", ""
	}
	volume := models.Transition(string(op)).To
	if volume == models.EndSame {
		volume = ""
	}
	return volume, snapshots
}

// busyAttachment is what an attachment shows while the flow works that owns it; "" leaves it.
func busyAttachment(op flow.Operation) models.AttachmentStatus {
	switch op {
	case flow.AttachmentCreate, flow.AttachmentUpdate, flow.VolumeAttach:
		return models.AttachmentAttaching
	case flow.AttachmentDelete:
		return models.AttachmentDetaching
	}
	return ""
}

// errorAttachment is what an attachment shows whose flow has ended without a word: the host may be let in.
func errorAttachment(op flow.Operation) models.AttachmentStatus {
	switch op {
	case flow.AttachmentCreate, flow.AttachmentUpdate, flow.VolumeAttach:
		return models.AttachmentErrorAttaching
	}
	return models.AttachmentErrorDetaching
}

// errorStatuses are what a volume shows, and the snapshots that its flow owns, whose flow has ended without a word.
func errorStatuses(op flow.Operation) (models.VolumeStatus, models.SnapshotStatus) {
	switch op.Kind() {
	case flow.KindSnapshot:
		return "", models.SnapshotTransition(string(op)).Failure
	case flow.KindAttachment:
		return "", ""
	}
	snapshots := models.SnapshotTransition(string(op)).Failure // of a revert
	if op == flow.VolumeDelete {
		snapshots = models.SnapshotErrorDeleting // of a cascade
	}
	return models.Transition(string(op)).Failure, snapshots
}

// errorBackups are what the backups show whose own flow has ended without a word. One that was to be restored is as it was.
func errorBackups(op flow.Operation) models.BackupStatus {
	if op == flow.BackupRestore || op.Kind() != flow.KindBackup {
		return ""
	}
	if failure := models.BackupTransition(string(op)).Failure; failure.Known() {
		return failure
	}
	return "" // a verification owns nothing
}

// Purge removes records, messages, keys and reservations whose time is over.
func (u *Upkeep) Purge(ctx context.Context) error {
	ctx, stop := work(ctx, drainGrace)
	defer stop()
	gone, err := u.Store.Purge(ctx, time.Now(), u.FlowRecords)
	if err == nil {
		slog.Debug("purged", "rows", gone)
	}
	return catalogueError(err)
}
