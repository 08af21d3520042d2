package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// AttachmentStatus is the status of one attachment of a volume (Cinder's attach_status of an attachment).
type AttachmentStatus string

// Attachment statuses. Reserved, attaching and detaching belong to the client that brings them to their end, unless
// Attachment.FlowID says that a flow is at work.
const (
	AttachmentReserved       AttachmentStatus = "reserved"  // a place is taken; no host is named yet
	AttachmentAttaching      AttachmentStatus = "attaching" // a host is let in; it has not said that the volume is in use
	AttachmentAttached       AttachmentStatus = "attached"
	AttachmentDetaching      AttachmentStatus = "detaching"
	AttachmentErrorAttaching AttachmentStatus = "error_attaching" // what was done could not be taken back: the host may be let in still
	AttachmentErrorDetaching AttachmentStatus = "error_detaching"
)

// AttachmentStatuses lists every status, in the order of the docs.
func AttachmentStatuses() []AttachmentStatus {
	return []AttachmentStatus{
		AttachmentReserved, AttachmentAttaching, AttachmentAttached, AttachmentDetaching, AttachmentErrorAttaching, AttachmentErrorDetaching,
	}
}

// Operations on attachments that are flows; attachment-create and attachment-update are among the operations on volumes.
const (
	// OpAttachmentAttach brings a volume to a host that has a host worker, and to its guest.
	OpAttachmentAttach    = "attachment-attach"
	OpAttachmentDelete    = "attachment-delete"
	OpAttachmentTerminate = "attachment-terminate"
)

// Modes of an attachment.
const (
	ModeReadWrite = "rw"
	ModeReadOnly  = "ro"
)

// Attachment is one use of a volume by a host, or a place taken for one.
type Attachment struct {
	ID        string `gorm:"primaryKey"`
	VolumeID  string
	ProjectID string
	UserID    string
	Status    AttachmentStatus
	// PreviousStatus is where the attachment returns to when its flow is undone.
	PreviousStatus AttachmentStatus
	FlowID         string // the flow at work on it, "" for none
	// AbandonedBy is the flow whose client was told 502: it takes back what it has done, be it done in time or not.
	AbandonedBy  string
	Instance     string // the server's id, "" for a host as such
	AttachedHost string
	Mountpoint   string // the device's name in the guest, as the client said
	Mode         string // rw, ro
	// Legacy came by os-initialize_connection or os-attach; it counts for the volume's status only when it is attached.
	Legacy bool
	// Connector is the host as the client described it; null until one is named, and again once its connection has been ended.
	Connector json.RawMessage `gorm:"serializer:json"`
	// Connection is how the host reaches the volume, without what it proves itself by.
	Connection *ConnectionInfo `gorm:"serializer:json"`
	AttachedAt time.Time       `gorm:"serializer:micros"`
	CreatedAt  time.Time       `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt  time.Time       `gorm:"serializer:micros;autoUpdateTime:false"`
}

// Connected tells whether a host is or may be let in for this attachment.
func (a Attachment) Connected() bool { return len(a.Connector) > 0 && string(a.Connector) != "null" }

// Host is the connector of the attachment, of which unknown keys are left out; the zero value when there is none.
func (a Attachment) Host() (Connector, error) {
	var c Connector
	if !a.Connected() {
		return c, nil
	}
	if err := json.Unmarshal(a.Connector, &c); err != nil {
		return c, fmt.Errorf("connector of attachment %s %w: %w", a.ID, ErrInvalid, err)
	}
	return c, nil
}

// SameHost tells whether two connectors are one host's: by the initiator, else by the name.
func (c Connector) SameHost(d Connector) bool {
	if c.Initiator != "" || d.Initiator != "" {
		return strings.EqualFold(c.Initiator, d.Initiator)
	}
	return c.Host == d.Host
}

// secretKeys of a connection's data are what an initiator proves itself by.
var secretKeys = []string{"auth_username", "auth_password", "discovery_auth_username", "discovery_auth_password"}

// Split takes apart what anybody may see of a connection and what only the host itself may.
func (c ConnectionInfo) Split() (open ConnectionInfo, secrets map[string]any) {
	open = ConnectionInfo{DriverVolumeType: c.DriverVolumeType, Data: maps.Clone(c.Data)}
	secrets = map[string]any{}
	for _, key := range secretKeys {
		if v, ok := c.Data[key]; ok {
			secrets[key] = v
			delete(open.Data, key)
		}
	}
	return open, secrets
}

// Join puts the secrets back that Split took out.
func (c ConnectionInfo) Join(secrets map[string]any) ConnectionInfo {
	joined := ConnectionInfo{DriverVolumeType: c.DriverVolumeType, Data: maps.Clone(c.Data)}
	if joined.Data == nil {
		joined.Data = map[string]any{}
	}
	maps.Copy(joined.Data, secrets)
	return joined
}

// Detaching is an attachment that a flow takes away, with what that flow has to know of the volume's others.
type Detaching struct {
	Attachment Attachment
	Volume     Volume
	Shared     bool // another attachment of the same host needs the volume
	Last       bool // none of any host does
}

// AttachmentQuery selects attachments. Empty fields select all; ProjectID "" means every project.
type AttachmentQuery struct {
	Page
	ProjectID string
	// Equal compares columns by API name (id, volume_id, status, attach_status, instance_id, attached_host, attach_mode).
	Equal map[string][]string
}

// AttachedStatus is the status and the attach_status of a volume with these attachments. Attachments of the older
// actions count once they are attached: before that the volume's own status tells of them.
func AttachedStatus(all []Attachment) (VolumeStatus, AttachStatus) {
	has := func(statuses ...AttachmentStatus) bool {
		return slices.ContainsFunc(all, func(a Attachment) bool {
			return slices.Contains(statuses, a.Status) && (!a.Legacy || a.Status == AttachmentAttached)
		})
	}
	switch {
	case has(AttachmentAttached):
		return VolumeInUse, AttachAttached
	case has(AttachmentAttaching, AttachmentErrorAttaching):
		return VolumeAttaching, AttachAttaching
	case has(AttachmentDetaching, AttachmentErrorDetaching):
		return VolumeDetaching, AttachDetaching
	case has(AttachmentReserved):
		return VolumeReserved, AttachReserved
	}
	return VolumeAvailable, AttachDetached
}
