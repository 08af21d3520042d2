package flow

import "github.com/clinker-storage/clinker/models"

// Task names: they are the activity type names too, known to Cinder's users from its logs, and golden-tested.
const (
	TaskExtractVolumeRequest = "ExtractVolumeRequest"
	TaskQuotaReserve         = "QuotaReserve"
	TaskEntryCreate          = "EntryCreate"
	TaskQuotaCommit          = "QuotaCommit"
	TaskVolumeCast           = "VolumeCast"
	TaskCreateVolume         = "CreateVolume"
	TaskEntryReady           = "EntryReady"

	TaskDeleteVolume = "DeleteVolume"
	TaskEntryDestroy = "EntryDestroy"

	TaskExtractExtendRequest = "ExtractExtendRequest"
	TaskEntryExtend          = "EntryExtend"
	TaskExtendVolume         = "ExtendVolume"
	TaskEntryExtended        = "EntryExtended"
	TaskTellExtended         = "TellExtended"
	TaskExtendedUntold       = "ExtendedUntold"

	// Tasks of undoing and of bookkeeping; they are no part of the plan that a record is born with.
	TaskQuotaRollback = "QuotaRollback"
	TaskEntryError    = "EntryError"
	TaskFlowHold      = "FlowHold"
	TaskFlowResume    = "FlowResume"
	TaskFlowEnd       = "FlowEnd"
)

// VolumeCreateTasks is the chain of volume-create.
func VolumeCreateTasks() []string {
	return []string{
		TaskExtractVolumeRequest, TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskVolumeCast, TaskCreateVolume, TaskEntryReady,
	}
}

// VolumeDeleteTasks is the chain of volume-delete; the row is `deleting` before the flow begins.
func VolumeDeleteTasks() []string { return []string{TaskDeleteVolume, TaskEntryDestroy} }

// VolumeExtendTasks is the chain of volume-extend.
func VolumeExtendTasks() []string {
	return []string{TaskExtractExtendRequest, TaskQuotaReserve, TaskEntryExtend, TaskVolumeCast, TaskExtendVolume, TaskQuotaCommit, TaskEntryExtended}
}

// Hints are the scheduler hints of a create (OS-SCH-HNT:scheduler_hints); volumes are named by id.
type Hints struct {
	SameHost        []string `json:"same_host,omitempty"`
	DifferentHost   []string `json:"different_host,omitempty"`
	LocalToInstance string   `json:"local_to_instance,omitempty"`
	Query           string   `json:"query,omitempty"`
}

// VolumeCreateInput starts volume-create.
type VolumeCreateInput struct {
	Header
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	SizeGiB          int64             `json:"size_gib"`              // 0 takes the source's
	VolumeType       string            `json:"volume_type,omitempty"` // name or id; "" is the default type
	AvailabilityZone string            `json:"availability_zone,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	SourceVolID      string            `json:"source_volid,omitempty"`
	SnapshotID       string            `json:"snapshot_id,omitempty"` // size 0 takes the snapshot's; with VolumeFromSnapshotTasks
	BackupID         string            `json:"backup_id,omitempty"`   // size 0 takes the backup's; with VolumeFromBackupTasks
	Hints            Hints             `json:"hints,omitzero"`
	MaxAttempts      int               `json:"max_attempts,omitempty"` // scheduler_max_attempts
	IdempotencyKey   string            `json:"idempotency_key,omitempty"`
}

// VolumeSpec is what ExtractVolumeRequest makes of the request: everything looked up, nothing written.
type VolumeSpec struct {
	Volume            models.Volume         `json:"volume"`
	TypeName          string                `json:"type_name,omitempty"`
	ExtraSpecs        map[string]string     `json:"extra_specs,omitempty"`
	AvailabilityZones []string              `json:"availability_zones,omitempty"` // those that will do
	Provisioning      string                `json:"provisioning,omitempty"`       // thin or thick where the type says so
	Source            *models.StorageVolume `json:"source,omitempty"`             // of a clone
	SourceHost        string                `json:"source_host,omitempty"`        // a clone is made where its source is
	Quota             []models.QuotaDelta   `json:"quota"`
	// Snapshot is what the volume begins as; nil unless it is made from a snapshot.
	Snapshot *models.StorageSnapshot `json:"snapshot,omitempty"`
	// Backup is what is restored into the volume once it is made.
	Backup *StoredBackup `json:"backup,omitempty"`
}

// QuotaReserveInput asks for quota for a flow. SizeGiB is checked against per_volume_gigabytes.
type QuotaReserveInput struct {
	Header
	Deltas  []models.QuotaDelta `json:"deltas"`
	SizeGiB int64               `json:"size_gib"`
}

// FlowRef names the flow whose reservation, claim or record an activity works on.
type FlowRef struct {
	Header
}

// EntryCreateInput writes the resource's row and the flow's record in one transaction.
type EntryCreateInput struct {
	Header
	Operation Operation     `json:"operation"`
	Volume    models.Volume `json:"volume,omitzero"`
	// Snapshot is the row where the flow makes a snapshot.
	Snapshot *models.Snapshot `json:"snapshot,omitempty"`
	// Attachment is the row where the flow attaches: a new one, or how the one that is there shall be.
	Attachment *models.Attachment `json:"attachment,omitempty"`
	// Backup is the row where the flow makes or imports a backup; in a restore, VolumeID is what the backup is restored into; in the create
	// of a volume, BackupID is what it begins as.
	Backup   *models.Backup `json:"backup,omitempty"`
	VolumeID string         `json:"volume_id,omitempty"`
	BackupID string         `json:"backup_id,omitempty"`
	// InUse allows a snapshot or a backup of an attached volume.
	InUse bool `json:"in_use,omitempty"`
	// Request is the flow's own input, less the metadata that the row has: the record keeps it, so that the flow can be started again.
	Request any `json:"request,omitempty"`
	// IdempotencyKey is remembered with the row when it is set.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// EntryResult is the row that EntryCreate wrote.
type EntryResult struct {
	Volume     models.Volume     `json:"volume,omitzero"`
	Snapshot   models.Snapshot   `json:"snapshot,omitzero"`
	Attachment models.Attachment `json:"attachment,omitzero"`
	Backup     models.Backup     `json:"backup,omitzero"`
}

// VolumeResult carries a volume's row back.
type VolumeResult struct {
	Volume models.Volume `json:"volume"`
}

// VolumeCastInput asks for a place; Attempted pools are left out.
type VolumeCastInput struct {
	Header
	Spec        VolumeSpec `json:"spec"`
	Hints       Hints      `json:"hints,omitzero"`
	Attempted   []string   `json:"attempted,omitempty"`
	MaxAttempts int        `json:"max_attempts"`
	OldSizeGiB  int64      `json:"old_size_gib,omitempty"` // of an extend: only the difference needs room
}

// VolumeCastResult names the pool that was chosen, whose capacity is claimed at once, and why others were not.
type VolumeCastResult struct {
	Pool       string   `json:"pool"`       // host@backend#pool
	Candidates []string `json:"candidates"` // ranked, at most MaxAttempts, the chosen one first
	Refused    string   `json:"refused,omitempty"`
	// StorageName is the volume's name at the backend (volume_name_template).
	StorageName string `json:"storage_name"`
}

// NodeInput is what a storage node is asked to do with one volume.
type NodeInput struct {
	Header
	Volume models.StorageVolume `json:"volume"`
	// Source is the volume to clone; nil makes a blank one.
	Source *models.StorageVolume `json:"source,omitempty"`
	// Snapshot is the snapshot to work on, or to begin as.
	Snapshot *models.StorageSnapshot `json:"snapshot,omitempty"`
	// Ref is the backend's own name of what is to be adopted.
	Ref string `json:"ref,omitempty"`
	// NewSize is the size to extend to, in bytes.
	NewSize models.Bytes `json:"new_size,omitempty"`
}

// NodeResult is what the node answers.
type NodeResult struct {
	Volume   models.StorageVolume    `json:"volume"`
	Snapshot *models.StorageSnapshot `json:"snapshot,omitempty"`
	Ref      string                  `json:"ref,omitempty"` // what a released volume or snapshot is called now
}

// EntryReadyInput ends a flow that made a volume, a snapshot or a connection: the row becomes available, an attachment stays attaching.
type EntryReadyInput struct {
	Header
	// SizeGiB is what a volume that was taken over has turned out to be; 0 leaves the size as it is.
	SizeGiB          int64         `json:"size_gib,omitempty"`
	Host             string        `json:"host"`
	ProviderLocation string        `json:"provider_location,omitempty"`
	Tasks            []models.Task `json:"task_list,omitempty"`
	// Connection is what an attachment's host gets, without secrets.
	Connection *models.ConnectionInfo `json:"connection,omitempty"`
	// Data is what is known of a backup that was made.
	Data models.BackupData `json:"data,omitzero"`
	// InUse says that the host has it already: the attachment is attached.
	InUse bool `json:"in_use,omitempty"`
}

// FlowEndInput ends or holds a flow: the record, and where Status is set the resource's status, change in one transaction.
type FlowEndInput struct {
	Header
	State  models.FlowState    `json:"state"`
	Status models.VolumeStatus `json:"status,omitempty"` // of the volume; "" leaves it alone
	// Snapshots is the status of the snapshots that the flow owns; see models.FlowEnd.
	Snapshots models.SnapshotStatus `json:"snapshots,omitempty"`
	Backups   models.BackupStatus   `json:"backups,omitempty"` // likewise
	// Attachment is the status of the attachment that the flow owns; see models.FlowEnd.
	Attachment models.AttachmentStatus `json:"attachment,omitempty"`
	Gone       bool                    `json:"gone,omitempty"` // the row is destroyed and its quota given back
	Schedule   *models.ScheduleEnd     `json:"schedule,omitempty"`
	FailedTask string                  `json:"failed_task,omitempty"`
	Error      string                  `json:"error,omitempty"`
	Hint       string                  `json:"hint,omitempty"`
	Message    bool                    `json:"message,omitempty"` // leave a user message with Error
	Tasks      []models.Task           `json:"task_list,omitempty"`
	Unclaim    bool                    `json:"unclaim,omitempty"` // see models.FlowEnd
}

// VolumeDeleteInput starts volume-delete and volume-unmanage; the row is `deleting` or `unmanaging` under this flow's id already.
type VolumeDeleteInput struct {
	Header
	Volume models.StorageVolume `json:"volume"`
	Host   string               `json:"host,omitempty"` // "" was never placed
	// Cascade deletes the volume's snapshots first, whose rows are under this flow's id too; with VolumeCascadeTasks.
	Cascade bool `json:"cascade,omitempty"`
}

// VolumeExtendInput starts volume-extend.
type VolumeExtendInput struct {
	Header
	NewSizeGiB int64 `json:"new_size_gib"`
	// InUse allows extending an attached volume (microversion 3.42).
	InUse bool `json:"in_use,omitempty"`
}

// ExtendSpec is what ExtractExtendRequest found.
type ExtendSpec struct {
	Volume  models.Volume        `json:"volume"`
	Storage models.StorageVolume `json:"storage"`
	Quota   []models.QuotaDelta  `json:"quota"`
	// ExtraSpecs are the volume type's, for the scheduler.
	ExtraSpecs map[string]string `json:"extra_specs,omitempty"`
}

// EntryExtendResult is the row in `extending`, and who is to be told of the new size.
type EntryExtendResult struct {
	VolumeResult
	Hosts []AttachedHost `json:"hosts,omitempty"`
	// Servers are those to which a compute service has attached it, which is told instead of their hosts.
	Servers []string `json:"servers,omitempty"`
}

// TellExtendedInput says of which servers a compute service is told that the volume has grown.
type TellExtendedInput struct {
	Header
	Servers []string `json:"servers"`
}

// ExtendedUntoldInput says why it was not.
type ExtendedUntoldInput struct {
	Header
	Why  string `json:"why"`
	Hint string `json:"hint,omitempty"`
}

// EntryExtendInput moves the row to `extending` and writes the record; EntryExtended ends it.
type EntryExtendInput struct {
	Header
	Operation  Operation     `json:"operation"`
	NewSizeGiB int64         `json:"new_size_gib"`
	InUse      bool          `json:"in_use,omitempty"`
	Tasks      []models.Task `json:"task_list,omitempty"`
	// Request is the flow's own input; see EntryCreateInput.
	Request any `json:"request,omitempty"`
}
