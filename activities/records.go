package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// EntryStore is the part of the catalogue that writes rows for flows; every write is guarded by the flow's id.
type EntryStore interface {
	MoveStore
	// AbandonFlow marks a flow that has no record yet as given up; models.ErrExists when it has one.
	AbandonFlow(ctx context.Context, f models.Flow) error
	CreateEntry(ctx context.Context, v models.Volume, f models.Flow) (models.Volume, error)
	ReadyEntry(ctx context.Context, volumeID, flowID, host, location string, tasks []models.Task) (models.Volume, error)
	ReadyManaged(ctx context.Context, volumeID, flowID, host, location string, sizeGiB int64, tasks []models.Task) (models.Volume, error)
	CreateAttachmentEntry(ctx context.Context, projectID string, a models.Attachment, f models.Flow) (models.Attachment, error)
	BeginAttachmentUpdate(ctx context.Context, projectID string, a models.Attachment, f models.Flow) (models.Attachment, error)
	ReadyAttachment(ctx context.Context, id, flowID string, c models.ConnectionInfo, tasks []models.Task) (models.Attachment, error)
	BackupEntryStore
	CompleteAttachment(ctx context.Context, projectID, id string) (models.Attachment, error)
	CreateSnapshotEntry(ctx context.Context, sn models.Snapshot, inUse bool, f models.Flow) (models.Snapshot, error)
	ReadySnapshot(ctx context.Context, snapshotID, flowID, location string, tasks []models.Task) (models.Snapshot, error)
	// NextSnapshot reads a snapshot that the flow owns, with its volume, and how many there are.
	NextSnapshot(ctx context.Context, flowID string) (models.Snapshot, models.Volume, int, error)
	DestroySnapshot(ctx context.Context, snapshotID, flowID string) error
	BeginExtend(ctx context.Context, projectID, volumeID string, newSizeGiB int64, inUse bool, f models.Flow) (models.Volume, error)
	AttachedTo(ctx context.Context, volumeIDs []string) (map[string][]models.Attachment, error)
	FinishExtend(ctx context.Context, volumeID, flowID string, newSizeGiB int64, tasks []models.Task) (models.Volume, error)
	EndFlow(ctx context.Context, e models.FlowEnd) error
	ResumeFlow(ctx context.Context, e models.FlowEnd) error
}

// Records writes the rows of volumes, snapshots and flows.
type Records struct {
	Store      EntryStore
	Names      flow.Names
	MessageTTL time.Duration // message_ttl
}

// EntryCreate writes the volume, the snapshot or the attachment in its first status and the flow's record, in one transaction. After the client was
// told 503 it writes nothing.
func (r *Records) EntryCreate(ctx context.Context, in flow.EntryCreateInput) (flow.EntryResult, error) {
	metadata := in.Volume.Metadata
	if in.Snapshot != nil {
		metadata = in.Snapshot.Metadata
	}
	if in.Backup != nil {
		metadata = in.Backup.Metadata
	}
	var out flow.EntryResult
	request, err := whole(in.Request, metadata)
	if err != nil {
		return out, catalogueError(err)
	}
	f, err := r.begin(ctx, in.Header, in.Operation, request)
	if err != nil {
		return out, err
	}
	switch {
	case in.Attachment != nil && in.Operation == flow.AttachmentUpdate:
		out.Attachment, err = r.Store.BeginAttachmentUpdate(ctx, scope(in.Header), *in.Attachment, f)
	case in.Attachment != nil:
		out.Attachment, err = r.Store.CreateAttachmentEntry(ctx, scope(in.Header), *in.Attachment, f)
	case in.Snapshot != nil:
		out.Snapshot, err = r.Store.CreateSnapshotEntry(ctx, *in.Snapshot, in.InUse, f)
	case in.Kind() == flow.KindBackup:
		return r.enterBackup(ctx, in, f)
	case in.BackupID != "":
		out.Volume, err = r.Store.CreateEntryFromBackup(ctx, in.Volume, in.BackupID, f)
	default:
		out.Volume, err = r.Store.CreateEntry(ctx, in.Volume, f)
	}
	return out, catalogueError(err)
}

// whole is a flow's input as it came: the metadata, which travels once, is put back.
func whole(request any, metadata map[string]string) (any, error) {
	if request == nil || len(metadata) == 0 {
		return request, nil
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	fields["metadata"] = metadata
	return fields, nil
}

// EntryReady makes the volume, the snapshot or the backup available, or gives an attachment its connection, and ends the flow.
func (r *Records) EntryReady(ctx context.Context, in flow.EntryReadyInput) error {
	var err error
	switch {
	case in.Connection != nil:
		_, err = r.Store.ReadyAttachment(ctx, in.ResourceID, in.FlowID, *in.Connection, in.Tasks)
		if err == nil && in.InUse {
			_, err = r.Store.CompleteAttachment(ctx, "", in.ResourceID)
		}
	case in.Kind() == flow.KindBackup:
		_, err = r.Store.ReadyBackup(ctx, in.ResourceID, in.FlowID, in.Host, in.Data, in.Tasks)
	case in.Kind() == flow.KindSnapshot:
		_, err = r.Store.ReadySnapshot(ctx, in.ResourceID, in.FlowID, in.ProviderLocation, in.Tasks)
	case in.SizeGiB > 0:
		_, err = r.Store.ReadyManaged(ctx, in.ResourceID, in.FlowID, in.Host, in.ProviderLocation, in.SizeGiB, in.Tasks)
	default:
		_, err = r.Store.ReadyEntry(ctx, in.ResourceID, in.FlowID, in.Host, in.ProviderLocation, in.Tasks)
	}
	return catalogueError(err)
}

// EntryReverted makes volume and snapshot available again and ends the flow.
func (r *Records) EntryReverted(ctx context.Context, in flow.FlowEndInput) error {
	return r.end(ctx, in)
}

// NextSnapshot names the next snapshot of a delete with cascade.
func (r *Records) NextSnapshot(ctx context.Context, in flow.FlowRef) (flow.NextSnapshotResult, error) {
	sn, v, left, err := r.Store.NextSnapshot(ctx, in.FlowID)
	if err != nil || left == 0 {
		return flow.NextSnapshotResult{}, catalogueError(err)
	}
	return flow.NextSnapshotResult{ID: sn.ID, Snapshot: r.Names.StorageSnapshot(sn, v), Left: left}, nil
}

// SnapshotDestroy removes the row of a snapshot that a cascade has deleted, and gives its quota back.
func (r *Records) SnapshotDestroy(ctx context.Context, in flow.SnapshotDestroyInput) error {
	return catalogueError(r.Store.DestroySnapshot(ctx, in.SnapshotID, in.FlowID))
}

// EntryExtend moves the volume to `extending` and writes the flow's record.
func (r *Records) EntryExtend(ctx context.Context, in flow.EntryExtendInput) (flow.EntryExtendResult, error) {
	var out flow.EntryExtendResult
	f, err := r.begin(ctx, in.Header, in.Operation, in.Request)
	if err != nil {
		return out, err
	}
	if out.Volume, err = r.Store.BeginExtend(ctx, scope(in.Header), in.ResourceID, in.NewSizeGiB, in.InUse, f); err != nil {
		return out, catalogueError(err)
	}
	// No attachment comes to a volume while it is `extending`; one that goes has nobody to be told.
	attached, err := r.Store.AttachedTo(ctx, []string{in.ResourceID})
	out.Hosts, out.Servers = flow.AttachedHosts(attached[in.ResourceID]), flow.AttachedServers(attached[in.ResourceID])
	return out, catalogueError(err)
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
	return catalogueError(r.Store.ResumeFlow(ctx, models.FlowEnd{FlowID: in.FlowID, ResourceID: in.ResourceID, Status: in.Status, Snapshots: in.Snapshots, Attachment: in.Attachment, Backups: in.Backups}))
}

func (r *Records) end(ctx context.Context, in flow.FlowEndInput) error {
	e := models.FlowEnd{
		FlowID: in.FlowID, ResourceID: in.ResourceID, State: in.State, Status: in.Status, Snapshots: in.Snapshots, Attachment: in.Attachment, Backups: in.Backups, Gone: in.Gone,
		FailedTask: in.FailedTask, Error: in.Error, Hint: in.Hint, Tasks: in.Tasks, Unclaim: in.Unclaim, Schedule: in.Schedule,
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

// begin makes the record of a flow that is about to write its row. Past Header.AcceptBy the client has been or is being
// told 503, so the flow gives itself up, as the API would; but one whose record stands was accepted before, by an
// attempt that lost its answer, and goes on.
func (r *Records) begin(ctx context.Context, h flow.Header, op flow.Operation, input any) (models.Flow, error) {
	f, err := flow.Start{Operation: op, Header: h, Kind: op.Kind(), Input: input}.Record(models.FlowRunning, time.Now())
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
