package apitest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// PutSnapshot adds or replaces a snapshot and returns it with what was left out filled in.
func (s *Store) PutSnapshot(n models.Snapshot) models.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.completeSnapshot(n)
	s.Snapshots[n.ID] = n
	return n
}

func (s *Store) completeSnapshot(n models.Snapshot) models.Snapshot {
	if n.ProjectID == "" {
		n.ProjectID = Project
	}
	if n.Status == "" {
		n.Status = models.SnapshotAvailable
	}
	if n.SizeGiB == 0 {
		n.SizeGiB = 1
	}
	if n.CreatedAt.IsZero() {
		n.CreatedAt = s.Now().UTC()
	}
	if n.UpdatedAt.IsZero() {
		n.UpdatedAt = n.CreatedAt
	}
	n.ConsumesQuota = true
	return n
}

func (s *Store) snapshot(projectID, id string) (models.Snapshot, error) {
	n, ok := s.Snapshots[id]
	if !ok || projectID != "" && n.ProjectID != projectID {
		return n, models.ErrNotFound
	}
	return n, nil
}

// snapshotsOf lists the snapshots of a volume, the newest first.
func (s *Store) snapshotsOf(volumeID string) []models.Snapshot {
	var all []models.Snapshot
	for _, n := range s.Snapshots {
		if n.VolumeID == volumeID {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b models.Snapshot) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all
}

// GetSnapshot returns a row.
func (s *Store) GetSnapshot(_ context.Context, projectID, id string) (models.Snapshot, error) {
	leave, err := s.enter("GetSnapshot")
	if err != nil {
		return models.Snapshot{}, err
	}
	defer leave()
	return s.snapshot(projectID, id)
}

func (s *Store) editSnapshot(projectID, id string, edit func(*models.Snapshot) error) (models.Snapshot, error) {
	leave, err := s.enter("editSnapshot")
	if err != nil {
		return models.Snapshot{}, err
	}
	defer leave()
	n, err := s.snapshot(projectID, id)
	if err != nil {
		return n, err
	}
	if err := edit(&n); err != nil {
		return n, err
	}
	n.UpdatedAt = s.Now().UTC()
	s.Snapshots[id] = n
	return n, nil
}

// UpdateSnapshot changes a row.
func (s *Store) UpdateSnapshot(_ context.Context, projectID, id string, p models.SnapshotPatch) (models.Snapshot, error) {
	return s.editSnapshot(projectID, id, func(n *models.Snapshot) error {
		if p.Name != nil {
			n.Name = *p.Name
		}
		if p.Description != nil {
			n.Description = *p.Description
		}
		return nil
	})
}

// EditSnapshotMetadata changes the metadata of a row.
func (s *Store) EditSnapshotMetadata(_ context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	n, err := s.editSnapshot(projectID, id, func(n *models.Snapshot) error {
		m, err := edit(maps.Clone(n.Metadata))
		n.Metadata = m
		return err
	})
	return n.Metadata, err
}

// ResetSnapshot writes the status and drops the flow's ownership.
func (s *Store) ResetSnapshot(_ context.Context, id string, status models.SnapshotStatus) (models.Snapshot, error) {
	return s.editSnapshot("", id, func(n *models.Snapshot) error {
		n.Status, n.FlowID = status, ""
		return nil
	})
}

// ReportSnapshot moves the status where no open flow owns it, and writes the progress.
func (s *Store) ReportSnapshot(_ context.Context, projectID, id string, from, to models.SnapshotStatus, progress string) error {
	_, err := s.editSnapshot(projectID, id, func(n *models.Snapshot) error {
		if n.Status != from || to != from && s.Flows[n.FlowID].State.Open() {
			return &models.StatusError{Resource: "snapshot " + id, Status: string(n.Status), Reason: "belongs to a flow"}
		}
		n.Status = to
		if progress != "" {
			n.Progress = progress
		}
		return nil
	})
	return err
}

// BeginSnapshotRemoval moves a row to deleting or unmanaging by the rules of the transition table.
func (s *Store) BeginSnapshotRemoval(_ context.Context, projectID, id, operation string,
	record func(models.Snapshot, models.Volume) (models.Flow, error),
) (was models.Snapshot, err error) {
	_, err = s.editSnapshot(projectID, id, func(n *models.Snapshot) error {
		was = *n
		f, err := record(was, s.Volumes[n.VolumeID])
		if err != nil {
			return err
		}
		rule := models.SnapshotTransition(operation)
		if !rule.Allows(n.Status) {
			return &models.StatusError{Resource: "snapshot " + id, Status: string(n.Status), Allowed: rule.Legal(false)}
		}
		n.PreviousStatus, n.Status, n.FlowID = n.Status, rule.To, f.ID
		s.Flows[f.ID] = f
		return nil
	})
	return was, err
}

// BeginRevert moves a volume to reverting and its latest snapshot to restoring.
func (s *Store) BeginRevert(_ context.Context, projectID, volumeID, snapshotID string,
	record func(models.Volume, models.Snapshot) (models.Flow, error),
) (was models.Volume, err error) {
	_, err = s.edit(projectID, volumeID, func(v *models.Volume) error {
		was = *v
		n, ok := s.Snapshots[snapshotID]
		all := s.snapshotsOf(volumeID)
		switch {
		case !ok || n.VolumeID != volumeID:
			return models.ErrNotFound
		case all[0].ID != snapshotID || n.SizeGiB != v.SizeGiB:
			return fmt.Errorf("reverting volume %s to snapshot %s %w", volumeID, snapshotID, models.ErrInvalid)
		case v.Status != models.VolumeAvailable:
			return &models.StatusError{Resource: "volume " + volumeID, Status: string(v.Status), Allowed: []string{"available"}}
		case n.Status != models.SnapshotAvailable:
			return &models.StatusError{Resource: "snapshot " + snapshotID, Status: string(n.Status), Allowed: []string{"available"}}
		}
		f, err := record(was, n)
		v.Status, v.FlowID, n.Status, n.FlowID = models.VolumeReverting, f.ID, models.SnapshotRestoring, f.ID
		s.Snapshots[n.ID], s.Flows[f.ID] = n, f
		return err
	})
	return was, err
}

// ListSnapshots selects, sorts and pages as the real catalogue does.
func (s *Store) ListSnapshots(_ context.Context, q models.SnapshotQuery) ([]models.Snapshot, error) {
	leave, err := s.enter("ListSnapshots")
	if err != nil {
		return nil, err
	}
	defer leave()
	return cut(s.selectedSnapshots(q), q.Page, func(n models.Snapshot) string { return n.ID })
}

// CountSnapshots counts without paging.
func (s *Store) CountSnapshots(_ context.Context, q models.SnapshotQuery) (int64, error) {
	leave, err := s.enter("CountSnapshots")
	if err != nil {
		return 0, err
	}
	defer leave()
	return int64(len(s.selectedSnapshots(q))), nil
}

func (s *Store) selectedSnapshots(q models.SnapshotQuery) []models.Snapshot {
	var out []models.Snapshot
	for _, n := range s.Snapshots {
		if (q.ProjectID == "" || n.ProjectID == q.ProjectID) && selects(q.Equal, q.Like, func(key string) string { return s.snapshotColumn(n, key) }) &&
			contains(n.Metadata, q.Metadata) && within(n.CreatedAt, q.CreatedAt) && within(n.UpdatedAt, q.UpdatedAt) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b models.Snapshot) int {
		for _, k := range q.Sort {
			c := strings.Compare(s.snapshotColumn(a, k.Key), s.snapshotColumn(b, k.Key))
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// snapshotColumn returns a column by its API name, in a form that sorts; one that isn't known panics, so that no test passes by a filter
// that does nothing.
func (s *Store) snapshotColumn(n models.Snapshot, key string) string {
	switch key {
	case "id":
		return n.ID
	case "name":
		return n.Name
	case "status":
		return string(n.Status)
	case "size", "volume_size":
		return strconv.FormatInt(n.SizeGiB, 10)
	case "volume_id":
		return n.VolumeID
	case "availability_zone":
		return s.Volumes[n.VolumeID].AvailabilityZone
	case "user_id":
		return n.UserID
	case "project_id":
		return n.ProjectID
	case "progress":
		return n.Progress
	case "consumes_quota":
		return strconv.FormatBool(n.ConsumesQuota)
	case "created_at":
		return n.CreatedAt.Format("2006-01-02T15:04:05.000000")
	case "updated_at":
		return n.UpdatedAt.Format("2006-01-02T15:04:05.000000")
	case "group_snapshot_id":
		return ""
	}
	panic("no column " + key)
}
