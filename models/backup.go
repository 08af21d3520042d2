package models

import "time"

// Backup is a row of the catalogue: what a store holds of a volume, as its owner sees it. The store alone is enough to bring it
// back; the row says who may, and what stands on it.
type Backup struct {
	ID          string `gorm:"primaryKey"`
	ProjectID   string
	UserID      string
	Name        string
	Description string
	VolumeID    string
	SnapshotID  string // what was read, where it was a snapshot of the user's
	ParentID    string // the backup that this one adds to; "" is a full one
	ScheduleID  string // the schedule that had it made, whose retention deletes it
	// SizeGiB is the size that the volume had, in GiB; it is what the backup counts of the quota backup_gigabytes.
	SizeGiB int64 `gorm:"column:size_gib"`
	Status  BackupStatus
	// PreviousStatus is where the backup returns to after a restore.
	PreviousStatus BackupStatus
	// FlowID names the flow that owns a transitional status; "" when nothing is under way.
	FlowID     string
	FailReason string // of the latest failure, for the user
	Container  string
	Service    string // of the store, by Cinder's class path, as export records name it
	// ServiceMetadata is the prefix of the objects of a backup that Cinder wrote; "" for one of our own format.
	ServiceMetadata string
	// Host is the data worker that made it, "" when any will do.
	Host             string
	AvailabilityZone string
	ObjectCount      int64
	StoredBytes      int64     // that it added to its store
	Quiesced         bool      // the guests that used the volume held still when the data was taken
	DataTimestamp    time.Time `gorm:"serializer:micros"` // of the data: when the backup was asked for, or its snapshot taken
	// ReadBy says how an incremental found what differs from its parent, by "hashes" or by changed "extents"; "" of a full one. ReadBytes is how much of
	// the volume was read.
	ReadBy    string
	ReadBytes int64
	// BaseHost is the volume's host where the snapshot that was read may be kept for the next backup to be compared with; "" is nowhere. At
	// most one backup of a volume has it.
	BaseHost string
	// VerifiedAt is when the whole backup was last read back; VerifyError says what was wrong with it then.
	VerifiedAt  time.Time `gorm:"serializer:micros"`
	VerifyError string
	Metadata    map[string]string `gorm:"serializer:json"`
	CreatedAt   time.Time         `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt   time.Time         `gorm:"serializer:micros;autoUpdateTime:false"`

	// Dependents is how many backups add to this one; reading counts them.
	Dependents int64 `gorm:"->"`
}

// BackupData is what is known of a backup once its data is in the store.
type BackupData struct {
	Objects int64 `json:"objects"`
	Stored  int64 `json:"stored"` // bytes that it added to the store
	// ReadBy, Read and BaseHost are as on the row.
	ReadBy   string `json:"read_by,omitempty"`
	Read     int64  `json:"read,omitempty"`
	BaseHost string `json:"base_host,omitempty"`
	// Quiesced says that the guests held still when the data was taken.
	Quiesced bool `json:"quiesced,omitempty"`
}

// BackupQuery selects backups. Empty fields select all; ProjectID "" means every project.
type BackupQuery struct {
	Page
	ProjectID string
	// Equal compares columns by API name (id, name, description, status, size, volume_id, snapshot_id, parent_id, container,
	// availability_zone, user_id, project_id, host) with one of several values.
	Equal map[string][]string
	// Like compares as substring (key~=value).
	Like map[string]string
	// Metadata selects rows that have all these pairs.
	Metadata  map[string]string
	CreatedAt []TimeRange
	UpdatedAt []TimeRange
}

// BackupPatch changes what a user may change of a backup; nil leaves as is.
type BackupPatch struct {
	Name, Description *string
	Metadata          map[string]string // takes the place of all that was there
}

// BackupDeltas is what backups take of the quota: so many of them, with so many GiB.
func BackupDeltas(count, gib int64) []QuotaDelta {
	return []QuotaDelta{{QuotaBackups, count}, {QuotaBackupGigabytes, gib}}
}
