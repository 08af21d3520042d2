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
	CreateEntry(ctx context.Context, v models.Volume, f models.Flow) (models.Volume, error)
	ReadyEntry(ctx context.Context, volumeID, flowID, host, location string, tasks []models.Task) (models.Volume, error)
	BeginExtend(ctx context.Context, projectID, volumeID string, newSizeGiB int64, inUse bool, f models.Flow) (models.Volume, error)
	FinishExtend(ctx context.Context, volumeID, flowID string, newSizeGiB int64, tasks []models.Task) (models.Volume, error)
	EndFlow(ctx context.Context, e models.FlowEnd) error
	ResumeFlow(ctx context.Context, flowID, resourceID string, status models.VolumeStatus) error
}

// Records writes the rows of volumes and flows.
type Records struct {
	Store      EntryStore
	MessageTTL time.Duration // message_ttl
}

// EntryCreate writes the volume as `creating` and the flow's record, in one transaction. After the client was told
// 503 it writes nothing.
func (r *Records) EntryCreate(ctx context.Context, in flow.EntryCreateInput) (flow.VolumeResult, error) {
	if err := tooLate(in.Header); err != nil {
		return flow.VolumeResult{}, err
	}
	f, err := record(in.Header, in.Operation)
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
	if err := tooLate(in.Header); err != nil {
		return flow.VolumeResult{}, err
	}
	f, err := record(in.Header, in.Operation)
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
	return catalogueError(r.Store.ResumeFlow(ctx, in.FlowID, in.ResourceID, in.Status))
}

func (r *Records) end(ctx context.Context, in flow.FlowEndInput) error {
	e := models.FlowEnd{
		FlowID: in.FlowID, ResourceID: in.ResourceID, State: in.State, Status: in.Status, Gone: in.Gone,
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
	return &models.Message{
		ID:        uuid.NewSHA1(uuid.NameSpaceOID, []byte(in.FlowID+string(in.State)+in.FailedTask)).String(),
		ProjectID: in.ProjectID, EventID: eventID(in.FailedTask), UserMessage: in.FailedTask + ": " + in.Error, Level: "ERROR",
		RequestID: in.RequestID, ResourceType: "VOLUME", ResourceID: in.ResourceID, FlowID: in.FlowID,
		CreatedAt: now, ExpiresAt: now.Add(r.MessageTTL),
	}
}

// eventID makes Cinder's event id "VOLUME_<resource>_<action>_<detail>" out of the task that failed.
func eventID(task string) string {
	switch task {
	case flow.TaskVolumeCast:
		return "VOLUME_VOLUME_001_003"
	case flow.TaskExtendVolume:
		return "VOLUME_VOLUME_006_016"
	case flow.TaskDeleteVolume:
		return "VOLUME_VOLUME_005_001"
	}
	return "VOLUME_VOLUME_002_001"
}

func record(h flow.Header, op flow.Operation) (models.Flow, error) {
	return flow.Start{Operation: op, Header: h, Kind: "volume"}.Record(models.FlowRunning, time.Now())
}
