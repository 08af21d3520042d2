package drivers

import (
	"context"
	"io"
	"iter"

	"github.com/clinker-storage/clinker/models"
)

// The abilities below are optional. A driver that has one says so in its Capabilities and implements the interface;
// callers look at the capability first and then assert the type, since a decorator may implement more than what it wraps.

// Cloner makes volumes from volumes without a detour over the network (Capabilities.Clone).
type Cloner interface {
	// CloneVolume makes v with the content of src, which must not be written meanwhile. v.Size may be larger: the rest
	// reads as zeros; smaller is ErrInvalid. The same rules as CreateVolume's; an absent src is ErrNotFound.
	// Long copies report their progress (WithProgress). The two volumes share nothing that a later write could show.
	CloneVolume(ctx context.Context, v, src Volume) (Volume, error)
}

// Reverter takes a volume back to its latest snapshot (Capabilities.Revert).
type Reverter interface {
	// RevertToSnapshot gives v the content of s when it returns, never later; the snapshot stays. ErrBusy while v is in use.
	RevertToSnapshot(ctx context.Context, v Volume, s Snapshot) error
}

// Adopter takes volumes in that others made, and lets volumes go (Capabilities.Adopt).
type Adopter interface {
	// Adopt makes ref (the backend's own name for it) the volume v. ErrNotFound; ErrExists when it is a volume already;
	// ErrInvalid when its format or size can't be served.
	Adopt(ctx context.Context, v Volume, ref string) (Volume, error)
	// Release forgets v without touching its bytes and returns the name it goes by now.
	Release(ctx context.Context, v Volume) (ref string, err error)
}

// AdoptLister tells what there is to adopt (Capabilities.Adopt, with Adopter). Without it nothing can be managed: quota is
// taken before a volume is adopted, and for that its size must be known.
type AdoptLister interface {
	// Adoptables lists what Adopt could take in and what it could not, with the reason, in no order; volumes that are
	// managed already carry their ID. The first error ends the list, which is then worth nothing. It changes nothing.
	Adoptables(ctx context.Context) iter.Seq2[Adoptable, error]
}

// SnapshotAdopter is Adopter for snapshots; a driver that has it is an Adopter too.
type SnapshotAdopter interface {
	// AdoptSnapshot makes ref the snapshot s of s.Volume. ErrNotFound; ErrExists when it is a snapshot of another id already;
	// ErrInvalid when it is none of that volume.
	AdoptSnapshot(ctx context.Context, s Snapshot, ref string) (Snapshot, error)
	// ReleaseSnapshot forgets s without touching its bytes and returns the name it goes by now.
	ReleaseSnapshot(ctx context.Context, s Snapshot) (ref string, err error)
	// AdoptableSnapshots is Adoptables for snapshots; SourceRef names the volume.
	AdoptableSnapshots(ctx context.Context) iter.Seq2[Adoptable, error]
}

// FileLocator is a driver whose volumes are files on a share that other hosts mount by themselves, without a target.
type FileLocator interface {
	// LocateFile says which file of which share holds the volume now: a snapshot changes it. ErrNotFound.
	LocateFile(ctx context.Context, v Volume) (models.FileLocation, error)
}

// Holder is a driver whose volumes can be opened on their own node by one who moves bytes, beside the driver.
type Holder interface {
	// HoldVolume takes the lock that the driver's own steps on the volume take and says where its bytes are. Until release is called, or
	// the process dies, no other step of any process works on the volume (data-safety rule 1); shared lets others in who
	// only read, too. It waits until ctx is done, as Lock does. ErrNotFound.
	HoldVolume(ctx context.Context, v Volume, shared bool) (src Source, release func(), err error)
}

// Extent is a run of bytes.
type Extent struct {
	Offset, Length Bytes
}

// Differ knows what changed between two snapshots of a volume (Capabilities.Diff).
type Differ interface {
	// ChangedExtents lists, in order and without overlap, where s may differ from base. ErrNotFound when base is gone or is
	// not the one that was meant: the caller then compares by hashes.
	ChangedExtents(ctx context.Context, base, s Snapshot) iter.Seq2[Extent, error]
}

// BaseKeeper keeps the snapshot that a backup was read from, for the next one to be compared with (Capabilities.KeepBase). A driver that has it is a
// Differ too.
type BaseKeeper interface {
	// KeepBase makes s the base of its volume, and removes the one that was before: a volume has one at most. A base is nobody's
	// snapshot: it is not listed, DeleteVolume and Release take it along, and the backend drops it when it wants the room. DeleteSnapshot removes
	// it as any other. A base already is nil. ErrNotFound.
	KeepBase(ctx context.Context, s Snapshot) error
}

// Mapper knows which parts of a volume were ever written (Capabilities.Mapped).
type Mapper interface {
	// MappedExtents lists, in order and without overlap, where v may hold something else than zeros. It is asked by one who holds the volume
	// (HoldVolume), and holds while nobody writes it. ErrNotFound.
	MappedExtents(ctx context.Context, v Volume) ([]Extent, error)
}

// SnapshotOpener reads snapshots on their own node (Capabilities.OpenSnapshot).
type SnapshotOpener interface {
	// OpenSnapshot opens what s holds. Whatever is done to the volume meanwhile does not show. Until it is closed, or the process dies,
	// what the backend can't do beside a reader is ErrBusy: deleting snapshots of the volume, reverting to one, extending a thick volume.
	// Writing the volume and taking further snapshots always work. ErrNotFound; ErrUnavailable for a snapshot whose bytes are lost; ErrBusy
	// while an unfinished step on it must be finished first. ctx is for the opening alone.
	OpenSnapshot(ctx context.Context, s Snapshot) (SnapshotReader, error)
}

// SnapshotReader is an open snapshot, and a source of backups. It is safe for concurrent use.
type SnapshotReader interface {
	// ReadAt reads; bytes that the backend has lost are an error, never anything else.
	io.ReaderAt
	// NextData answers the first run at or after off that may hold something else than zeros, as far as it is known in one go;
	// begin is the size when there is none. What lies between off and begin need not be read.
	NextData(off int64) (begin, end int64, err error)
	// Size is the volume's when the snapshot was taken.
	Size() Bytes
	// Close lets go of the snapshot. A second Close is nil.
	io.Closer
}
