package v3

import (
	"context"
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// deleteVolume answers 202 once the row is deleting and the record of its flow is written, which is started then. cascade=true takes the volume's snapshots along,
// of which there are none yet; force=true (3.23, admins) deletes from any status.
func (a *API) deleteVolume(c *Call) error {
	if _, err := c.boolQuery("cascade"); err != nil {
		return err
	}
	force, err := c.boolQuery("force")
	if err != nil {
		return err
	}
	force = force && c.At(23)
	if force && !c.Identity.Admin {
		return fault.Forbidden("force=true is reserved to admins")
	}
	v, err := a.volume(c)
	if err != nil {
		return err
	}
	return a.remove(c, v, force)
}

func (c *Call) boolQuery(name string) (bool, error) {
	text := c.Query(name)
	if text == "" {
		return false, nil
	}
	b, ok := parseBool(text)
	if !ok {
		return false, fault.BadRequest("%s %q is not a boolean", name, clip(text))
	}
	return b, nil
}

// remove ends whatever holds the volume and starts its deletion. A volume that is gone after the abort is deleted as asked.
func (a *API) remove(c *Call, v models.Volume, force bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	aborted, err := a.giveUpHeld(ctx, v, force, "the volume is to be deleted, by "+c.Identity.UserID)
	if err != nil {
		return err
	}
	if aborted {
		v, err = a.Store.GetVolume(ctx, c.Reach(), v.ID)
		if errors.Is(err, models.ErrNotFound) {
			return c.Empty(http.StatusAccepted)
		}
		if err != nil {
			return err
		}
	}
	s, err := a.beginDelete(ctx, c, v, force)
	if err != nil {
		return notFound(err, "volume", v.ID)
	}
	// The row and its record are the promise. Taking them back because the start failed would be wrong: Temporal may have
	// taken the start and lost the answer, and its flow would delete a volume that is available again.
	if err := a.Starter.Start(ctx, s); err != nil {
		c.Log.Warn("the delete waits for the engine; reconcile starts its flow", "flow_id", s.Header.FlowID, "error", err.Error())
	}
	c.Started(s.Header.FlowID)
	return c.Empty(http.StatusAccepted)
}

// beginDelete moves the row to deleting under the flow that it returns. The flow's input is part of its record and is built before:
// when the row turns out to have been placed in between, it is done once more with what the row says now.
func (a *API) beginDelete(ctx context.Context, c *Call, v models.Volume, force bool) (flow.Start, error) {
	for again := false; ; again = true {
		s := a.volumeDeleteStart(c, v)
		record, err := a.record(s, models.FlowRunning)
		if err != nil {
			return s, err
		}
		was, err := a.Store.BeginDelete(ctx, c.Reach(), v.ID, force, record)
		if err != nil || was.Host == v.Host && was.ProviderLocation == v.ProviderLocation {
			return s, err
		}
		if again {
			return s, fault.Conflict("volume %s is being changed by somebody else; try again", v.ID)
		}
		if err := a.Store.UndoBeginDelete(ctx, v.ID, s.Header.FlowID); err != nil {
			return s, err
		}
		v = was
	}
}

func (a *API) volumeDeleteStart(c *Call, v models.Volume) flow.Start {
	backend, pool := flow.SplitHost(v.Host)
	in := flow.VolumeDeleteInput{
		Header: a.header(c, flow.VolumeDelete, v.ProjectID, v.ID),
		Volume: models.StorageVolume{
			ID: v.ID, Name: a.storageName(v.ID), Size: models.FromGiB(v.SizeGiB), Pool: pool, Location: v.ProviderLocation,
		},
		Host: v.Host,
	}
	in.Tasks = flow.VolumeDeleteTasks()
	in.Summary = "delete volume " + shownName(v.Name, v.ID)
	return flow.Start{Operation: flow.VolumeDelete, Header: in.Header, Kind: kindVolume, Backend: backend, Input: in}
}

// notFoundIsNil passes over a row that isn't there.
func notFoundIsNil(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	return err
}
