package drivers

import (
	"context"
	"iter"

	"github.com/clinker-storage/clinker/models"
)

// The neutral values of the contract are models', so that workflows can carry them without importing drivers.
type (
	Volume       = models.StorageVolume
	Snapshot     = models.StorageSnapshot
	Source       = models.Source
	Adoptable    = models.Adoptable
	Capabilities = models.Capabilities
	PoolStats    = models.PoolStats
	Bytes        = models.Bytes
)

// Driver is a storage backend as a storage node sees it.
//
// Promises that hold for every method:
//
//   - Any method may be called twice with the same arguments, also while an earlier call is still running in this or in
//     another process of the node: attempts of one step overlap when a worker is cut off. The driver holds the volume's
//     lock (Lock) for the whole of a changing step and looks at ctx again once it has it.
//   - A cancelled context ends the call soon, also in the middle of a copy; errors.Is(err, ctx.Err()) holds. A create that
//     is cancelled leaves no volume that FindVolume or Volumes would show, or succeeds.
//   - A process that dies at any point leaves the volume as it was before or as it is after; what a half-done step leaves
//     lying about is never listed and is removed by the next step on that volume or by the next start.
//   - What was answered without an error survives a power cut.
//   - Errors wrap one of the package's sentinels, or the context's error; *Error says what was tried and what to do.
//     An error that wraps no sentinel counts as ErrUnavailable.
//   - "Not there" is answered only when the backend could have shown the volume. A missing mount, an unreachable or
//     unreadable backend is ErrUnavailable, never ErrNotFound and never an empty list.
//   - Names outside the rule of CheckName are ErrInvalid, and nothing is touched.
//
// All methods are safe for concurrent use.
type Driver interface {
	// Capabilities says what the driver can do as it is configured. It does no I/O and never changes.
	Capabilities() Capabilities

	// Check finds out whether the backend can be worked with: tools, volume group, share or folder present and writable.
	// It may make what is missing at the very first start, clears away what a killed process left, and logs warnings
	// about what works but not well. ErrUnavailable with a Hint when a person is needed, ErrInvalid for a wrong option.
	Check(ctx context.Context) error

	// Stats reports each pool. Sizes are GiB; provisioned counts every volume at the backend, whoever made it.
	// A pool that can be read but not written is reported with backend_state "down"; one that can't be read is ErrUnavailable.
	Stats(ctx context.Context) ([]PoolStats, error)

	// CreateVolume makes a blank volume of v.Size bytes that reads as zeros, and returns v with Location filled in.
	// A volume of that name and size is success; of another size ErrExists. ErrNoSpace says that nothing is left behind.
	// Outcome tells what any other error means.
	CreateVolume(ctx context.Context, v Volume) (Volume, error)

	// DeleteVolume removes the volume and what unfinished steps on it left; nil says that its space is on its way back.
	// An absent volume is nil. One with dependants (snapshots) or in use on this node is ErrBusy and stays whole.
	DeleteVolume(ctx context.Context, v Volume) error

	// ExtendVolume makes the volume size bytes large; what is added reads as zeros. It never shrinks: a volume that is as
	// large or larger is nil. ErrNotFound, ErrNoSpace (the volume keeps its size), ErrBusy where it can't be done in use.
	ExtendVolume(ctx context.Context, v Volume, size Bytes) error

	// FindVolume looks for a whole volume by its id (the volume's uuid); ErrNotFound. It is asked after every ambiguous
	// failure, so it waits for a step that still works on that volume.
	FindVolume(ctx context.Context, id string) (Volume, error)

	// Volumes lists every whole volume, in no order, with the tags it carries. The first error ends the list, which is
	// then worth nothing. Volumes made or deleted meanwhile may be in it or not.
	Volumes(ctx context.Context) iter.Seq2[Volume, error]

	// CreateSnapshot keeps what s.Volume holds now. A snapshot of that name is success. ErrNotSupported without the capability.
	CreateSnapshot(ctx context.Context, s Snapshot) (Snapshot, error)

	// DeleteSnapshot removes a snapshot; absent is nil, with dependants ErrBusy.
	DeleteSnapshot(ctx context.Context, s Snapshot) error

	// CreateFromSnapshot makes v with the content of s; the part of v beyond the snapshot's size reads as zeros.
	// The same rules as CreateVolume's; an absent snapshot is ErrNotFound, a v smaller than it ErrInvalid.
	CreateFromSnapshot(ctx context.Context, v Volume, s Snapshot) (Volume, error)

	// Source says where the volume's bytes can be opened on this node, and whether what was never written reads as zeros.
	// ErrNotFound. It opens nothing and may be called at any time.
	Source(ctx context.Context, v Volume) (Source, error)

	// Close lets go of what the driver holds. No call may follow it; a second Close is nil.
	Close() error
}
