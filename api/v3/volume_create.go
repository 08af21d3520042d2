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

	// What has begun is brought to its end even if the client goes away: the key and the flow's record must agree.
	ctx := context.WithoutCancel(c.Context())
	if key != "" {
		claim, err := a.keyClaim(c, key, start.Header)
		if err != nil {
			return err
		}
		earlier, err := a.claimKey(ctx, claim, deadline)
		if err != nil {
			return err
		}
		if earlier != nil {
			c.Started(earlier.flowID)
			return a.answerVolume(c, http.StatusAccepted, &earlier.volume)
		}
	}
	v, err := a.runVolumeCreate(ctx, c, start, deadline)
	if err != nil {
		if key != "" {
			a.releaseKey(ctx, c, key, start.Header.FlowID)
		}
		return err
	}
	c.Started(start.Header.FlowID)
	return a.answerVolume(c, http.StatusAccepted, &v)
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
	in.Summary = createSummary(&in)
	in.MaxAttempts = a.MaxAttempts
	in.IdempotencyKey = key
	return flow.Start{Operation: flow.VolumeCreate, Header: in.Header, Kind: kindVolume, Input: in}
}

// kindVolume is the resource kind of flows on volumes.
const kindVolume = "volume"

// header is what a flow knows of this request; projectID is the resource's, which for an admin may not be the caller's.
func (a *API) header(c *Call, op flow.Operation, projectID, resourceID string) flow.Header {
	return flow.Header{
		FlowID: flow.ID(op, resourceID, c.RequestID), RequestID: c.RequestID, ProjectID: projectID,
		UserID: c.Identity.UserID, Admin: c.Identity.Admin, ResourceID: resourceID, HoldHours: a.HoldHours,
	}
}

// storageName is a volume's name at the backend.
func (a *API) storageName(id string) string { return flow.StorageName(a.VolumeNameTemplate, id) }
