package models

import "log/slog"

// Export asks that a volume be offered to other hosts by the node it lives on.
type Export struct {
	VolumeID string `json:"volume_id"` // uuid; also the disk's serial number, so that it is one disk wherever it is exported
	Name     string `json:"name"`      // "volume-<uuid>": the last part of the target's name
	// Path is the device or file on this node; Size the bytes that a file's disk has. A device knows its own size.
	Path     string `json:"path"`
	Size     Bytes  `json:"size"`
	Readonly bool   `json:"readonly,omitempty"`
	Discard  bool   `json:"discard,omitempty"` // report_discard_supported: guests' discards reach the backend
}

// ExportLocation is where an export can be found.
type ExportLocation struct {
	Protocol string   `json:"protocol"`          // iscsi, local
	IQN      string   `json:"iqn,omitempty"`     // of the target
	Portals  []string `json:"portals,omitempty"` // "192.0.2.1:3260", "[2001:db8::1]:3260"; the first is the usual one
	LUN      int      `json:"lun"`
	Path     string   `json:"path,omitempty"` // local: the device on this node
	// CHAP is not part of the JSON: a location travels through histories, and whoever may log in gets a ConnectionInfo.
	CHAP CHAP `json:"-"`
}

// CHAP is what an initiator proves that it knows. It shows as "***" in logs.
type CHAP struct {
	User     string
	Password string
}

const masked = "***"

// String hides both.
func (CHAP) String() string { return masked }

// GoString hides both from %#v.
func (CHAP) GoString() string { return masked }

// LogValue hides both from slog.
func (CHAP) LogValue() slog.Value { return slog.StringValue(masked) }

// Connector is a host that wants a volume, as os-brick and Nova describe it. Only what Clinker looks at is named.
type Connector struct {
	Host             string `json:"host,omitempty"`
	IP               string `json:"ip,omitempty"`
	Initiator        string `json:"initiator,omitempty"` // its iSCSI name, of /etc/iscsi/initiatorname.iscsi
	Multipath        bool   `json:"multipath,omitempty"`
	EnforceMultipath bool   `json:"enforce_multipath,omitempty"`
	Platform         string `json:"platform,omitempty"`
	OSType           string `json:"os_type,omitempty"`
	SystemUUID       string `json:"system uuid,omitempty"`
	Mountpoint       string `json:"mountpoint,omitempty"`
	Mode             string `json:"mode,omitempty"` // rw, ro
}
