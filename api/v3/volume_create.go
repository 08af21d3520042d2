package v3

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// createVolume starts volume-create and answers 202 with the row as soon as the flow has written it. With an Idempotency-Key,
// equal requests are answered with the volume that the first of them made.
func (a *API) createVolume(c *Call) error {
	deadline := time.Now().Add(a.AcceptWait)
	in, err := readVolumeCreate(c)
	if err != nil {
		return err
	}
	key, err := c.idempotencyKey()
	if err != nil {
		return err
	}
	start := a.volumeCreateStart(c, in, key, deadline)
	ctx := context.WithoutCancel(c.Context())
	var v models.Volume
	flowID, err := a.once(ctx, c, key, start, deadline, keyed{
		what: "volume", request: "POST /volumes",
		find: func(ctx context.Context, projectID, id string) (err error) {
			v, err = a.Store.GetVolume(ctx, projectID, id)
			return err
		},
		run: func() (err error) {
			v, err = a.runVolumeCreate(ctx, c, start, deadline)
			return err
		},
	})
	if err != nil {
		return err
	}
	c.Started(flowID)
	return a.answerVolume(c, http.StatusAccepted, &v, (*volumeWriter).detail)
}

// runVolumeCreate returns the row that the flow has written.
func (a *API) runVolumeCreate(ctx context.Context, c *Call, s flow.Start, deadline time.Time) (models.Volume, error) {
	var result flow.VolumeResult
	late := func(ctx context.Context) error {
		v, err := a.Store.GetVolume(ctx, s.Header.ProjectID, s.Header.ResourceID)
		result.Volume = v
		return err
	}
	err := a.accept(ctx, c, s, &result, deadline, late)
	return result.Volume, err
}

func (a *API) volumeCreateStart(c *Call, in flow.VolumeCreateInput, key string, acceptBy time.Time) flow.Start {
	id := uuid.NewString()
	in.Header = a.header(c, flow.VolumeCreate, c.Project(), id)
	in.AcceptBy = acceptBy.UTC()
	in.Tasks = flow.VolumeCreateTasks()
	if in.SnapshotID != "" {
		in.Tasks = flow.VolumeFromSnapshotTasks()
	}
	if in.BackupID != "" {
		in.Tasks = flow.VolumeFromBackupTasks()
	}
	in.Summary = createSummary(&in)
	in.MaxAttempts = a.MaxAttempts
	in.IdempotencyKey = key
	return flow.Start{Operation: flow.VolumeCreate, Header: in.Header, Kind: flow.KindVolume, Input: in}
}

// header is what a flow knows of this request; projectID is the resource's, which for an admin may not be the caller's.
func (a *API) header(c *Call, op flow.Operation, projectID, resourceID string) flow.Header {
	return flow.Header{
		FlowID: flow.ID(op, resourceID, c.RequestID), RequestID: c.RequestID, ProjectID: projectID,
		UserID: c.Identity.UserID, Admin: c.Identity.Admin, ResourceID: resourceID, HoldHours: a.HoldHours,
	}
}
