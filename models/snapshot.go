package models

import "time"

// Snapshot is a row of the catalogue: what a volume held at one moment, as its owner sees it.
type Snapshot struct {
	ID          string `gorm:"primaryKey"`
	ProjectID   string
	UserID      string
	Name        string
	Description string
	VolumeID    string
	// VolumeTypeID is the volume's type; quota per type counts by it.
	VolumeTypeID string
	// SizeGiB is the size that the volume had, in GiB (volume_size in Cinder).
	SizeGiB int64 `gorm:"column:size_gib"`
	// QuotaGiB is what the snapshot counts of the quota gigabytes: its size, or 0 if it was made with no_snapshot_gb_quota.
	QuotaGiB int64 `gorm:"column:quota_gib"`
	Status   SnapshotStatus
	// PreviousStatus is where the snapshot returns to after a revert or when a removal could not be started.
	PreviousStatus SnapshotStatus
	// FlowID names the flow that owns a transitional status; "" when nothing is under way. In a revert or a cascade it is the
	// flow of the volume.
	FlowID   string
	Progress string // "0%" while it is made, "100%" when it is there
	// ProviderLocation is what the driver answered and wants back with every later call; opaque to everything else.
	ProviderLocation string
	ConsumesQuota    bool
	Metadata         map[string]string `gorm:"serializer:json"`
	CreatedAt        time.Time         `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt        time.Time         `gorm:"serializer:micros;autoUpdateTime:false"`
}
