package models

// Values of a volume's migration_status (Cinder's words). "" and "none" say that it never moved; the API shows "" as null.
const (
	MigrationStarting   = "starting"
	MigrationMigrating  = "migrating"
	MigrationCompleting = "completing"
	MigrationSuccess    = "success"
	MigrationError      = "error"
)

// Migrating tells whether a volume with that migration_status is on its way: other operations are refused then (Cinder's
// AVAILABLE_MIGRATION_STATUS are those that leave it free).
func Migrating(status string) bool {
	switch status {
	case "", "none", "deleting", MigrationError, MigrationSuccess:
		return false
	}
	return true
}

// Move is what becomes of a volume that was moved or retyped.
type Move struct {
	// Host ("host@backend#pool"), ProviderLocation and NameID are those of the copy; Host "" says that the volume stays where it is.
	Host             string `json:"host,omitempty"`
	ProviderLocation string `json:"provider_location,omitempty"`
	NameID           string `json:"name_id,omitempty"`
	// VolumeTypeID is the new type, "" for the one it has; Multiattach goes with it.
	VolumeTypeID string `json:"volume_type_id,omitempty"`
	Multiattach  bool   `json:"multiattach,omitempty"`
	// Ends says that the flow has nothing left to do. Else its record stays open: what the volume was before is still to be removed.
	Ends  bool   `json:"ends,omitempty"`
	Tasks []Task `json:"task_list,omitempty"`
}
