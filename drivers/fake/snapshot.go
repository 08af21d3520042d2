package fake

import (
	"context"
	"fmt"
	"strconv"

	"github.com/clinker-storage/clinker/drivers"
)

// CreateSnapshot keeps a copy of the volume.
func (d *Driver) CreateSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.Snapshot, error) {
	err := d.step(ctx, "CreateSnapshot", s.Name, func() error {
		if err := drivers.CheckName(s.Name); err != nil {
			return err
		}
		if old, ok := d.snapshots[s.Name]; ok {
			s.Location = old.mark
			return nil
		}
		src, err := get(d.volumes, s.Volume.Name)
		if err != nil {
			return err
		}
		if src.used() > d.free() {
			return drivers.ErrNoSpace
		}
		kept := newDisk(d, src.vol)
		kept.copyFrom(src)
		d.made++
		kept.mark = strconv.Itoa(d.made)
		d.snapshots[s.Name], s.Location = kept, kept.mark
		return nil
	})
	return s, err
}

// DeleteSnapshot forgets it.
func (d *Driver) DeleteSnapshot(ctx context.Context, s drivers.Snapshot) error {
	return d.step(ctx, "DeleteSnapshot", s.Name, func() error {
		delete(d.snapshots, s.Name)
		return drivers.CheckName(s.Name)
	})
}

// RevertToSnapshot gives the volume the snapshot's content; the volume keeps its size.
func (d *Driver) RevertToSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) error {
	return d.step(ctx, "RevertToSnapshot", v.Name, func() error {
		kept, err := get(d.snapshots, s.Name)
		if err != nil {
			return err
		}
		disk, err := get(d.volumes, v.Name)
		if err != nil {
			return err
		}
		if kept.vol.Name != v.Name {
			return fmt.Errorf("%w: the snapshot is of another volume", drivers.ErrInvalid)
		}
		disk.blocks = nil
		disk.copyFrom(kept)
		return nil
	})
}

// OpenSnapshot opens the copy, which stays as it is when the snapshot is deleted.
func (d *Driver) OpenSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.SnapshotReader, error) {
	var kept *Disk
	err := d.step(ctx, "OpenSnapshot", s.Name, func() (err error) {
		if err = drivers.CheckName(s.Name); err == nil {
			kept, err = d.kept(s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}
