package flow

import (
	"encoding/json"

	"github.com/clinker-storage/clinker/models"
)

// Operations on attachments; their ResourceID is the attachment's id.
const (
	AttachmentCreate Operation = models.OpAttachmentCreate
	AttachmentUpdate Operation = models.OpAttachmentUpdate
	AttachmentDelete Operation = models.OpAttachmentDelete
	// AttachmentTerminate ends the connection of an attachment and keeps its row (os-terminate_connection).
	AttachmentTerminate Operation = models.OpAttachmentTerminate
	// AttachmentConnection asks a node how a host that is let in reaches a volume. It writes nothing and has no record.
	AttachmentConnection Operation = "attachment-connection"
)

// KindAttachment is the kind of resource of these operations.
const KindAttachment = "attachment"

// Task names of attaching and detaching.
const (
	TaskExtractAttachRequest = "ExtractAttachRequest"
	TaskAttachCast           = "AttachCast"
	TaskInitializeConnection = "InitializeConnection"
	TaskTerminateConnection  = "TerminateConnection"
	TaskDescribeConnection   = "DescribeConnection"
)

// AttachTasks is the chain of attachment-create, where it has a connector, and of attachment-update.
func AttachTasks() []string {
	return []string{TaskExtractAttachRequest, TaskEntryCreate, TaskAttachCast, TaskInitializeConnection, TaskEntryReady}
}

// DetachTasks is the chain of attachment-delete and attachment-terminate; the attachment is the flow's before it begins.
func DetachTasks() []string { return []string{TaskTerminateConnection, TaskEntryDestroy} }

// AttachInput starts attachment-create and attachment-update. ResourceID is the attachment's id.
type AttachInput struct {
	Header
	VolumeID   string          `json:"volume_id"`
	Instance   string          `json:"instance,omitempty"`
	Connector  json.RawMessage `json:"connector"`
	Mode       string          `json:"mode,omitempty"` // rw, ro; "" leaves it to the volume
	Mountpoint string          `json:"mountpoint,omitempty"`
	Legacy     bool            `json:"legacy,omitempty"` // by os-initialize_connection
	// Clients are what the host has, where that is known: a volume that none of them reaches is refused.
	Clients []HostClient `json:"clients,omitempty"`
	// SealTo is the public key of whoever gets the connection: secrets are sealed to it on the node (internal/seal), and
	// are in no history. Empty: they are left out.
	SealTo []byte `json:"seal_to,omitempty"`
}

// AttachSpec is what ExtractAttachRequest makes of the request: everything looked up, nothing written.
type AttachSpec struct {
	Attachment models.Attachment    `json:"attachment"`
	Volume     models.StorageVolume `json:"volume"`
	Host       string               `json:"host"` // host@backend#pool of the volume
	Connector  models.Connector     `json:"connector"`
	Readonly   bool                 `json:"readonly,omitempty"` // of the volume
	Encrypted  bool                 `json:"encrypted,omitempty"`
}

// AttachCastInput asks which node makes the connection.
type AttachCastInput struct {
	Header
	VolumeID string `json:"volume_id"`
}

// AttachCastResult names it. The volume is as the catalogue has it now.
type AttachCastResult struct {
	Backend string               `json:"backend"` // host@backend
	Volume  models.StorageVolume `json:"volume"`
}

// ConnectInput is what a storage node is asked to do for one host: InitializeConnection, DescribeConnection, TerminateConnection.
type ConnectInput struct {
	Header
	Volume    models.StorageVolume `json:"volume"`
	Connector models.Connector     `json:"connector"`
	Mode      string               `json:"mode,omitempty"`     // rw, ro: the attachment's, told to the host
	Readonly  bool                 `json:"readonly,omitempty"` // the volume's: the export itself refuses writes
	Encrypted bool                 `json:"encrypted,omitempty"`
	SealTo    []byte               `json:"seal_to,omitempty"`
	// Last asks TerminateConnection to end the export too, unless another host is let in by then.
	Last bool `json:"last,omitempty"`
	// Fence asks TerminateConnection for proof that the host can't write any more; Fenced says that a person vouches for it.
	Fence  bool `json:"fence,omitempty"`
	Fenced bool `json:"fenced,omitempty"`
	// Mover says that a data worker asks: ZeroFilled is answered.
	Mover bool `json:"mover,omitempty"`
}

// ConnectResult is how the host reaches the volume; Sealed are the secrets of it (JSON), sealed to SealTo.
type ConnectResult struct {
	Connection models.ConnectionInfo `json:"connection"`
	Sealed     []byte                `json:"sealed,omitempty"`
	// ZeroFilled says that a volume that nobody wrote to reads as zeros.
	ZeroFilled bool `json:"zero_filled,omitempty"`
}

// AttachmentResult carries an attachment's row back, with the secrets of its connection for whoever asked.
type AttachmentResult struct {
	Attachment models.Attachment `json:"attachment"`
	Sealed     []byte            `json:"sealed,omitempty"`
}

// DetachInput starts attachment-delete and attachment-terminate; the attachment is the flow's already.
type DetachInput struct {
	Header
	Volume models.StorageVolume `json:"volume"`
	// VolumeID is the volume's own, by which hosts know it; that of Volume is another after a move. "" is the same.
	VolumeID  string           `json:"volume_id,omitempty"`
	Host      string           `json:"host,omitempty"` // of the volume; "" leaves the node out
	Connector models.Connector `json:"connector,omitzero"`
	// Connected says that a host is or may be let in; Shared that another attachment of that host needs the volume.
	Connected bool `json:"connected,omitempty"`
	Shared    bool `json:"shared,omitempty"`
	Last      bool `json:"last,omitempty"`   // no other attachment has a host: the export goes too
	Force     bool `json:"force,omitempty"`  // os-force_detach: with proof that the host can't write
	Fenced    bool `json:"fenced,omitempty"` // the operator vouches for it
	// Node is the host worker that has the volume, and Connection how that one reached it: it takes the volume out of its guest first.
	Node       HostNode               `json:"node,omitzero"`
	Connection *models.ConnectionInfo `json:"connection,omitempty"`
}

// ConnectionInput starts attachment-connection; ResourceID is the attachment's id.
type ConnectionInput struct {
	Header
	Backend string       `json:"backend"`
	Ask     ConnectInput `json:"ask"`
}
