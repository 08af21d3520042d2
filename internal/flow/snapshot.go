package flow

import "github.com/clinker-storage/clinker/models"

// Task names of flows on snapshots; QuotaReserve, EntryCreate, QuotaCommit, EntryReady and EntryDestroy are those of volumes.
const (
	TaskExtractSnapshotRequest = "ExtractSnapshotRequest"
	TaskSnapshotCast           = "SnapshotCast"
	TaskCreateSnapshot         = "CreateSnapshot"
	TaskDeleteSnapshot         = "DeleteSnapshot"
	TaskAdoptSnapshot          = "AdoptSnapshot"
	TaskReleaseSnapshot        = "ReleaseSnapshot"

	// TaskCreateFromSnapshot takes the place of CreateVolume where the volume begins as a snapshot.
	TaskCreateFromSnapshot = "CreateFromSnapshot"
	TaskRevertVolume       = "RevertVolume"
	TaskEntryReverted      = "EntryReverted"

	// Tasks of a delete with cascade, repeated until no snapshot is left.
	TaskNextSnapshot    = "NextSnapshot"
	TaskSnapshotDestroy = "SnapshotDestroy"
)

// SnapshotCreateTasks is the chain of snapshot-create.
func SnapshotCreateTasks() []string { return snapshotTasks(TaskCreateSnapshot) }

// SnapshotManageTasks is the chain of snapshot-manage.
func SnapshotManageTasks() []string { return snapshotTasks(TaskAdoptSnapshot) }

func snapshotTasks(work string) []string {
	return []string{
		TaskExtractSnapshotRequest, TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskSnapshotCast, work, TaskEntryReady,
	}
}

// SnapshotDeleteTasks is the chain of snapshot-delete; the row is `deleting` before the flow begins.
func SnapshotDeleteTasks() []string { return []string{TaskDeleteSnapshot, TaskEntryDestroy} }

// SnapshotUnmanageTasks is the chain of snapshot-unmanage; the row is `unmanaging` before the flow begins.
func SnapshotUnmanageTasks() []string { return []string{TaskReleaseSnapshot, TaskEntryDestroy} }

// VolumeRevertTasks is the chain of volume-revert; the rows are `reverting` and `restoring` before the flow begins.
func VolumeRevertTasks() []string { return []string{TaskRevertVolume, TaskEntryReverted} }

// VolumeFromSnapshotTasks is the chain of a volume-create with a SnapshotID.
func VolumeFromSnapshotTasks() []string {
	return []string{
		TaskExtractVolumeRequest, TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskVolumeCast, TaskCreateFromSnapshot, TaskEntryReady,
	}
}

// VolumeCascadeTasks is the chain of a volume-delete with Cascade: the first three go round until no snapshot is left.
func VolumeCascadeTasks() []string {
	return []string{TaskNextSnapshot, TaskDeleteSnapshot, TaskSnapshotDestroy, TaskDeleteVolume, TaskEntryDestroy}
}

// SnapshotCreateInput starts snapshot-create, and with a Ref snapshot-manage. ResourceID is the new snapshot's id.
type SnapshotCreateInput struct {
	Header
	VolumeID    string            `json:"volume_id"`
	Name        string            `json:"name,omitempty"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	// InUse allows a snapshot of an attached volume: force=true, or microversion 3.66.
	InUse bool `json:"in_use,omitempty"`
	// Ref is the backend's own name of the snapshot to take in, for snapshot-manage.
	Ref string `json:"ref,omitempty"`
}

// SnapshotSpec is what ExtractSnapshotRequest makes of the request.
type SnapshotSpec struct {
	Snapshot   models.Snapshot        `json:"snapshot"`
	Storage    models.StorageSnapshot `json:"storage"`
	Host       string                 `json:"host"` // of the volume: the snapshot is made there
	ExtraSpecs map[string]string      `json:"extra_specs,omitempty"`
	Quota      []models.QuotaDelta    `json:"quota"`
}

// SnapshotCastInput asks whether the volume's pool has room for a snapshot.
type SnapshotCastInput struct {
	Header
	Spec SnapshotSpec `json:"spec"`
}

// SnapshotResult carries a snapshot's row back.
type SnapshotResult struct {
	Snapshot models.Snapshot `json:"snapshot"`
}

// SnapshotRemoveInput starts snapshot-delete and snapshot-unmanage; the row is `deleting` or `unmanaging` under this flow's id already.
type SnapshotRemoveInput struct {
	Header
	Snapshot models.StorageSnapshot `json:"snapshot"`
	Host     string                 `json:"host,omitempty"` // of the volume; "" when the volume is gone or was never placed
}

// VolumeRevertInput starts volume-revert; the rows of the volume and of the snapshot are under this flow's id already.
type VolumeRevertInput struct {
	Header
	Snapshot models.StorageSnapshot `json:"snapshot"` // with its volume
	Host     string                 `json:"host"`
}

// NextSnapshotResult is the next snapshot that a cascade has to delete; ID "" when none is left.
type NextSnapshotResult struct {
	ID       string                 `json:"id,omitempty"`
	Snapshot models.StorageSnapshot `json:"snapshot,omitzero"`
	Left     int                    `json:"left,omitempty"` // how many there are, this one included
}

// SnapshotDestroyInput removes the row of a snapshot whose data a cascade has deleted.
type SnapshotDestroyInput struct {
	Header
	SnapshotID string `json:"snapshot_id"`
}
