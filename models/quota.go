package models

import (
	"slices"
	"time"
)

// Quota resources. Per-type resources are QuotaVolumes+"_"+type name and likewise for the other two.
const (
	QuotaVolumes           = "volumes"
	QuotaSnapshots         = "snapshots"
	QuotaGigabytes         = "gigabytes"
	QuotaBackups           = "backups"
	QuotaBackupGigabytes   = "backup_gigabytes"
	QuotaGroups            = "groups"
	QuotaPerVolumeGigabyte = "per_volume_gigabytes"
)

// Scopes of a quota limit, and the class that stands in for projects without a limit of their own.
const (
	ScopeProject = "project"
	ScopeClass   = "class"
	DefaultClass = "default"
)

// Unlimited is the quota limit that never refuses.
const Unlimited int64 = -1

// QuotaLimit is a limit set for a project (Scope "project") or a quota class (Scope "class").
type QuotaLimit struct {
	Scope    string `gorm:"primaryKey"`
	Name     string `gorm:"primaryKey"` // project id or class name
	Resource string `gorm:"primaryKey"`
	Limit    int64  `gorm:"column:hard_limit"`
}

// QuotaUsage is what a project uses of a resource and what flows under way have reserved.
type QuotaUsage struct {
	ProjectID string `gorm:"primaryKey"`
	Resource  string `gorm:"primaryKey"`
	InUse     int64
	Reserved  int64
}

// ReservationState is where a reservation stands. Its row outlives the commit until the flow's record is closed, so that
// a step that runs twice finds that it has run.
type ReservationState string

// States of a reservation.
const (
	ReservationHeld      ReservationState = "reserved"  // counted as reserved
	ReservationCommitted ReservationState = "committed" // counted as in use
	ReservationReleased  ReservationState = "released"  // counted no more
)

// Reservation is what a flow took of the quota.
type Reservation struct {
	FlowID    string `gorm:"primaryKey"`
	Resource  string `gorm:"primaryKey"`
	ProjectID string
	Delta     int64
	State     ReservationState
	ExpiresAt time.Time `gorm:"serializer:micros"`
}

// TypeResource is the quota resource that counts base (volumes, gigabytes, snapshots) of one volume type.
func TypeResource(base, typeName string) string { return base + "_" + typeName }

// QuotaDelta asks for so much of a resource; negative gives back.
type QuotaDelta struct {
	Resource string `json:"resource"`
	Delta    int64  `json:"delta"`
}

// VolumeDeltas is what volumes of one type take of the quota: so many of them, with so many GiB. typeName "" is no type.
func VolumeDeltas(typeName string, count, gib int64) []QuotaDelta {
	return deltasOf(QuotaVolumes, typeName, count, gib)
}

// RetypeDeltas is what it does to the quota that a volume changes its type: what all volumes take together stays.
func RetypeDeltas(from, to string, gib int64) []QuotaDelta {
	var deltas []QuotaDelta
	for _, d := range VolumeDeltas(to, 1, gib) {
		if d.Resource != QuotaVolumes && d.Resource != QuotaGigabytes {
			deltas = append(deltas, d)
		}
	}
	for _, d := range VolumeDeltas(from, 1, gib) {
		if d.Resource != QuotaVolumes && d.Resource != QuotaGigabytes {
			deltas = append(deltas, QuotaDelta{Resource: d.Resource, Delta: -d.Delta})
		}
	}
	return deltas
}

// SnapshotDeltas is what snapshots of volumes of one type take of the quota: so many of them, with so many GiB, which are 0
// where no_snapshot_gb_quota is set. typeName "" is no type.
func SnapshotDeltas(typeName string, count, gib int64) []QuotaDelta {
	return deltasOf(QuotaSnapshots, typeName, count, gib)
}

func deltasOf(resource, typeName string, count, gib int64) []QuotaDelta {
	deltas := []QuotaDelta{{resource, count}, {QuotaGigabytes, gib}}
	if typeName != "" {
		deltas = append(deltas, QuotaDelta{TypeResource(resource, typeName), count}, QuotaDelta{TypeResource(QuotaGigabytes, typeName), gib})
	}
	return slices.DeleteFunc(deltas, func(d QuotaDelta) bool { return d.Delta == 0 })
}
