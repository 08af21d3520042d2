package models

import "time"

// Service binaries, by the names that Cinder's operators know.
const (
	BinaryVolume    = "cinder-volume"
	BinaryScheduler = "cinder-scheduler"
	BinaryBackup    = "cinder-backup"
)

// Service is a worker as `service-list` shows it. Host is "host@backend" for storage workers, else "host".
type Service struct {
	Binary           string `gorm:"primaryKey"`
	Host             string `gorm:"primaryKey"`
	AvailabilityZone string
	Disabled         bool
	DisabledReason   string
	// BackendState is "up" or "down" as the driver's Check found it; BackendError says why it is down.
	BackendState string
	BackendError string
	CreatedAt    time.Time `gorm:"serializer:micros;autoCreateTime:false"`
	// UpdatedAt is the last sign of life; a service is up while it is younger than service_down_time.
	UpdatedAt time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
}

// Pool is the latest report of a storage pool.
type Pool struct {
	// Name is "host@backend#pool".
	Name             string `gorm:"primaryKey"`
	AvailabilityZone string
	Stats            PoolStats `gorm:"serializer:json"`
	// GatheredAt is when the node began to gather Stats: what was ready before is contained in it.
	GatheredAt time.Time `gorm:"serializer:micros"`
}

// Claim is capacity that a placement took and that the pool's report may not show yet. One below zero is what a delete gave back.
type Claim struct {
	FlowID   string `gorm:"primaryKey"`
	VolumeID string
	Pool     string
	GiB      int64 `gorm:"column:gib"`
	// Doubtful tells that the pool's report may count it, or may not.
	Doubtful bool
	// Reported tells that the pool's report names the flow, and so contains what it makes.
	Reported bool
	// SettledAt is when the driver had done its work; zero while it has not. A report that is begun later contains it.
	SettledAt time.Time `gorm:"serializer:micros"`
	CreatedAt time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// Message tells a user why an operation failed (Cinder's user messages).
type Message struct {
	ID           string `gorm:"primaryKey"`
	ProjectID    string
	EventID      string // like VOLUME_VOLUME_001_003
	UserMessage  string
	Level        string // ERROR
	RequestID    string
	ResourceType string // VOLUME, SNAPSHOT, BACKUP
	ResourceID   string
	FlowID       string
	CreatedAt    time.Time `gorm:"serializer:micros;autoCreateTime:false"`
	ExpiresAt    time.Time `gorm:"serializer:micros"`
}

// IdempotencyKey remembers which resource a keyed POST made, for a day by default.
type IdempotencyKey struct {
	ProjectID  string `gorm:"primaryKey"`
	Key        string `gorm:"primaryKey;column:idempotency_key"`
	BodyHash   string
	ResourceID string
	FlowID     string
	CreatedAt  time.Time `gorm:"serializer:micros;autoCreateTime:false"`
	ExpiresAt  time.Time `gorm:"serializer:micros"`
}
