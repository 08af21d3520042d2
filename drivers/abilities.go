package drivers

import (
	"context"
	"iter"
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

// Retyper changes a volume in place.
type Retyper interface {
	// Retype makes v follow the extra specs; ErrNotSupported when that takes a migration, and v is then as it was.
	Retype(ctx context.Context, v Volume, extraSpecs map[string]string) (Volume, error)
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
