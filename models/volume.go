package models

import "time"

// Volume is a row of the catalogue: a block device as its owner sees it.
type Volume struct {
	ID          string `gorm:"primaryKey"`
	ProjectID   string
	UserID      string
	Name        string
	Description string
	// SizeGiB is the size that quota counts and the API shows, in GiB.
	SizeGiB int64 `gorm:"column:size_gib"`
	Status  VolumeStatus
	// PreviousStatus is where the volume returns to after extend, backup or retype.
	PreviousStatus  VolumeStatus
	AttachStatus    AttachStatus
	MigrationStatus string // "" shows as null
	// FlowID names the flow that owns a transitional status; "" when nothing is under way. Status writes of a flow are guarded by it.
	FlowID           string
	VolumeTypeID     string
	AvailabilityZone string
	// Host is the pool in Cinder's form "host@backend#pool"; "" until the volume is placed.
	Host string
	// NameID stands in for ID in the volume's name at its backend once it was moved: a copy bears another name than what it was made from,
	// also where both are in one place. "" is ID.
	NameID string
	// ProviderLocation is what the driver answered and wants back with every later call; opaque to everything else.
	ProviderLocation  string
	SnapshotID        string
	SourceVolID       string
	Bootable          bool
	Readonly          bool
	ReadonlySet       bool // somebody has said whether it is: then its metadata shows the flag
	Multiattach       bool
	Encrypted         bool
	ConsumesQuota     bool
	ReplicationStatus string
	Metadata          map[string]string `gorm:"serializer:json"`
	ImageMetadata     map[string]string `gorm:"serializer:json"`
	CreatedAt         time.Time         `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt         time.Time         `gorm:"serializer:micros;autoUpdateTime:false"`
	LaunchedAt        time.Time         `gorm:"serializer:micros"`
}

// VolumeType is what users choose storage by; its extra specs steer the scheduler.
type VolumeType struct {
	ID          string `gorm:"primaryKey"`
	Name        string
	Description string
	IsPublic    bool
	ExtraSpecs  map[string]string `gorm:"serializer:json"`
	QosSpecsID  string
	CreatedAt   time.Time `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
}

// VolumeTypeAccess lets a project use a private type.
type VolumeTypeAccess struct {
	VolumeTypeID string `gorm:"primaryKey"`
	ProjectID    string `gorm:"primaryKey"`
}
