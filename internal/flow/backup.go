package flow

import (
	"time"

	"github.com/clinker-storage/clinker/models"
)

// Operations on backups.
const (
	BackupCreate  Operation = models.OpBackupCreate
	BackupRestore Operation = models.OpBackupRestore
	BackupDelete  Operation = models.OpBackupDelete
	BackupImport  Operation = models.OpBackupImport
	BackupVerify  Operation = models.OpBackupVerify
	BackupTidy    Operation = models.OpBackupTidy
)

// KindBackup is the kind of resource of backups.
const KindBackup = "backup"

// Task names of flows on backups; QuotaReserve, EntryCreate, QuotaCommit, EntryReady, EntryDestroy are those of volumes, CreateSnapshot and
// DeleteSnapshot those of snapshots.
const (
	TaskExtractBackupRequest  = "ExtractBackupRequest"
	TaskBackupCast            = "BackupCast"
	TaskBackupChunks          = "BackupChunks"
	TaskKeepBase              = "KeepBase"
	TaskDeleteBackupData      = "DeleteBackupData"
	TaskExtractRestoreRequest = "ExtractRestoreRequest"
	TaskRestoreCast           = "RestoreCast"
	TaskRestoreChunks         = "RestoreChunks"
	TaskEntryRestored         = "EntryRestored"
	TaskReadBackupRecord      = "ReadBackupRecord"
	TaskVerifyBackup          = "VerifyBackup"
	TaskEntryVerified         = "EntryVerified"
	TaskExtractTidyRequest    = "ExtractTidyRequest"
	TaskEntryTidied           = "EntryTidied"
)

// BackupCreateTasks is the chain of backup-create; temporary says that a snapshot is made to be read, as of a volume in use.
func BackupCreateTasks(temporary bool) []string {
	tasks := []string{TaskExtractBackupRequest, TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskBackupCast}
	if temporary {
		return append(tasks, TaskCreateSnapshot, TaskBackupChunks, TaskDeleteSnapshot, TaskEntryReady)
	}
	return append(tasks, TaskBackupChunks, TaskEntryReady)
}

// BackupKeepTasks is the chain of a backup-create whose snapshot stays, for the next one to be compared with.
func BackupKeepTasks() []string {
	return []string{
		TaskExtractBackupRequest, TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskBackupCast, TaskCreateSnapshot, TaskBackupChunks, TaskKeepBase, TaskEntryReady,
	}
}

// BackupImportTasks is the chain of backup-import.
func BackupImportTasks() []string {
	return []string{TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskBackupCast, TaskReadBackupRecord, TaskEntryReady}
}

// BackupRestoreTasks is the chain of backup-restore, which is into a volume that is there.
func BackupRestoreTasks() []string {
	return []string{TaskExtractRestoreRequest, TaskEntryCreate, TaskRestoreCast, TaskRestoreChunks, TaskEntryRestored}
}

// VolumeFromBackupTasks is the chain of a volume-create with a BackupID.
func VolumeFromBackupTasks() []string {
	return []string{
		TaskExtractVolumeRequest, TaskQuotaReserve, TaskEntryCreate, TaskQuotaCommit, TaskVolumeCast, TaskCreateVolume, TaskRestoreCast, TaskRestoreChunks, TaskEntryReady,
	}
}

// BackupDeleteTasks is the chain of backup-delete; the row is `deleting` before the flow begins. DeleteSnapshot comes before the end where a base is kept.
func BackupDeleteTasks() []string {
	return []string{TaskBackupCast, TaskDeleteBackupData, TaskEntryDestroy}
}

// BackupVerifyTasks is the chain of backup-verify.
func BackupVerifyTasks() []string {
	return []string{TaskBackupCast, TaskVerifyBackup, TaskEntryVerified}
}

// BackupTidyTasks is the chain of backup-tidy.
func BackupTidyTasks() []string {
	return []string{TaskExtractTidyRequest, TaskDeleteSnapshot, TaskEntryTidied}
}

// BackupCreateInput starts backup-create. ResourceID is the new backup's id.
type BackupCreateInput struct {
	Header
	VolumeID         string            `json:"volume_id"`
	SnapshotID       string            `json:"snapshot_id,omitempty"`
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	Container        string            `json:"container,omitempty"`
	AvailabilityZone string            `json:"availability_zone,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	Incremental      bool              `json:"incremental,omitempty"`
	Force            bool              `json:"force,omitempty"`       // allows a volume in use
	ScheduleID       string            `json:"schedule_id,omitempty"` // whose run this is
	Quiesce          string            `json:"quiesce,omitempty"`     // QuiesceNo, QuiesceRequired or QuiesceIfPossible
}

// BackupSpec is what ExtractBackupRequest makes of the request: everything looked up, nothing written.
type BackupSpec struct {
	Backup models.Backup        `json:"backup"`
	Volume models.StorageVolume `json:"volume"`
	Host   string               `json:"host"` // of the volume, host@backend#pool
	// Snapshot is the user's snapshot that is backed up, or the temporary one to be made; nil reads the volume itself.
	Snapshot  *models.StorageSnapshot `json:"snapshot,omitempty"`
	Temporary bool                    `json:"temporary,omitempty"`
	// Keep says that the backend keeps the temporary snapshot for the next backup. InUse says that the volume can't be read without one.
	Keep  bool `json:"keep,omitempty"`
	InUse bool `json:"in_use,omitempty"`
	// Guests use the volume, and are to hold still while the temporary snapshot is made.
	Guests []HostNode          `json:"guests,omitempty"`
	Origin BackupOrigin        `json:"origin"`
	Quota  []models.QuotaDelta `json:"quota"`
}

// BackupOrigin is what the store is told of the volume, so that it alone is enough to bring it back.
type BackupOrigin struct {
	VolumeID         string            `json:"volume_id"`
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	SizeGiB          int64             `json:"size_gib"`
	VolumeType       string            `json:"volume_type,omitempty"`
	AvailabilityZone string            `json:"availability_zone,omitempty"`
	Bootable         bool              `json:"bootable,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	ImageMetadata    map[string]string `json:"image_metadata,omitempty"`
}

// BackupResult carries a backup's row back.
type BackupResult struct {
	Backup models.Backup `json:"backup"`
}

// BackupCastInput asks for the data worker that works for a backup: the one that can open a volume of Host, where it is set, else
// Prefer if it lives, else any.
type BackupCastInput struct {
	Header
	Host   string `json:"host,omitempty"`
	Prefer string `json:"prefer,omitempty"`
	// Near says that what is read can be had on that host only.
	Near bool `json:"near,omitempty"`
}

// BackupCastResult names a data worker's host. Ways are, where it is the volume's own and is not up, the hosts of others that might reach the volume.
type BackupCastResult struct {
	Host string    `json:"host"`
	Ways []MoveWay `json:"ways,omitempty"`
}

// BackupChunksInput asks a data worker to bring a volume's bytes to the store.
type BackupChunksInput struct {
	Header
	Volume    models.StorageVolume    `json:"volume"`
	Snapshot  *models.StorageSnapshot `json:"snapshot,omitempty"` // read instead of the volume
	Host      string                  `json:"host"`               // of the volume
	BackupID  string                  `json:"backup_id"`
	ParentID  string                  `json:"parent_id,omitempty"`
	Name      string                  `json:"name,omitempty"`
	Note      string                  `json:"note,omitempty"`
	OfUser    string                  `json:"snapshot_id,omitempty"` // the user's snapshot that is backed up
	Container string                  `json:"container,omitempty"`
	Timestamp time.Time               `json:"timestamp"` // of the data
	Origin    BackupOrigin            `json:"origin"`
	// Keep says that the snapshot will be kept: the store is told which it is.
	Keep bool `json:"keep,omitempty"`
	// Far is how a data worker of another host gets at the volume.
	Far Far `json:"far,omitzero"`
}

// StoredBackup is where a backup lies in the store.
type StoredBackup struct {
	ID        string `json:"id"`
	SizeGiB   int64  `json:"size_gib"`
	Container string `json:"container,omitempty"`
	// Prefix is that of the objects of a backup that Cinder wrote; "" for our own format. Chain are then those that it stands on, the
	// full one first, without itself.
	Prefix string         `json:"prefix,omitempty"`
	Chain  []StoredBackup `json:"chain,omitempty"`
}

// RestoreChunksInput asks a data worker to bring a backup's bytes to a volume.
type RestoreChunksInput struct {
	Header
	Backup StoredBackup         `json:"backup"`
	Volume models.StorageVolume `json:"volume"`
	Host   string               `json:"host"` // of the volume
	// Fresh says that the volume was made for this by this very flow.
	Fresh bool `json:"fresh,omitempty"`
	// Far is how a data worker of another host gets at the volume.
	Far Far `json:"far,omitzero"`
}

// StoredBackupInput asks a data worker to delete, verify or read what lies in the store.
type StoredBackupInput struct {
	Header
	Backup StoredBackup `json:"backup"`
}

// StoredBackupResult is what the data worker found or did.
type StoredBackupResult struct {
	Data models.BackupData `json:"data"`
	// Problem says what a verification found wrong, "" nothing.
	Problem string `json:"problem,omitempty"`
}

// BackupRestoreInput starts backup-restore. ResourceID is the backup's id.
type BackupRestoreInput struct {
	Header
	VolumeID string `json:"volume_id"`
}

// RestoreSpec is what ExtractRestoreRequest found.
type RestoreSpec struct {
	Backup StoredBackup         `json:"backup"`
	Volume models.StorageVolume `json:"volume"`
	Host   string               `json:"host"` // of the volume
	// Row is the volume as it was.
	Row models.Volume `json:"row,omitzero"`
}

// BackupRemoveInput starts backup-delete; the row is `deleting` under this flow's id already. Host is the data worker to prefer.
type BackupRemoveInput struct {
	Header
	Backup StoredBackup `json:"backup"`
	Host   string       `json:"host,omitempty"`
	// BaseHost is where the snapshot that the backup was read from may be kept, "" nowhere; VolumeID is what it is a snapshot of.
	BaseHost string `json:"base_host,omitempty"`
	VolumeID string `json:"volume_id,omitempty"`
}

// BackupVerifyInput starts backup-verify.
type BackupVerifyInput struct {
	Header
	Backup StoredBackup `json:"backup"`
	Host   string       `json:"host,omitempty"`
}

// BackupImportInput starts backup-import. ResourceID is the backup's id, as its record has it.
type BackupImportInput struct {
	Header
	Backup models.Backup `json:"backup"`
	Stored StoredBackup  `json:"stored"`
}

// BackupTidyInput starts backup-tidy. ResourceID is the backup's id, whose row may be gone.
type BackupTidyInput struct {
	Header
	VolumeID string `json:"volume_id"`
}

// TidySpec is where the temporary snapshot would be; Host is "" where it can't be anywhere.
type TidySpec struct {
	Host     string                 `json:"host,omitempty"` // of the volume
	Snapshot models.StorageSnapshot `json:"snapshot"`
}

// EntryVerifiedInput notes what a verification found and ends the flow.
type EntryVerifiedInput struct {
	Header
	Problem string        `json:"problem,omitempty"`
	Tasks   []models.Task `json:"task_list,omitempty"`
}
