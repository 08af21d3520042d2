package v3

import (
	"context"
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// removal is how a volume shall go.
type removal struct {
	force    bool // from any status
	cascade  bool // its snapshots first
	unmanage bool // only the row, the data stays
}

// deleteVolume answers 202 once the row is deleting and the record of its flow is written, which is started then. cascade=true takes the volume's snapshots along;
// force=true (3.23, admins) deletes from any status.
func (a *API) deleteVolume(c *Call) error {
	cascade, err := c.boolQuery("cascade")
	if err != nil {
		return err
	}
	force, err := c.boolQuery("force")
	if err != nil {
		return err
	}
	force = force && c.At(23)
	if force {
		if err := c.require("volume:force_delete"); err != nil {
			return err
		}
	}
	v, err := a.volume(c)
	if err != nil {
		return err
	}
	return a.remove(c, v, removal{force: force, cascade: cascade})
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

// remove ends whatever holds the volume and starts to delete it, or starts to forget it. A volume that is gone after the abort is deleted as
// asked.
func (a *API) remove(c *Call, v models.Volume, how removal) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	if !how.unmanage {
		aborted, err := a.giveUpHeld(ctx, v.ID, v.FlowID, how.force, "the volume is to be deleted, by "+c.Identity.UserID)
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
	}
	if how.cascade {
		if err := a.giveUpSnapshots(ctx, c, v.ID, how.force); err != nil {
			return err
		}
	}
	s, err := a.beginRemoval(ctx, c, v, how)
	if err != nil {
		return notFound(err, "volume", v.ID)
	}
	return a.startBegun(ctx, c, s)
}

// giveUpSnapshots aborts the flows that hold snapshots of a volume, which would forbid to delete it with them.
func (a *API) giveUpSnapshots(ctx context.Context, c *Call, volumeID string, force bool) error {
	q := models.SnapshotQuery{Page: models.Page{Limit: -1}, ProjectID: c.Reach(), Equal: map[string][]string{"volume_id": {volumeID}}}
	snapshots, err := a.Store.ListSnapshots(ctx, q)
	if err != nil {
		return err
	}
	for i := range snapshots {
		s := &snapshots[i]
		if _, err := a.giveUpHeld(ctx, s.ID, s.FlowID, force, "the snapshot is to be deleted with its volume, by "+c.Identity.UserID); err != nil {
			return err
		}
	}
	return nil
}

// beginRemoval moves the row to deleting or unmanaging under the flow that it returns. The flow's input is part of its record and is built before:
// when the row turns out to have been placed in between, it is done once more with what the row says now.
func (a *API) beginRemoval(ctx context.Context, c *Call, v models.Volume, how removal) (flow.Start, error) {
	for again := false; ; again = true {
		s := a.volumeRemoveStart(c, v, how)
		record, err := a.record(s, models.FlowRunning)
		if err != nil {
			return s, err
		}
		was, err := a.begin(ctx, c, v.ID, how, record)
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

func (a *API) begin(ctx context.Context, c *Call, id string, how removal, record models.Flow) (models.Volume, error) {
	switch {
	case how.unmanage:
		return a.Store.BeginUnmanage(ctx, c.Reach(), id, record)
	case how.cascade:
		return a.Store.BeginDeleteCascade(ctx, c.Reach(), id, how.force, record)
	}
	return a.Store.BeginDelete(ctx, c.Reach(), id, how.force, record)
}

func (a *API) volumeRemoveStart(c *Call, v models.Volume, how removal) flow.Start {
	op, verb, tasks := flow.VolumeDelete, "delete volume ", flow.VolumeDeleteTasks()
	switch {
	case how.unmanage:
		op, verb, tasks = flow.VolumeUnmanage, "unmanage volume ", flow.VolumeUnmanageTasks()
	case how.cascade:
		verb, tasks = "delete with its snapshots volume ", flow.VolumeCascadeTasks()
	}
	in := flow.VolumeDeleteInput{
		Header: a.header(c, op, v.ProjectID, v.ID), Volume: a.names().StorageVolume(v), Host: v.Host, Cascade: how.cascade,
	}
	in.Tasks, in.Summary = tasks, verb+shownName(v.Name, v.ID)
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: op, Header: in.Header, Kind: flow.KindVolume, Backend: backend, Input: in}
}

// unmanageVolume forgets the volume and leaves its data where it is.
func (a *API) unmanageVolume(c *Call, v models.Volume, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	return a.remove(c, v, removal{unmanage: true})
}

// notFoundIsNil passes over a row that isn't there.
func notFoundIsNil(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	return err
}
