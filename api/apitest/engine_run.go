package apitest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// run does what a flow does up to its answer, and returns that.
func (e *Engine) run(s flow.Start) (any, error) {
	e.mu.Lock()
	refuse, quota, pages := e.Refuse, e.Quota, e.Manageable
	e.mu.Unlock()
	if refuse != nil {
		return nil, refuse
	}
	if in, ok := s.Input.(flow.ManageableListInput); ok {
		return pageOf(pages, in), nil
	}
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	if _, ok := e.store.Flows[s.Header.FlowID]; ok {
		return nil, &flow.Error{Type: flow.ErrAbandoned, Message: "the flow was abandoned"}
	}
	made, err := e.store.enact(s, quota)
	if err != nil {
		return nil, err
	}
	switch row := made.(type) {
	case models.Volume:
		e.store.Volumes[row.ID] = row
	case models.Snapshot:
		e.store.Snapshots[row.ID] = row
	case models.Backup:
		e.store.Backups[row.ID] = row
	}
	e.store.Flows[s.Header.FlowID] = models.Flow{
		ID: s.Header.FlowID, Operation: string(s.Operation), ResourceKind: s.Kind, ResourceID: s.Header.ResourceID, ProjectID: s.Header.ProjectID,
		RequestID: s.Header.RequestID, Summary: s.Header.Summary, State: models.FlowSuccess, CreatedAt: e.store.Now().UTC(),
	}
	return made, nil
}

// enact is the row that a flow makes or changes.
func (s *Store) enact(start flow.Start, quota int) (any, error) {
	switch in := start.Input.(type) {
	case flow.VolumeCreateInput:
		if quota > 0 && len(s.Volumes) >= quota {
			return nil, &flow.Error{
				Type: flow.ErrOverQuota, Code: "VolumeLimitExceeded",
				Message: fmt.Sprintf("Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", quota),
			}
		}
		if in.VolumeType != "" && in.VolumeType != "gold" && in.VolumeType != Gold {
			return nil, &flow.Error{Type: flow.ErrNotFound, Message: fmt.Sprintf("volume type %s could not be found", in.VolumeType)}
		}
		if _, ok := s.Snapshots[in.SnapshotID]; in.SnapshotID != "" && !ok {
			return nil, &flow.Error{Type: flow.ErrNotFound, Message: fmt.Sprintf("snapshot %s could not be found", in.SnapshotID)}
		}
		if _, ok := s.Backups[in.BackupID]; in.BackupID != "" && !ok {
			return nil, &flow.Error{Type: flow.ErrNotFound, Message: fmt.Sprintf("backup %s could not be found", in.BackupID)}
		}
		return s.complete(models.Volume{
			ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description, SizeGiB: in.SizeGiB,
			Status: models.VolumeCreating, FlowID: in.FlowID, AvailabilityZone: in.AvailabilityZone, Metadata: in.Metadata,
			SourceVolID: in.SourceVolID, SnapshotID: in.SnapshotID,
		}), nil
	case flow.VolumeManageInput:
		return s.complete(models.Volume{
			ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description, Bootable: in.Bootable,
			Status: models.VolumeManaging, FlowID: in.FlowID, Metadata: in.Metadata, Host: in.Host,
		}), nil
	case flow.VolumeExtendInput:
		v := s.Volumes[in.ResourceID]
		if v.Status != models.VolumeAvailable {
			return nil, &flow.Error{Type: flow.ErrInvalidStatus, Message: "volume " + v.ID + " is " + string(v.Status)}
		}
		v.SizeGiB = in.NewSizeGiB
		return v, nil
	case flow.VolumeRetypeInput, flow.VolumeMigrateInput:
		return s.Volumes[start.Header.ResourceID], nil
	case flow.SnapshotCreateInput:
		v := s.Volumes[in.VolumeID]
		if v.Status != models.VolumeAvailable && (v.Status != models.VolumeInUse || !in.InUse) {
			return nil, &flow.Error{Type: flow.ErrInvalidStatus, Message: "Invalid volume: volume " + v.ID + " is " + string(v.Status)}
		}
		return s.completeSnapshot(models.Snapshot{
			ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description, VolumeID: in.VolumeID,
			SizeGiB: v.SizeGiB, Status: models.SnapshotCreating, FlowID: in.FlowID, Progress: "0%", Metadata: in.Metadata,
		}), nil
	case flow.BackupCreateInput:
		v := s.Volumes[in.VolumeID]
		return s.completeBackup(models.Backup{
			ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description, VolumeID: in.VolumeID,
			SnapshotID: in.SnapshotID, SizeGiB: v.SizeGiB, Status: models.BackupCreating, FlowID: in.FlowID, Metadata: in.Metadata,
		}), nil
	case flow.BackupImportInput:
		return s.completeBackup(in.Backup), nil
	case flow.BackupRestoreInput:
		v := s.Volumes[in.VolumeID]
		v.Status = models.VolumeRestoringBackup
		return v, nil
	}
	return nil, errors.New("no such flow")
}

// end does what a flow does whose row and record stood before it began.
func (s *Store) end(start flow.Start) {
	id := start.Header.ResourceID
	switch in := start.Input.(type) {
	case flow.VolumeDeleteInput:
		delete(s.Volumes, id)
		for _, n := range s.snapshotsOf(id) {
			delete(s.Snapshots, n.ID)
		}
	case flow.SnapshotRemoveInput:
		delete(s.Snapshots, id)
	case flow.BackupRemoveInput:
		delete(s.Backups, id)
	case flow.VolumeRevertInput:
		v, n := s.Volumes[id], s.Snapshots[in.Snapshot.ID]
		v.Status, v.FlowID, n.Status, n.FlowID = models.VolumeAvailable, "", models.SnapshotAvailable, ""
		s.Volumes[v.ID], s.Snapshots[n.ID] = v, n
	}
}

// pageOf cuts a page out of what a backend holds, as the node does.
func pageOf(all []models.Adoptable, in flow.ManageableListInput) flow.ManageableListResult {
	rows := slices.Clone(all)
	slices.SortFunc(rows, func(a, b models.Adoptable) int {
		c := int(a.Size - b.Size)
		if in.SortBy == "reference" || c == 0 {
			c = strings.Compare(a.Ref, b.Ref)
		}
		if in.Desc {
			return -c
		}
		return c
	})
	if i := slices.IndexFunc(rows, func(r models.Adoptable) bool { return r.Ref == in.Marker }); i >= 0 {
		rows = rows[i+1:]
	}
	rows = rows[min(in.Offset, len(rows)):]
	return flow.ManageableListResult{Items: rows[:min(in.Limit, len(rows))], Total: len(all)}
}
