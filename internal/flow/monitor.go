package flow

import (
	"time"

	"github.com/clinker-storage/clinker/models"
)

// BackendMonitor is the workflow that gathers the statistics of all backends. It runs in SystemNamespace, so that
// its history does not stand among the users' flows.
const BackendMonitor = "backend-monitor"

// SystemNamespaceSuffix is put behind the namespace's name to name the one for Clinker's own upkeep.
const SystemNamespaceSuffix = "-system"

// Activities of the monitor.
const (
	TaskFindBackends = "FindBackends"
	TaskGatherStats  = "GatherStats"
	TaskSaveReport   = "SaveReport"
	TaskReconcile    = "Reconcile"
	TaskPurge        = "Purge"

	TaskSyncSchedules = "SyncSchedules"
)

// MoveHeartbeat is the heartbeat time-out of the steps of data workers. A mover that could not tell that it lives for two thirds of
// it stops, since its successor may begin after the whole (data-safety rule 1).
const MoveHeartbeat = 30 * time.Second

// MonitorInput starts the monitor.
type MonitorInput struct {
	// Interval between two rounds.
	Interval time.Duration `json:"interval"`
}

// Backends names backends, each "host@backend".
type Backends struct {
	Names []string `json:"names"`
}

// BackendReport is what a node says of its backend.
type BackendReport struct {
	// GatheredAt is when the node began to look: what was made before is contained.
	GatheredAt       time.Time          `json:"gathered_at"`
	AvailabilityZone string             `json:"availability_zone"`
	State            string             `json:"state"` // up or down
	Error            string             `json:"error,omitempty"`
	Pools            []models.PoolStats `json:"pools,omitempty"`
}

// SaveReportInput brings a report to the catalogue.
type SaveReportInput struct {
	Backend string        `json:"backend"`
	Report  BackendReport `json:"report"`
}

// Progress is what a long step tells with its heartbeat.
type Progress struct {
	Percent int `json:"percent"`
	// Of a mover: the bytes done and in all, and how many a second it has moved of late.
	Done  models.Bytes `json:"done,omitempty"`
	Total models.Bytes `json:"total,omitempty"`
	Rate  models.Bytes `json:"rate,omitempty"`
}
