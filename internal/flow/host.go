package flow

import (
	"encoding/json"
	"slices"

	"github.com/clinker-storage/clinker/models"
)

// VolumeAttach takes a volume in on a host and hands it to a guest there: an attachment made, connected, plugged and in use.
// Its ResourceID is the attachment's id. What it made goes by attachment-delete, which knows the host by the attachment's connector.
const VolumeAttach Operation = models.OpAttachmentAttach

// Task names of a host's part.
const (
	TaskHostProperties   = "HostProperties"
	TaskConnectVolume    = "ConnectVolume"
	TaskDisconnectVolume = "DisconnectVolume"
	TaskPlugVolume       = "PlugVolume"
	TaskUnplugVolume     = "UnplugVolume"
	TaskExtendConnected  = "ExtendConnected"
)

// VolumeAttachTasks is the chain of volume-attach; without an instance PlugVolume is left out.
func VolumeAttachTasks() []string {
	return []string{
		TaskHostProperties, TaskExtractAttachRequest, TaskEntryCreate, TaskAttachCast, TaskInitializeConnection, TaskConnectVolume, TaskPlugVolume, TaskEntryReady,
	}
}

// HostDetachTasks is the chain of attachment-delete where a host worker has the volume.
func HostDetachTasks() []string {
	return append([]string{TaskUnplugVolume, TaskDisconnectVolume}, DetachTasks()...)
}

// VolumeAttachInput starts volume-attach.
type VolumeAttachInput struct {
	Header
	VolumeID string `json:"volume_id"`
	Node     string `json:"node"`               // the host worker's name
	Instance string `json:"instance,omitempty"` // a guest on it; "" ends with the device on the host
	Mode     string `json:"mode,omitempty"`     // rw, ro; "" leaves it to the volume
}

// HostPropertiesInput asks a host what it is.
type HostPropertiesInput struct {
	Header
	Instance string `json:"instance,omitempty"` // it is to run there
}

// HostPropertiesResult is what a host tells of itself.
type HostPropertiesResult struct {
	Connector  models.Connector `json:"connector"`
	Clients    []HostClient     `json:"clients"`
	Hypervisor string           `json:"hypervisor"` // none, qmp, libvirt
	SealTo     []byte           `json:"seal_to"`    // public key of the host worker: passwords of connections are sealed to it
}

// HostClient is a host's client of one protocol.
type HostClient struct {
	Protocol string `json:"protocol"` // driver_volume_type of the connections it takes
	Ready    bool   `json:"ready"`
	Reason   string `json:"reason,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// HostInput is what a host worker is asked to do with one volume.
type HostInput struct {
	Header
	VolumeID   string                `json:"volume_id"`
	Connection models.ConnectionInfo `json:"connection"`       // without its secrets
	Sealed     []byte                `json:"sealed,omitempty"` // its secrets, sealed to the host
	Instance   string                `json:"instance,omitempty"`
	Readonly   bool                  `json:"readonly,omitempty"`
	Force      bool                  `json:"force,omitempty"` // DisconnectVolume: what is not written is lost
	Device     HostDevice            `json:"device,omitzero"` // PlugVolume: what ConnectVolume answered
	Size       models.Bytes          `json:"size,omitempty"`  // ExtendConnected: what the volume has now
}

// HostDevice is a volume on its host.
type HostDevice struct {
	Path   string       `json:"path,omitempty"` // "" where the hypervisor reaches the volume by itself
	Size   models.Bytes `json:"size,omitempty"`
	Format string       `json:"format"` // raw, qcow2
	WWID   string       `json:"wwid,omitempty"`
}

// nodeKey is the key of a connector under which Clinker notes who has the volume.
const nodeKey = "clinker"

// HostNode is who has a volume that Clinker itself has brought to its guest.
type HostNode struct {
	Node     string `json:"node"`
	Instance string `json:"instance,omitempty"`
}

// AttachedHost is a host worker that has a volume, and how it reached it.
type AttachedHost struct {
	HostNode
	Connection models.ConnectionInfo `json:"connection"` // without its secrets
}

// AttachedHosts are the host workers among those that have a volume.
func AttachedHosts(all []models.Attachment) (hosts []AttachedHost) {
	for _, a := range all {
		if n := NodeOf(a.Connector); n.Node != "" && a.Connection != nil {
			hosts = append(hosts, AttachedHost{HostNode: n, Connection: *a.Connection})
		}
	}
	return hosts
}

// AttachedServers are the servers among those attachments that no host worker of ours serves: their compute service has them attached.
func AttachedServers(all []models.Attachment) (servers []string) {
	for _, a := range all {
		if a.Instance != "" && NodeOf(a.Connector).Node == "" && !slices.Contains(servers, a.Instance) {
			servers = append(servers, a.Instance)
		}
	}
	return servers
}

// NoteNode forms the connector of an attachment that Clinker makes itself. Workflows may call it: JSON sorts the keys of a map.
//
//workflowcheck:ignore
func NoteNode(c models.Connector, n HostNode) (json.RawMessage, error) {
	fields := map[string]any{}
	text, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return nil, err
	}
	fields[nodeKey] = n
	return json.Marshal(fields)
}

// NodeOf reads who has the volume of an attachment; the zero value where that is not Clinker's business.
func NodeOf(connector json.RawMessage) HostNode {
	var c struct {
		Node HostNode `json:"clinker"`
	}
	if json.Unmarshal(connector, &c) != nil {
		return HostNode{}
	}
	return c.Node
}
