package models

import "encoding/json"

// StorageVolume is a volume as a driver sees it: no project, no status, sizes in bytes.
type StorageVolume struct {
	// ID is the volume's uuid; Name is what the template volume_name_template makes of it ("volume-<uuid>").
	ID   string `json:"id"`
	Name string `json:"name"`
	Size Bytes  `json:"size"`
	// Pool is the part after "#" of the volume's host.
	Pool string `json:"pool,omitempty"`
	// Location is the driver's own word from an earlier call (provider_location); "" on create.
	Location string `json:"location,omitempty"`
	// Thick asks for preallocated space whatever the backend's default is (extra spec provisioning:type).
	Provisioning string            `json:"provisioning,omitempty"` // "", "thin" or "thick"
	Tags         map[string]string `json:"tags,omitempty"`         // clinker.cloud, clinker.flow: so that orphans explain themselves
}

// StorageSnapshot is a snapshot as a driver sees it.
type StorageSnapshot struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Volume   StorageVolume `json:"volume"`         // as it is now: it may have grown since
	Size     Bytes         `json:"size,omitempty"` // of the volume when the snapshot was taken
	Location string        `json:"location,omitempty"`
}

// Adoptable is something at a backend that could be taken in as a volume or as a snapshot (Cinder's manageable resources).
type Adoptable struct {
	Ref  string `json:"ref"`  // the backend's own name for it
	Size Bytes  `json:"size"` // in bytes
	// ID is the uuid of the volume or snapshot that it is already, "" when it belongs to nobody.
	ID string `json:"id,omitempty"`
	// Reason says why it can't be adopted ("in use", "is managed already"), "" when it can.
	Reason string `json:"reason,omitempty"`
	// SourceRef is the backend's name for the volume that a snapshot is of.
	SourceRef string `json:"source_ref,omitempty"`
}

// Source is where the bytes of a volume can be read and written on its own node.
type Source struct {
	Path   string `json:"path"`   // device or file
	Format string `json:"format"` // raw or qcow2; recorded at creation, never guessed (data-safety rule 9)
	// ZeroFilled says that parts never written read as zeros, so that holes may be skipped (data-safety rule 2).
	ZeroFilled bool `json:"zero_filled"`
}

// Capabilities say what a driver can do as it is configured.
type Capabilities struct {
	Driver       string `json:"driver"`           // dir, lvm, glusterfs, fake
	Version      string `json:"version"`          // of our driver
	Vendor       string `json:"vendor"`           // vendor_name in pool reports
	Protocol     string `json:"storage_protocol"` // iSCSI, glusterfs, nfs, local
	Thin         bool   `json:"thin"`
	Thick        bool   `json:"thick"`
	Clone        bool   `json:"clone"`         // implements Cloner
	Snapshot     bool   `json:"snapshot"`      // snapshots work at all
	Revert       bool   `json:"revert"`        // implements Reverter
	Adopt        bool   `json:"adopt"`         // implements Adopter
	Diff         bool   `json:"diff"`          // implements Differ
	OpenSnapshot bool   `json:"open_snapshot"` // implements SnapshotOpener
	KeepBase     bool   `json:"keep_base"`     // implements BaseKeeper, and is configured to
	Mapped       bool   `json:"mapped"`        // implements Mapper
	OnlineExtend bool   `json:"extend_in_use"`
	Multiattach  bool   `json:"multiattach"`
}

// Capacity in a pool report is a number of GiB, "infinite" or "unknown".
type Capacity struct {
	GiB      float64
	Infinite bool
	Unknown  bool
}

// MarshalJSON writes a number, "infinite" or "unknown", as Cinder's pool reports do.
func (c Capacity) MarshalJSON() ([]byte, error) {
	switch {
	case c.Infinite:
		return []byte(`"infinite"`), nil
	case c.Unknown:
		return []byte(`"unknown"`), nil
	}
	return json.Marshal(c.GiB)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Capacity) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"infinite"`:
		*c = Capacity{Infinite: true}
		return nil
	case `"unknown"`, "null":
		*c = Capacity{Unknown: true}
		return nil
	}
	*c = Capacity{}
	return json.Unmarshal(b, &c.GiB)
}

// KeepsBase is the key in a pool report's Extra which says that the backend keeps the snapshot of a volume's latest backup for the next one, named after
// the option. It is not there where none is kept.
const KeepsBase = "backup_keep_base_snapshot"

// PoolStats is one pool's report; sizes in GiB as the scheduler's rules want them.
type PoolStats struct {
	Pool                string   `json:"pool_name"` // the part after "#"
	VolumeBackendName   string   `json:"volume_backend_name"`
	Total               Capacity `json:"total_capacity_gb"`
	Free                Capacity `json:"free_capacity_gb"`
	ProvisionedGiB      float64  `json:"provisioned_capacity_gb"`
	AllocatedGiB        float64  `json:"allocated_capacity_gb"`
	ReservedPercentage  int      `json:"reserved_percentage"`
	MaxOverSubscription float64  `json:"max_over_subscription_ratio"`
	ThinProvisioning    bool     `json:"thin_provisioning_support"`
	ThickProvisioning   bool     `json:"thick_provisioning_support"`
	Multiattach         bool     `json:"multiattach"`
	OnlineExtend        bool     `json:"online_extend_support"`
	SparseCopy          bool     `json:"sparse_copy_volume"`
	QoSSupport          bool     `json:"QoS_support"`
	TotalVolumes        int      `json:"total_volumes"`
	VendorName          string   `json:"vendor_name"`
	DriverVersion       string   `json:"driver_version"`
	StorageProtocol     string   `json:"storage_protocol"`
	LocationInfo        string   `json:"location_info,omitempty"`
	FilterFunction      string   `json:"filter_function,omitempty"`
	GoodnessFunction    string   `json:"goodness_function,omitempty"`
	BackendState        string   `json:"backend_state"` // up or down
	BackendError        string   `json:"backend_error,omitempty"`
	// Making names flows whose volumes are counted here though they are being made yet. It need not be complete.
	Making []string `json:"making,omitempty"`
	// Extra carries what a driver reports beyond: data and metadata percent, health.
	Extra map[string]any `json:"extra,omitempty"`
}
