package connectors

import (
	"context"

	"github.com/clinker-storage/clinker/models"
)

// The neutral values of the contract are models', so that workflows can carry them without importing connectors.
type (
	ConnectionInfo = models.ConnectionInfo
	Bytes          = models.Bytes
)

// Connector takes volumes of one protocol in on this host.
//
// Promises that hold for every method:
//
//   - Any method may be called twice with the same arguments, also while an earlier call still runs in this or in another
//     process of the host. Steps on one volume never overlap: a file lock, which the kernel gives back when a process dies, is held for
//     the whole of a step, and the context is looked at again once it is taken.
//   - A call that is cut off, by its context or by kill -9, leaves something that the same call or Disconnect brings to a whole. A
//     cancelled context ends a call soon, also while the other side does not answer; errors.Is(err, ctx.Err()) holds.
//   - Nothing is found out by discovery: what a host is not told of it does not log in to, and does not see.
//   - Errors are *drivers.Error and wrap a sentinel of drivers or the context's error: ErrUnavailable with the package to install when
//     a client is missing, and when the other side is away; ErrInvalid for a connection that can't be met, which is final: the wrong
//     protocol, a refused password; ErrBusy when something on this host uses the device.
//   - No error, no log line and no process's arguments have a secret of the connection in them.
//
// All methods are safe for concurrent use.
type Connector interface {
	// Properties looks at what this host has for the protocol. A missing client is no error: Client.Ready is false and Client
	// says why. It may be called at any time and changes nothing.
	Properties(ctx context.Context) (Properties, error)

	// Connect takes the volume in and returns when its device can be read and written. A volume that is connected is success with the same
	// device, and leaves it alone while it is in use. Of several ways to the volume one is enough. A device that turns out to be
	// another volume is never returned: ErrUnavailable. A first Connect that fails leaves nothing behind.
	Connect(ctx context.Context, info ConnectionInfo) (Device, error)

	// Disconnect gives the volume back: what was written is at the other side when it returns nil, and no device of it is left. A volume
	// that is not connected is nil. ErrBusy while something uses the device, which stays whole; ErrUnavailable when what was written
	// can't be brought to the other side, and everything stays as it is: it fails rather than loses data (data-safety rule 13).
	// With force neither holds it back: what is not written is lost, and who uses the device sees errors.
	Disconnect(ctx context.Context, info ConnectionInfo, force bool) error

	// Extend looks at the volume anew, after the other side has made it larger, and returns the bytes that this host sees now. It is
	// not told how many there should be: who calls it compares. ErrNotFound when the volume is not connected.
	Extend(ctx context.Context, info ConnectionInfo) (Bytes, error)
}

// Device is a connected volume.
type Device struct {
	Path      string `json:"path"`                // what to open: /dev/sdb, /dev/mapper/..., a file
	Size      Bytes  `json:"size"`                // as this host sees it
	WWID      string `json:"wwid,omitempty"`      // the disk's identity ("naa...."); "" for what has none
	Format    string `json:"format,omitempty"`    // raw, or a file's format; never to be guessed (data-safety rule 9)
	Multipath bool   `json:"multipath,omitempty"` // Path goes over all Paths, and survives the loss of one
	Paths     []Path `json:"paths,omitempty"`
}

// Path is one way to a disk.
type Path struct {
	Device string `json:"device"` // /dev/sdb
	Portal string `json:"portal"` // 192.0.2.7:3260
	State  string `json:"state"`  // the session's: LOGGED_IN, FAILED (it is being mended), ...
}
