package v3

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// VolumeReverter begins to take a volume back to a snapshot.
type VolumeReverter interface {
	// BeginRevert moves the volume to reverting and its latest snapshot to restoring, and inserts the flow's record, that record makes of
	// the rows as they are; it may be called again. models.ErrInvalid where the snapshot is not the latest or of another size.
	BeginRevert(ctx context.Context, projectID, volumeID, snapshotID string,
		record func(models.Volume, models.Snapshot) (models.Flow, error)) (models.Volume, error)
}

// revertVolume takes the volume back to its latest snapshot. As in Cinder, a snapshot that can't be gone back to answers 400, and a
// volume or a snapshot that is busy 409.
func (a *API) revertVolume(c *Call, v models.Volume, f *Fields) error {
	id := f.UUID("snapshot_id")
	if id == "" {
		f.Fail("revert.snapshot_id is needed")
	}
	if err := f.End(true); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	var start flow.Start
	_, err := a.Store.BeginRevert(ctx, c.Reach(), v.ID, id, func(v models.Volume, s models.Snapshot) (models.Flow, error) {
		start = a.revertStart(c, &v, &s)
		return a.record(start, models.FlowRunning)
	})
	var busy *models.StatusError
	switch {
	case errors.As(err, &busy):
		return fault.Conflict("%s", err.Error())
	case errors.Is(err, models.ErrNotFound): // the volume was there a moment ago
		return fault.BadRequest("Specified snapshot %s is None or not the latest one of volume %s.", id, v.ID)
	case err != nil:
		return err
	}
	return a.startBegun(ctx, c, start)
}

func (a *API) revertStart(c *Call, v *models.Volume, s *models.Snapshot) flow.Start {
	in := flow.VolumeRevertInput{
		Header: a.header(c, flow.VolumeRevert, v.ProjectID, v.ID), Snapshot: a.names().StorageSnapshot(*s, *v), Host: v.Host,
	}
	in.Tasks = flow.VolumeRevertTasks()
	in.Summary = fmt.Sprintf("revert volume %s to snapshot %s", shownName(v.Name, v.ID), shownName(s.Name, s.ID))
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: flow.VolumeRevert, Header: in.Header, Kind: flow.KindVolume, Backend: backend, Input: in}
}
