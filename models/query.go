package models

import "time"

// Page is keyset paging: the rows after Marker in the order of Sort.
type Page struct {
	Limit  int    // 0 = no rows, negative = all (internal callers only)
	Offset int    // rows to pass over, after Marker
	Marker string // id of the last row seen; ErrNotFound when there is no such row in the query's scope
	Sort   []SortKey
}

// SortKey is one column to sort by, by its API name (created_at, name, size ...); id is always added last as the tie-breaker.
type SortKey struct {
	Key  string
	Desc bool
}

// TimeRange bounds a time column: op is one of gt gte eq neq lt lte.
type TimeRange struct {
	Op string
	At time.Time
}

// VolumeQuery selects volumes. Empty fields select all; ProjectID "" means every project.
type VolumeQuery struct {
	Page
	ProjectID string
	// Equal compares columns by API name (name, status, size, bootable "true"/"false", availability_zone, volume_type_id,
	// host, id, snapshot_id, source_volid, user_id, migration_status, group_id, consumes_quota, multiattach, encrypted ...) with one of several values.
	Equal map[string][]string
	// Like compares as substring (key~=value).
	Like map[string]string
	// Metadata selects rows that have all these pairs.
	Metadata  map[string]string
	CreatedAt []TimeRange
	UpdatedAt []TimeRange
}

// VolumeSummary is what GET /volumes/summary counts.
type VolumeSummary struct {
	Count    int64
	SizeGiB  int64
	Metadata map[string][]string // key -> distinct values
}

// VolumePatch changes what a user may change; nil leaves as is.
type VolumePatch struct {
	Name, Description  *string
	Metadata           map[string]string // takes the place of all that was there
	Bootable, Readonly *bool
}

// SnapshotQuery selects snapshots. Empty fields select all; ProjectID "" means every project.
type SnapshotQuery struct {
	Page
	ProjectID string
	// Equal compares columns by API name (id, name, description, status, size or volume_size, volume_id, volume_type_id, user_id, project_id,
	// progress, consumes_quota, availability_zone: that of the volume) with one of several values; group_snapshot_id finds nothing.
	Equal map[string][]string
	// Like compares as substring (key~=value).
	Like map[string]string
	// Metadata selects rows that have all these pairs.
	Metadata  map[string]string
	CreatedAt []TimeRange
	UpdatedAt []TimeRange
}

// SnapshotPatch changes what a user may change of a snapshot; nil leaves as is.
type SnapshotPatch struct {
	Name, Description *string
	Metadata          map[string]string // takes the place of all that was there
}

// StatusReset is os-reset_status; nil leaves as is.
type StatusReset struct {
	Status          *VolumeStatus
	AttachStatus    *AttachStatus
	MigrationStatus *string
}

// TypeQuery selects volume types.
type TypeQuery struct {
	Page
	// ProjectID limits private types to those it may use; "" (an admin) sees all.
	ProjectID  string
	IsPublic   *bool
	Name       string
	ExtraSpecs map[string]string
}

// TypePatch changes a volume type; nil leaves as is.
type TypePatch struct {
	Name, Description *string
	IsPublic          *bool
}

// FlowQuery selects flow records, newest first by default.
type FlowQuery struct {
	Page
	ProjectID, ResourceID, Operation, RequestID, Backend string
	States                                               []FlowState
}

// MessageQuery selects user messages.
type MessageQuery struct {
	Page
	ProjectID string
	Equal     map[string]string // resource_uuid, resource_type, event_id, request_id, message_level
}

// PoolView is a pool as the placement sees it: its last report plus what placements took since.
type PoolView struct {
	Pool
	ClaimedGiB    int64 // sum of the claims that the report can't show yet
	ClaimedCount  int64
	InDoubtGiB    int64 // how much more room there may be: what may be claimed and reported both, and what came free and may be reported still
	ServiceUp     bool
	ServiceReason string // why not, for people
	Disabled      bool
}

// FlowEnd ends or holds a flow in one transaction with the rows that it owns.
type FlowEnd struct {
	FlowID     string
	ResourceID string
	State      FlowState
	Status     VolumeStatus // of the volume that the flow owns; "" leaves it alone
	// Snapshots is the status of every snapshot that the flow owns. With "" a held flow leaves them alone, and one that
	// ends gives them the status that they had before.
	Snapshots SnapshotStatus
	// Attachment is the same of the attachments that the flow owns. One that gets its former status from a flow that succeeds
	// has lost its connection.
	Attachment AttachmentStatus
	// Backups is the same of every backup that the flow owns. Where the flow is a backup's, Status is that of every volume it owns, and
	// with "" those of a flow that ends go back to where they were.
	Backups    BackupStatus
	Gone       bool         // destroy the row of the flow's resource and give its quota back
	Schedule   *ScheduleEnd // where the flow is a run of a backup schedule
	FailedTask string
	Error      string
	Hint       string
	Tasks      []Task
	Message    *Message // left for the user
	// Unclaim gives back what the flow claims of its pool though it is held: it waits for room that is not there, and to claim it
	// would keep others out of what comes free meanwhile. A retry that is placed anew claims anew.
	Unclaim bool
}

// QuotaDrift is a difference between the ledger and the rows.
type QuotaDrift struct {
	ProjectID, Resource string
	InUse, Rows         int64
}
