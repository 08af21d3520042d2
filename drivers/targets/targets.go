package targets

import (
	"context"
	"iter"

	"github.com/clinker-storage/clinker/models"
)

// The neutral values of the contract are models', so that workflows can carry them without importing targets.
type (
	Export         = models.Export
	Location       = models.ExportLocation
	CHAP           = models.CHAP
	Connector      = models.Connector
	ConnectionInfo = models.ConnectionInfo
	Bytes          = models.Bytes
)

// Everyone as a connector's Initiator has Deny shut out every initiator.
const Everyone = "*"

// Target offers volumes of its node to other hosts.
//
// Promises that hold for every method:
//
//   - Any method may be called twice with the same arguments, also while an earlier call still runs in this or in another
//     process of the node. Steps on one export never overlap: a file lock, which the kernel gives back when a process dies,
//     is held for the whole of a step, and the context is looked at again once it is taken.
//   - A call that is cut off, by its context or by kill -9, leaves something that the same call, Remove or Restore brings to
//     a whole. A cancelled context ends a call between two of its steps; errors.Is(err, ctx.Err()) holds.
//   - Nobody gets at a volume but the initiators that Allow named, with the export's CHAP credentials where there are any.
//   - What was answered without an error is exported again after a reboot (Restore), with the same name, credentials and serial.
//   - Errors are *drivers.Error and wrap a sentinel of drivers or the context's error: ErrUnavailable when the helper is not
//     there or may not be used, ErrBusy when something else holds what is needed, ErrInvalid for arguments that can't be met.
//     No error and no log line has a CHAP secret in it.
//
// All methods are safe for concurrent use.
type Target interface {
	// Abilities says what the target can do. It does no I/O and never changes.
	Abilities() Abilities

	// Check finds out whether volumes can be exported: helper running, modules loaded, rights, addresses of this machine,
	// StateDir writable. ErrUnavailable with a Hint when a person is needed.
	Check(ctx context.Context) error

	// Ensure has e exported, to nobody yet, and says where. One that is exported already keeps its credentials and its
	// initiators; a new size is taken over as Resize does, and so are new portals. A changed Path is ErrBusy while a session is live.
	// ErrExists when the name is another volume's; ErrNotFound when there is nothing at Path. A first Ensure that fails leaves nothing behind.
	Ensure(ctx context.Context, e Export) (Location, error)

	// Remove ends the export, and every session on it: who calls it has seen to it that nobody writes. Absent is nil. When it
	// returns nil, nothing holds the device or file open. Only VolumeID and Name of e are looked at.
	Remove(ctx context.Context, e Export) error

	// Allow lets the connector's initiator in and returns what it needs to log in. ErrNotFound without an Ensure before it,
	// ErrInvalid when the connector names no initiator. Only VolumeID and Name of e are looked at.
	Allow(ctx context.Context, e Export, c Connector) (ConnectionInfo, error)

	// Lookup tells an initiator that is let in what Allow told it, and changes nothing. ErrNotFound where it is not let in.
	// Local targets need e.Path, as for Allow; of others only VolumeID and Name of e are looked at.
	Lookup(ctx context.Context, e Export, c Connector) (ConnectionInfo, error)

	// Deny shuts the connector's initiator out. It ends its sessions and returns when they are dead: from then on no write of
	// theirs reaches the volume, which is what a fence is (Abilities.Fences). An initiator, or export, that is not there is nil.
	// Initiator Everyone means all of them; "" is ErrInvalid, so that a lost name can't cut everybody off. One initiator is one
	// host: whoever calls it knows that no other attachment of that host needs the volume.
	Deny(ctx context.Context, e Export, c Connector) error

	// Resize tells initiators, on their next look, that the volume now has size bytes; the volume itself has been grown before.
	// It never shrinks: a size not above the present one is nil. ErrNotFound; ErrBusy while a session is live, where
	// Abilities.OnlineResize is false.
	Resize(ctx context.Context, e Export, size Bytes) error

	// Exports lists what should be exported and what is, in no order; it holds no secrets. The first error ends the list, which
	// is then worth nothing. Exports that come or go meanwhile may be in it or not.
	Exports(ctx context.Context) iter.Seq2[Exported, error]

	// Restore brings what is exported to what should be: after a reboot of the node, a restart of the helper, or a step that was cut
	// off. One that can't be restored does not keep back the others; the error names each that failed, and a later call
	// tries again. It leaves live sessions alone, and exports that others made.
	Restore(ctx context.Context) error

	// Close lets go of what the target holds; exports stay. A second Close is nil.
	Close() error
}

// Abilities say what a target can do.
type Abilities struct {
	Helper   string // lioadm, tgtadm, local, fake
	Protocol string // storage_protocol of pool reports: iSCSI, local
	// Fences says that after Deny no write of that initiator reaches the volume (data-safety rule 8). Without it, a volume is
	// free only when its old host confirms.
	Fences bool
	// OnlineResize says that Resize works while sessions are live.
	OnlineResize bool
	// Multipath says that several portals can be given.
	Multipath bool
}

// Exported is one export, as it should be and as it is.
type Exported struct {
	VolumeID string // "" for one that others made
	Name     string
	Location Location // without CHAP
	Path     string
	Size     Bytes
	// Initiators are those that are let in, Sessions those that are logged in now (one entry a session).
	Initiators []string
	Sessions   []string
	// Recorded says that it should be there, Live that it is: a recorded one that is not live wants Restore; a live one
	// that is not recorded was made by others, or its record was lost.
	Recorded, Live bool
}
