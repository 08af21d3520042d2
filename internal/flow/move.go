package flow

import "github.com/clinker-storage/clinker/models"

// Task names of moving a volume to another pool, and to another type.
const (
	TaskExtractRetypeRequest  = "ExtractRetypeRequest"
	TaskExtractMigrateRequest = "ExtractMigrateRequest"
	TaskEntryRetype           = "EntryRetype"
	TaskEntryMigrate          = "EntryMigrate"
	TaskMoveCast              = "MoveCast"
	TaskCopyVolume            = "CopyVolume"
	TaskVerifyVolume          = "VerifyVolume"
	TaskEntryRetyped          = "EntryRetyped"
	TaskEntryMigrated         = "EntryMigrated"

	// TaskEntryMigration shows how far a migration is; it is no part of the plan.
	TaskEntryMigration = "EntryMigration"
)

// VolumeRetypeTasks is the chain of volume-retype. Where the volume stays in its pool, those from CreateVolume to VerifyVolume, and the
// last, fall out.
func VolumeRetypeTasks() []string {
	return []string{
		TaskExtractRetypeRequest, TaskQuotaReserve, TaskEntryRetype, TaskMoveCast, TaskCreateVolume, TaskCopyVolume, TaskVerifyVolume,
		TaskEntryRetyped, TaskDeleteVolume,
	}
}

// VolumeMigrateTasks is the chain of volume-migrate.
func VolumeMigrateTasks() []string {
	return []string{
		TaskExtractMigrateRequest, TaskEntryMigrate, TaskMoveCast, TaskCreateVolume, TaskCopyVolume, TaskVerifyVolume, TaskEntryMigrated,
		TaskDeleteVolume,
	}
}

// Migration policies of a retype.
const (
	MigrateNever    = "never"
	MigrateOnDemand = "on-demand"
)

// VolumeRetypeInput starts volume-retype.
type VolumeRetypeInput struct {
	Header
	NewType string `json:"new_type"`         // name or id
	Policy  string `json:"migration_policy"` // MigrateNever or MigrateOnDemand
}

// VolumeMigrateInput starts volume-migrate.
type VolumeMigrateInput struct {
	Header
	Host string `json:"host"` // host@backend#pool, or host@backend for any pool of it
	// Lock takes the volume out of use meanwhile (`maintenance`).
	Lock bool `json:"lock_volume,omitempty"`
}

// MoveSpec is what the Extract step of a retype or a migration found.
type MoveSpec struct {
	Volume models.Volume        `json:"volume"`
	Source models.StorageVolume `json:"source"` // as it is now
	// NameID is the id that the copy goes by at its backend.
	NameID     string              `json:"name_id"`
	Target     string              `json:"target,omitempty"` // backend or pool to go to; "" is where the type leads
	Policy     string              `json:"policy,omitempty"`
	TypeID     string              `json:"type_id,omitempty"` // the new type
	TypeName   string              `json:"type_name,omitempty"`
	ExtraSpecs map[string]string   `json:"extra_specs,omitempty"` // of the type that it will have
	Quota      []models.QuotaDelta `json:"quota,omitempty"`
	// Provisioning is thin or thick where the type that it will have says so; Reprovision, that the one it has says otherwise.
	Provisioning string `json:"provisioning,omitempty"`
	Reprovision  bool   `json:"reprovision,omitempty"`
	Multiattach  bool   `json:"multiattach,omitempty"`
}

// EntryMoveInput gives the volume to the flow and writes its record.
type EntryMoveInput struct {
	Header
	Operation Operation `json:"operation"`
	Lock      bool      `json:"lock_volume,omitempty"`
	InUse     bool      `json:"in_use,omitempty"` // an attached volume may change its type
	Request   any       `json:"request,omitempty"`
}

// MoveCastInput asks where to.
type MoveCastInput struct {
	Header
	Spec MoveSpec `json:"spec"`
	// Attempted are pools that turned out to be full; the volume's own is out of the question then too.
	Attempted []string `json:"attempted,omitempty"`
}

// MoveCastResult is the pool that was chosen, whose capacity is claimed at once; InPlace says that it is the volume's own.
type MoveCastResult struct {
	Pool    string `json:"pool"` // host@backend#pool
	InPlace bool   `json:"in_place,omitempty"`
	// Target is the copy that is to be made, DataHost whose data worker has both backends.
	Target   models.StorageVolume `json:"target,omitzero"`
	DataHost string               `json:"data_host,omitempty"`
	// Ways are, where no host has both, the hosts whose data workers might copy, the best first.
	Ways    []MoveWay `json:"ways,omitempty"`
	Refused string    `json:"refused,omitempty"`
}

// MoveWay is a host whose data worker might move bytes, and what it has to reach from there.
type MoveWay struct {
	DataHost string `json:"data_host"`
	Far      string `json:"far"`      // host@backend#pool of the other host
	Protocol string `json:"protocol"` // that the other host's backend speaks
}

// EntryMigrationInput shows how far a migration is.
type EntryMigrationInput struct {
	Header
	Status string `json:"status"`
}

// EntryMovedInput gives the volume its new place and type and sets it free.
type EntryMovedInput struct {
	Header
	Move models.Move `json:"move"`
}

// CopyInput asks a data worker to copy a volume, or to compare the copy with it.
type CopyInput struct {
	Header
	Source     models.StorageVolume `json:"source"`
	SourceHost string               `json:"source_host"` // host@backend#pool
	// Target was made for this flow and is at least as large.
	Target     models.StorageVolume `json:"target"`
	TargetHost string               `json:"target_host"`
	// Far is how the data worker gets at the one of the two that is not on its host.
	Far Far `json:"far,omitzero"`
}

// Far is a volume that another host lets a data worker in to.
type Far struct {
	Host       string                `json:"host"`             // host@backend#pool
	Connection models.ConnectionInfo `json:"connection"`       // without its secrets
	Sealed     []byte                `json:"sealed,omitempty"` // its secrets, sealed to the data worker
	ZeroFilled bool                  `json:"zero_filled,omitempty"`
}
