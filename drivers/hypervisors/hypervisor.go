package hypervisors

import (
	"context"

	"github.com/clinker-storage/clinker/models"
)

// The neutral values of the contract are models', so that workflows can carry them.
type (
	ConnectionInfo = models.ConnectionInfo
	Bytes          = models.Bytes
)

// Hypervisor plugs volumes into guests of this host.
//
// Promises that hold for every method:
//
//   - Any method may be called twice with the same arguments. A guest's disk is known by its volume's id, which is the disk's serial
//     number too, so that a later process finds what an earlier one has plugged.
//   - A call that is cut off, by its context or by kill -9, leaves something that the same call or Unplug brings to a whole. A
//     cancelled context ends a call soon; errors.Is(err, ctx.Err()) holds.
//   - The format of a disk is told, never guessed (data-safety rule 9).
//   - Errors are *drivers.Error and wrap a sentinel of drivers or the context's error: ErrNotFound for an instance that is not there,
//     ErrInvalid for a disk that can't be met, ErrBusy when the guest does not let a disk go, ErrUnavailable when the hypervisor does not answer.
//   - No error, no log line and no process's arguments have a secret of the connection in them.
//
// All methods are safe for concurrent use, also on one instance.
type Hypervisor interface {
	// Properties looks whether the hypervisor can be used on this host; it changes nothing. One that can't is no error: Ready is false.
	Properties(ctx context.Context) (Properties, error)

	// Direct tells whether guests reach volumes of this connection by the hypervisor itself, so that the host takes nothing in.
	Direct(info ConnectionInfo) bool

	// Plug gives the instance a disk and returns when the guest's machine has it; the guest's own system sees it a moment later. One
	// that is plugged is success and left alone. A Plug that fails leaves nothing behind.
	Plug(ctx context.Context, instance string, d Disk) error

	// Unplug takes a disk out and returns nil when the hypervisor has nothing of it open any more. A disk or an instance that is not there is
	// nil. ErrBusy when the guest did not let it go in time; the same call asks it again.
	Unplug(ctx context.Context, instance, volumeID string) error

	// Resize tells the guest the size that its disk has now; a file is made that large. A disk that is not plugged is ErrNotFound.
	Resize(ctx context.Context, instance, volumeID string, size Bytes) error

	// Plugged are the ids of Clinker's volumes in an instance, sorted. ErrNotFound when it is not there.
	Plugged(ctx context.Context, instance string) ([]string, error)
}

// Properties are what a host tells of its hypervisor.
type Properties struct {
	Kind   string `json:"kind"` // none, qmp, libvirt
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"` // why it is not ready, for users
	Hint   string `json:"hint,omitempty"`   // for the host's operator
}

// Disk is a volume to plug.
type Disk struct {
	VolumeID string // uuid
	// Path is the device or file on this host; "" where the hypervisor reaches the volume by Connection itself.
	Path       string
	Format     string // raw, qcow2
	Readonly   bool
	Connection ConnectionInfo // with its secrets, where Path is ""
	Initiator  string         // the host's iSCSI name, with which the connection lets it in
}
