package v3

import (
	"context"
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// SnapshotRemover begins what ends with a snapshot gone.
type SnapshotRemover interface {
	// BeginSnapshotRemoval moves the row to deleting or unmanaging, which the operation decides, and inserts the flow's record, that record
	// makes of the rows as they are; it may be called again. The volume is empty where its row is gone.
	BeginSnapshotRemoval(ctx context.Context, projectID, id, operation string,
		record func(models.Snapshot, models.Volume) (models.Flow, error)) (models.Snapshot, error)
}

func (a *API) deleteSnapshot(c *Call) error {
	s, err := a.snapshot(c)
	if err != nil {
		return err
	}
	return a.removeSnapshot(c, s, flow.SnapshotDelete, models.OpSnapshotDelete)
}

func (a *API) forceDeleteSnapshot(c *Call, s models.Snapshot, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	return a.removeSnapshot(c, s, flow.SnapshotDelete, models.OpSnapshotForceDelete)
}

func (a *API) unmanageSnapshot(c *Call, s models.Snapshot, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	return a.removeSnapshot(c, s, flow.SnapshotUnmanage, models.OpSnapshotUnmanage)
}

// removeSnapshot ends whatever holds the snapshot and starts to delete it, or starts to forget it. A snapshot that is gone after the
// abort is deleted as asked.
func (a *API) removeSnapshot(c *Call, s models.Snapshot, op flow.Operation, rule string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	if op == flow.SnapshotDelete {
		force := rule == models.OpSnapshotForceDelete
		aborted, err := a.giveUpHeld(ctx, s.ID, s.FlowID, force, "the snapshot is to be deleted, by "+c.Identity.UserID)
		if err != nil {
			return err
		}
		if aborted {
			if _, err := a.Store.GetSnapshot(ctx, c.Reach(), s.ID); errors.Is(err, models.ErrNotFound) {
				return c.Empty(http.StatusAccepted)
			}
		}
	}
	var start flow.Start
	_, err := a.Store.BeginSnapshotRemoval(ctx, c.Reach(), s.ID, rule, func(s models.Snapshot, v models.Volume) (models.Flow, error) {
		start = a.snapshotRemoveStart(c, op, &s, &v)
		return a.record(start, models.FlowRunning)
	})
	if err != nil {
		return notFound(err, "snapshot", s.ID)
	}
	return a.startBegun(ctx, c, start)
}

// snapshotRemoveStart is the start of snapshot-delete or snapshot-unmanage. A snapshot whose volume's row is gone has no node
// to be asked: only the row is left of it.
func (a *API) snapshotRemoveStart(c *Call, op flow.Operation, s *models.Snapshot, v *models.Volume) flow.Start {
	in := flow.SnapshotRemoveInput{
		Header: a.header(c, op, s.ProjectID, s.ID), Snapshot: a.names().StorageSnapshot(*s, *v), Host: v.Host,
	}
	in.Tasks, in.Summary = flow.SnapshotDeleteTasks(), "delete snapshot "+shownName(s.Name, s.ID)
	if op == flow.SnapshotUnmanage {
		in.Tasks, in.Summary = flow.SnapshotUnmanageTasks(), "unmanage snapshot "+shownName(s.Name, s.ID)
	}
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: op, Header: in.Header, Kind: op.Kind(), Backend: backend, Input: in}
}

// names are the templates of names at the backends.
func (a *API) names() flow.Names {
	return flow.Names{Volume: a.VolumeNameTemplate, Snapshot: a.SnapshotNameTemplate}
}

// startBegun starts a flow whose row and record stand already, and answers 202. The row and its record are the promise. Taking them
// back because the start failed would be wrong: Temporal may have taken the start and lost the answer, and its flow would
// work on a resource that is available again.
func (a *API) startBegun(ctx context.Context, c *Call, s flow.Start) error {
	if err := a.Starter.Start(ctx, s); err != nil {
		c.Log.Warn("the flow waits for the engine; reconcile starts it", "flow_id", s.Header.FlowID, "error", err.Error())
	}
	c.Started(s.Header.FlowID)
	return c.Empty(http.StatusAccepted)
}
