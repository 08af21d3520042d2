package flow

import "github.com/clinker-storage/clinker/models"

// Task names of taking over what a backend has, and of letting it go.
const (
	TaskExtractManageRequest = "ExtractManageRequest"
	TaskMeasureVolume        = "MeasureVolume"
	TaskAdoptVolume          = "AdoptVolume"
	TaskReleaseVolume        = "ReleaseVolume"
	TaskListManageable       = "ListManageable"
)

// MaxManageable is how many Adoptables one ListManageable answers at most: payloads are bounded.
const MaxManageable = 150

// VolumeManageTasks is the chain of volume-manage. The client has its answer after EntryCreate: how large the volume is, its
// backend tells later.
func VolumeManageTasks() []string {
	return []string{
		TaskExtractManageRequest, TaskEntryCreate, TaskVolumeCast, TaskMeasureVolume, TaskQuotaReserve, TaskQuotaCommit, TaskAdoptVolume,
		TaskEntryReady,
	}
}

// VolumeUnmanageTasks is the chain of volume-unmanage; the row is `unmanaging` before the flow begins.
func VolumeUnmanageTasks() []string { return []string{TaskReleaseVolume, TaskEntryDestroy} }

// VolumeManageInput starts volume-manage. ResourceID is the new volume's id.
type VolumeManageInput struct {
	Header
	Host             string            `json:"host"` // host@backend#pool
	Ref              string            `json:"ref"`  // the backend's own name for it (source-name, or source-id)
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	VolumeType       string            `json:"volume_type,omitempty"` // name or id; "" is the default type
	AvailabilityZone string            `json:"availability_zone,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	Bootable         bool              `json:"bootable,omitempty"`
}

// ManageableListInput starts manageable-list, a workflow without a record: its update `accepted` returns the page. ResourceID is
// any fresh id, since a backend's name may hold what a flow id can't.
type ManageableListInput struct {
	Header
	Backend   string `json:"backend"`             // host@backend
	Pool      string `json:"pool,omitempty"`      // "" is every pool
	Snapshots bool   `json:"snapshots,omitempty"` // snapshots, not volumes
	// SortBy is "size" or "reference"; Marker is the Ref of the last one seen. Limit is at most MaxManageable, 0 is MaxManageable.
	SortBy string `json:"sort_by,omitempty"`
	Desc   bool   `json:"desc,omitempty"`
	Marker string `json:"marker,omitempty"`
	Offset int    `json:"offset,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// ManageableListResult is one page; Total counts all that there are.
type ManageableListResult struct {
	Items []models.Adoptable `json:"items"`
	Total int                `json:"total"`
}
