package activities

import (
	"context"
	"slices"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// origin is what a new volume begins as: a volume, or a snapshot of one.
type origin struct {
	volume   models.Volume // the volume itself, or the one that the snapshot is of
	snapshot *models.Snapshot
	sizeGiB  int64
}

// origin looks up what a create begins as; nil is nothing.
func (r *Requests) origin(ctx context.Context, in flow.VolumeCreateInput) (*origin, error) {
	switch {
	case in.SourceVolID != "" && in.SnapshotID != "":
		return nil, refuse(flow.ErrInvalid, "Invalid input received: a volume is made from a snapshot or from a volume, not from both.")
	case in.SnapshotID != "":
		return r.fromSnapshot(ctx, in)
	case in.SourceVolID != "":
		return r.fromVolume(ctx, in)
	}
	return nil, nil
}

func (r *Requests) fromVolume(ctx context.Context, in flow.VolumeCreateInput) (*origin, error) {
	s, err := r.volume(ctx, in.Header, in.SourceVolID)
	switch {
	case err != nil:
		return nil, err
	case s.Status != models.VolumeAvailable && s.Status != models.VolumeInUse && !r.accepted(ctx, in):
		return nil, refuse(flow.ErrInvalid, "Invalid volume: source volume %s is %s; it must be available or in-use.", s.ID, s.Status)
	case models.Migrating(s.MigrationStatus) && !r.accepted(ctx, in):
		return nil, refuse(flow.ErrInvalid, "Invalid volume: source volume %s is migrating.", s.ID)
	case in.SizeGiB > 0 && in.SizeGiB < s.SizeGiB:
		return nil, refuse(flow.ErrInvalid, "Invalid input received: Volume size '%d'GB cannot be smaller than original volume size %dGB. They must be >= original volume size.", in.SizeGiB, s.SizeGiB)
	}
	if s.Status != models.VolumeAvailable && !r.accepted(ctx, in) {
		if err := r.copiedInUse(ctx, s); err != nil {
			return nil, err
		}
	}
	return &origin{volume: s, sizeGiB: s.SizeGiB}, nil
}

// copiedInUse refuses to read a file while its hypervisor writes it: the copy would be of no moment at all, and of an image in qcow2 it could not
// even be read.
func (r *Requests) copiedInUse(ctx context.Context, v models.Volume) error {
	byName, err := r.openedByName(ctx, v.Host)
	if err == nil && byName {
		return refuse(flow.ErrInvalid, "Invalid volume: source volume %s is %s, and its files belong to the hypervisor that has them; detach it first, or make the volume from a snapshot.", v.ID, v.Status)
	}
	return err
}

// openedByName tells whether hosts open the files of a pool by their names.
func (r *Requests) openedByName(ctx context.Context, pool string) (bool, error) {
	pools, err := r.Store.ListPools(ctx)
	return slices.ContainsFunc(pools, func(p models.PoolView) bool {
		return p.Name == pool && models.OpenedByName(p.Stats.StorageProtocol)
	}), catalogueError(err)
}

func (r *Requests) fromSnapshot(ctx context.Context, in flow.VolumeCreateInput) (*origin, error) {
	sn, err := r.Store.GetSnapshot(ctx, scope(in.Header), in.SnapshotID)
	switch {
	case isNotFound(err):
		return nil, refuse(flow.ErrNotFound, "Snapshot %s could not be found.", in.SnapshotID)
	case err != nil:
		return nil, catalogueError(err)
	case sn.Status != models.SnapshotAvailable && !r.accepted(ctx, in):
		return nil, refuse(flow.ErrInvalid, "Invalid snapshot: snapshot %s is %s; it must be available.", sn.ID, sn.Status)
	case in.SizeGiB > 0 && in.SizeGiB < sn.SizeGiB:
		return nil, refuse(flow.ErrInvalid, "Invalid input received: Volume size '%d'GB cannot be smaller than the snapshot size %dGB. They must be >= original snapshot size.", in.SizeGiB, sn.SizeGiB)
	}
	// The volume may be another project's: who may see the snapshot may use it.
	v, err := r.Store.GetVolume(ctx, "", sn.VolumeID)
	return &origin{volume: v, snapshot: &sn, sizeGiB: sn.SizeGiB}, catalogueError(err)
}

// accepted tells whether the flow's row stands: it was accepted before, and is looked up again because the flow was started from its
// record. What its origin does meanwhile is then no reason to take the row from its owner.
func (r *Requests) accepted(ctx context.Context, in flow.VolumeCreateInput) bool {
	v, err := r.Store.GetVolume(ctx, "", in.ResourceID)
	return err == nil && v.FlowID == in.FlowID
}

// fill tells the node what to begin with. The new volume is made where its origin is: no other backend has the bytes.
func (o *origin) fill(spec *flow.VolumeSpec, names flow.Names) {
	spec.SourceHost = o.volume.Host
	if o.snapshot != nil {
		s := names.StorageSnapshot(*o.snapshot, o.volume)
		spec.Snapshot = &s
		return
	}
	s := names.StorageVolume(o.volume)
	spec.Source = &s
}
