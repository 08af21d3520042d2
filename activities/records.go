package activities

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// EntryStore is the part of the catalogue that writes rows for flows; every write is guarded by the flow's id.
type EntryStore interface {
	// AbandonFlow marks a flow that has no record yet as given up; models.ErrExists when it has one.
	AbandonFlow(ctx context.Context, f models.Flow) error
	CreateEntry(ctx context.Context, v models.Volume, f models.Flow) (models.Volume, error)
	ReadyEntry(ctx context.Context, volumeID, flowID, host, location string, tasks []models.Task) (models.Volume, error)
	BeginExtend(ctx context.Context, projectID, volumeID string, newSizeGiB int64, inUse bool, f models.Flow) (models.Volume, error)
	FinishExtend(ctx context.Context, volumeID, flowID string, newSizeGiB int64, tasks []models.Task) (models.Volume, error)
	EndFlow(ctx context.Context, e models.FlowEnd) error
	ResumeFlow(ctx context.Context, e models.FlowEnd) error
}

// Records writes the rows of volumes and flows.
type Records struct {
	Store      EntryStore
	MessageTTL time.Duration // message_ttl
}

// EntryCreate writes the volume as `creating` and the flow's record, in one transaction. After the client was told
// 503 it writes nothing.
func (r *Records) EntryCreate(ctx context.Context, in flow.EntryCreateInput) (flow.VolumeResult, error) {
	f, err := r.begin(ctx, in.Header, in.Operation)
	if err != nil {
		return flow.VolumeResult{}, err
	}
	v, err := r.Store.CreateEntry(ctx, in.Volume, f)
	return flow.VolumeResult{Volume: v}, catalogueError(err)
}

// EntryReady makes the volume available and ends the flow.
func (r *Records) EntryReady(ctx context.Context, in flow.EntryReadyInput) error {
	_, err := r.Store.ReadyEntry(ctx, in.ResourceID, in.FlowID, in.Host, in.ProviderLocation, in.Tasks)
	return catalogueError(err)
}

// EntryExtend moves the volume to `extending` and writes the flow's record.
func (r *Records) EntryExtend(ctx context.Context, in flow.EntryExtendInput) (flow.VolumeResult, error) {
	f, err := r.begin(ctx, in.Header, in.Operation)
	if err != nil {
		return flow.VolumeResult{}, err
	}
	v, err := r.Store.BeginExtend(ctx, scope(in.Header), in.ResourceID, in.NewSizeGiB, in.InUse, f)
	return flow.VolumeResult{Volume: v}, catalogueError(err)
}

// EntryExtended writes the new size, the former status and the end of the flow.
func (r *Records) EntryExtended(ctx context.Context, in flow.EntryExtendInput) error {
	_, err := r.Store.FinishExtend(ctx, in.ResourceID, in.FlowID, in.NewSizeGiB, in.Tasks)
	return catalogueError(err)
}

// EntryDestroy removes the row, gives its quota back and ends the flow, in one transaction.
func (r *Records) EntryDestroy(ctx context.Context, in flow.FlowEndInput) error {
	return r.end(ctx, in)
}

// FlowHold shows that the flow waits for an operator.
func (r *Records) FlowHold(ctx context.Context, in flow.FlowEndInput) error { return r.end(ctx, in) }

// FlowEnd writes how the flow ended. A flow without a record was refused before it had one: nothing to write.
func (r *Records) FlowEnd(ctx context.Context, in flow.FlowEndInput) error { return r.end(ctx, in) }

// FlowResume shows that the flow goes on.
func (r *Records) FlowResume(ctx context.Context, in flow.FlowEndInput) error {
	return catalogueError(r.Store.ResumeFlow(ctx, models.FlowEnd{FlowID: in.FlowID, ResourceID: in.ResourceID, Status: in.Status, Snapshots: in.Snapshots}))
}

func (r *Records) end(ctx context.Context, in flow.FlowEndInput) error {
	e := models.FlowEnd{
		FlowID: in.FlowID, ResourceID: in.ResourceID, State: in.State, Status: in.Status, Snapshots: in.Snapshots, Gone: in.Gone,
		FailedTask: in.FailedTask, Error: in.Error, Hint: in.Hint, Tasks: in.Tasks,
	}
	if in.Message {
		e.Message = r.message(in)
	}
	err := r.Store.EndFlow(ctx, e)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	return catalogueError(err)
}

// message tells the user what went wrong. Its id comes from the flow, so that a repeated step leaves one message.
func (r *Records) message(in flow.FlowEndInput) *models.Message {
	now := time.Now().UTC()
	text := in.Error
	if in.FailedTask != "" {
		text = in.FailedTask + ": " + text
	}
	return &models.Message{
		ID:        uuid.NewSHA1(uuid.NameSpaceOID, []byte(in.FlowID+string(in.State)+in.FailedTask)).String(),
		ProjectID: in.ProjectID, EventID: eventID(in.FailedTask), UserMessage: text, Level: "ERROR",
		RequestID: in.RequestID, ResourceType: "VOLUME", ResourceID: in.ResourceID, FlowID: in.FlowID,
		CreatedAt: now, ExpiresAt: now.Add(r.MessageTTL),
	}
}

// eventID is Cinder's event id "VOLUME_<resource>_<action>_<detail>" of the task that failed, with the numbers of its
// cinder/message/message_field.py. Cinder leaves no message when a delete fails; 100 is ours.
func eventID(task string) string {
	switch task {
	case flow.TaskVolumeCast:
		return "VOLUME_VOLUME_001_003" // schedule allocate volume: could not find any available weighted backend
	case flow.TaskCreateVolume:
		return "VOLUME_VOLUME_008_012" // create volume from backend storage: driver failed to create the volume
	case flow.TaskExtendVolume:
		return "VOLUME_VOLUME_007_010" // extend volume: volume driver failed to extend the volume
	case flow.TaskDeleteVolume:
		return "VOLUME_VOLUME_100_001"
	}
	return "VOLUME_VOLUME_008_001" // unknown error
}

// begin makes the record of a flow that is about to write its row. Past Header.AcceptBy the client has been or is being
// told 503, so the flow gives itself up, as the API would; but one whose record stands was accepted before, by an
// attempt that lost its answer, and goes on.
func (r *Records) begin(ctx context.Context, h flow.Header, op flow.Operation) (models.Flow, error) {
	f, err := flow.Start{Operation: op, Header: h, Kind: "volume"}.Record(models.FlowRunning, time.Now())
	if err != nil || h.AcceptBy.IsZero() || time.Now().Before(h.AcceptBy) {
		return f, err
	}
	gone := f
	gone.Error = "the flow did not begin in time; the client was told to come again"
	switch err := r.Store.AbandonFlow(ctx, gone); {
	case err == nil:
		return f, catalogueError(models.ErrAbandoned)
	case errors.Is(err, models.ErrExists):
		return f, nil
	default:
		return f, catalogueError(err)
	}
}
