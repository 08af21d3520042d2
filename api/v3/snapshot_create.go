package v3

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// sinceSnapshotInUse is the microversion from which a snapshot of an attached volume needs no force.
const sinceSnapshotInUse = 66

// createSnapshot starts snapshot-create and answers 202 with the row as soon as the flow has written it. With an
// Idempotency-Key, equal requests are answered with the snapshot that the first of them made.
func (a *API) createSnapshot(c *Call) error {
	deadline := time.Now().Add(a.AcceptWait)
	in, err := readSnapshotCreate(c)
	if err != nil {
		return err
	}
	key, err := c.idempotencyKey()
	if err != nil {
		return err
	}
	v, err := a.Store.GetVolume(c.Context(), c.Reach(), in.VolumeID)
	if err != nil {
		return notFound(err, "volume", in.VolumeID)
	}
	start := a.snapshotStart(c, flow.SnapshotCreate, in, &v, deadline)
	ctx := context.WithoutCancel(c.Context())
	var s models.Snapshot
	flowID, err := a.once(ctx, c, key, start, deadline, keyed{
		what: "snapshot", request: "POST /snapshots",
		find: func(ctx context.Context, projectID, id string) (err error) {
			s, err = a.Store.GetSnapshot(ctx, projectID, id)
			return err
		},
		run: func() (err error) {
			s, err = a.runSnapshotCreate(ctx, c, start, deadline)
			return err
		},
	})
	if err != nil {
		return err
	}
	c.Started(flowID)
	return a.answerSnapshot(c, http.StatusAccepted, &s, (*snapshotWriter).detail)
}

// runSnapshotCreate returns the row that the flow has written.
func (a *API) runSnapshotCreate(ctx context.Context, c *Call, s flow.Start, deadline time.Time) (models.Snapshot, error) {
	var result flow.SnapshotResult
	late := func(ctx context.Context) error {
		row, err := a.Store.GetSnapshot(ctx, s.Header.ProjectID, s.Header.ResourceID)
		result.Snapshot = row
		return err
	}
	err := a.accept(ctx, c, s, &result, deadline, late)
	return result.Snapshot, err
}

// snapshotStart is the start of snapshot-create or snapshot-manage on a volume.
func (a *API) snapshotStart(c *Call, op flow.Operation, in flow.SnapshotCreateInput, v *models.Volume, acceptBy time.Time) flow.Start {
	in.Header = a.header(c, op, c.Project(), uuid.NewString())
	in.AcceptBy = acceptBy.UTC()
	in.Tasks = flow.SnapshotCreateTasks()
	in.Summary = fmt.Sprintf("create snapshot %s of volume %s", shownName(in.Name, in.ResourceID), shownName(v.Name, v.ID))
	if op == flow.SnapshotManage {
		in.Tasks = flow.SnapshotManageTasks()
		in.Summary = fmt.Sprintf("manage %s as snapshot %s of volume %s", plain(in.Ref), shownName(in.Name, in.ResourceID), shownName(v.Name, v.ID))
	}
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: op, Header: in.Header, Kind: op.Kind(), Backend: backend, Input: in}
}

// readSnapshotCreate reads the body of POST /snapshots.
func readSnapshotCreate(c *Call) (flow.SnapshotCreateInput, error) {
	var in flow.SnapshotCreateInput
	f, err := c.Body("snapshot", true)
	if err != nil {
		return in, err
	}
	readSnapshotFields(f, &in)
	in.InUse = readForce(c, f)
	if err := f.End(true); err != nil {
		return in, err
	}
	if in.VolumeID == "" { // null, which Cinder looks for and does not find
		return in, fault.NotFound("volume null could not be found")
	}
	return in, checkMetadataSize(in.Metadata)
}

func readSnapshotFields(f *Fields, in *flow.SnapshotCreateInput) {
	if in.VolumeID = f.UUID("volume_id"); !f.Has("volume_id") {
		f.Fail("%s is needed", f.name("volume_id"))
	}
	name, description := readNames(f)
	in.Name, in.Description = deref(name), deref(description)
	in.Metadata = f.Metadata("metadata")
}

// readForce tells whether an attached volume will do: with force, and from 3.66 always. There force=true is passed over, and
// force=false, which nobody can keep, refused.
func readForce(c *Call, f *Fields) bool {
	force := f.Bool("force")
	if !c.At(sinceSnapshotInUse) {
		return force != nil && *force
	}
	if force != nil && !*force {
		f.Fail("since microversion 3.66 the 'force' flag is invalid for this request: a snapshot of a volume in use needs none. " +
			"A value of true is passed over, false is refused")
	}
	return true
}
