package v3

import (
	"context"
	"net/http"

	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// SnapshotStore is what snapshots need of the catalogue; projectID "" means any project.
type SnapshotStore interface {
	GetSnapshot(ctx context.Context, projectID, id string) (models.Snapshot, error)
	ListSnapshots(ctx context.Context, q models.SnapshotQuery) ([]models.Snapshot, error)
	CountSnapshots(ctx context.Context, q models.SnapshotQuery) (int64, error)
	UpdateSnapshot(ctx context.Context, projectID, id string, p models.SnapshotPatch) (models.Snapshot, error)
	// EditSnapshotMetadata lets edit change the metadata with the row locked; edit's error is returned as it is.
	EditSnapshotMetadata(ctx context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error)
	// ResetSnapshot writes a status without asking, and takes the snapshot away from whatever flow owned it.
	ResetSnapshot(ctx context.Context, id string, status models.SnapshotStatus) (models.Snapshot, error)
	// ReportSnapshot moves the status from one to another and, unless it is "", writes the progress. *models.StatusError when the status
	// is another by now, or would change under an open flow.
	ReportSnapshot(ctx context.Context, projectID, id string, from, to models.SnapshotStatus, progress string) error
	SnapshotRemover
}

func (a *API) snapshotRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/snapshots", Handle: a.listSnapshots, Rule: ruleSnapshotList},
		{Method: http.MethodPost, Path: "/snapshots", Handle: a.createSnapshot, Rule: ruleSnapshotCreate},
		{Method: http.MethodGet, Path: "/snapshots/detail", Handle: a.listSnapshotsDetail, Rule: ruleSnapshotList},
		{Method: http.MethodGet, Path: "/snapshots/:snapshot_id", Handle: a.showSnapshot, Rule: ruleSnapshotShow, Of: a.ofSnapshot},
		{Method: http.MethodPut, Path: "/snapshots/:snapshot_id", Handle: a.updateSnapshot, Rule: ruleSnapshotUpdate, Of: a.ofSnapshot},
		{Method: http.MethodDelete, Path: "/snapshots/:snapshot_id", Handle: a.deleteSnapshot, Rule: ruleSnapshotDelete, Of: a.ofSnapshot},
		{Method: http.MethodPost, Path: "/snapshots/:snapshot_id/action", Handle: a.snapshotAction, ByAction: rulesOf(snapshotActions), Of: a.ofSnapshot},
	}
}

// ofSnapshot is the snapshot in the path as the policy looks at it.
func (a *API) ofSnapshot(c *Call) (policy.Target, error) {
	s, err := a.snapshot(c)
	c.row = s
	return policy.Target{ProjectID: s.ProjectID, UserID: s.UserID}, err
}

// snapshot reads the snapshot that the path names, once a request.
func (a *API) snapshot(c *Call) (models.Snapshot, error) {
	if s, ok := c.row.(models.Snapshot); ok {
		return s, nil
	}
	id, err := c.uuidParam("snapshot_id", "snapshot")
	if err != nil {
		return models.Snapshot{}, err
	}
	s, err := a.Store.GetSnapshot(c.Context(), c.Reach(), id)
	return s, notFound(err, "snapshot", id)
}

func (a *API) showSnapshot(c *Call) error {
	s, err := a.snapshot(c)
	if err != nil {
		return err
	}
	return a.answerSnapshot(c, http.StatusOK, &s, (*snapshotWriter).extended)
}

// answerSnapshot answers {"snapshot": {...}}.
func (a *API) answerSnapshot(c *Call, status int, s *models.Snapshot, write func(*snapshotWriter, *models.Snapshot)) error {
	w := &snapshotWriter{Writer: Writer{buf: make([]byte, 0, 1024)}, version: c.Version, owner: c.allowed(ruleSnapshotExtended)}
	w.Open('{')
	w.Key("snapshot")
	write(w, s)
	w.Close('}')
	return c.Bytes(status, w.buf)
}

func (a *API) listSnapshots(c *Call) error {
	return a.writeSnapshots(c, "/snapshots", (*snapshotWriter).brief)
}

func (a *API) listSnapshotsDetail(c *Call) error {
	return a.writeSnapshots(c, "/snapshots/detail", (*snapshotWriter).extended)
}

func (a *API) writeSnapshots(c *Call, path string, write func(*snapshotWriter, *models.Snapshot)) error {
	q, err := c.snapshotQuery()
	if err != nil {
		return err
	}
	withCount, err := c.withCount()
	if err != nil {
		return err
	}
	snapshots, err := a.Store.ListSnapshots(c.Context(), q)
	if err != nil {
		return notFound(err, "marker", clip(q.Marker))
	}
	w := &snapshotWriter{Writer: Writer{buf: make([]byte, 0, 256+640*len(snapshots))}, version: c.Version, owner: c.allowed(ruleSnapshotExtended)}
	w.Open('{')
	w.Key("snapshots")
	w.Open('[')
	for i := range snapshots {
		write(w, &snapshots[i])
	}
	w.Close(']')
	if n := len(snapshots); n > 0 {
		w.next("snapshots_links", c.Next(path, n, q.Limit, snapshots[n-1].ID))
	}
	if withCount {
		n, err := a.Store.CountSnapshots(c.Context(), q)
		if err != nil {
			return err
		}
		w.Int("count", n)
	}
	w.Close('}')
	return c.Bytes(http.StatusOK, w.buf)
}

// updateSnapshot changes name and description, at least one of them.
func (a *API) updateSnapshot(c *Call) error {
	f, err := c.Body("snapshot", true)
	if err != nil {
		return err
	}
	name, description := readNames(f)
	if len(f.raw) == 0 {
		f.Fail("snapshot must have at least one of name, description")
	}
	if err := f.End(true); err != nil {
		return err
	}
	id, err := c.uuidParam("snapshot_id", "snapshot")
	if err != nil {
		return err
	}
	s, err := a.Store.UpdateSnapshot(c.Context(), c.Reach(), id, models.SnapshotPatch{Name: name, Description: description})
	if err != nil {
		return notFound(err, "snapshot", id)
	}
	return a.answerSnapshot(c, http.StatusOK, &s, (*snapshotWriter).detail)
}
