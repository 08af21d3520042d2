package sharefs

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

func (d *Driver) checkSnapshot(s drivers.Snapshot) error {
	if !d.opts.snapshots {
		return drivers.ErrNotSupported
	}
	if !files.IsUUID(s.ID) {
		return fmt.Errorf("%w: snapshot id %q; want a uuid", drivers.ErrInvalid, s.ID)
	}
	return errors.Join(check(s.Volume), drivers.CheckName(s.Name))
}

// CreateSnapshot makes the volume's active file the backing file of a new one. It takes no time and no space; from then on the volume
// is qcow2. Not while a guest writes: it would go on writing to the old file (data-safety rule 6).
func (d *Driver) CreateSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.Snapshot, error) {
	const op = "create snapshot"
	if err := d.checkSnapshot(s); err != nil {
		return s, d.fail(op, s.Name, nil, err)
	}
	err := d.step(ctx, op, s.Volume, s.Name, func(p *place) error {
		s.Location = p.share.Address
		k, err := p.load(s.Volume.Name)
		switch {
		case err != nil:
			return fmt.Errorf("volume %s: %w", s.Volume.Name, err)
		case k.snapshots[s.ID] != "":
			return p.Sync() // the attempt that made it may have died before its own sync
		}
		if err := d.idle(p, k); err != nil {
			return err
		}
		return d.cover(ctx, p, k, s.ID)
	})
	return s, err
}

// cover puts a new file on top of the chain. The record says so before, so that a new file whose maker was killed is known to be
// nobody else's, and names it in the end.
func (d *Driver) cover(ctx context.Context, p *place, k *disk, id string) error {
	file := overlayName(k.name, id)
	if _, err := p.stat(file); err == nil {
		return errForeign
	} else if !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	k.step, k.of, k.onto = stepSnapshot, id, k.active
	if err := p.writeRecord(k.name, k.record); err != nil {
		return err
	}
	err := d.makeFile(ctx, p, file, k.top().size, k.top())
	if err == nil {
		err = p.Sync()
	}
	if err != nil {
		return errors.Join(err, d.uncover(p, k))
	}
	k.snapshots[id], k.active, k.step = file, file, ""
	return p.writeRecord(k.name, k.record)
}

// makeFile makes a synced file over another one.
func (d *Driver) makeFile(ctx context.Context, p *place, file string, size drivers.Bytes, over link) error {
	f, err := p.Create(file)
	if err != nil {
		return err
	}
	f.Close()
	if err := d.makeOverlay(ctx, p, file, size, over); err != nil {
		return err
	}
	return errors.Join(p.sync(file), ctx.Err())
}

// uncover undoes a snapshot that was not finished.
func (d *Driver) uncover(p *place, k *disk) error {
	if file := overlayName(k.name, k.of); file != k.active && k.snapshots[k.of] == "" {
		if err := p.Unlink(file); err != nil {
			return err
		}
	}
	k.step = ""
	return p.writeRecord(k.name, k.record)
}

// DeleteSnapshot merges the file that the snapshot made into the file with the snapshot's data, which nobody needs by itself any more.
//
//	before   base (data of s1) <- s1 (data of s2) <- s2 (active)
//	s1 goes  base+s1 (data of s2) <- s2 (active)
//	s2 goes  base (data of s1) <- s1+s2 (active)
//
// Volume and other snapshots read the same bytes throughout.
func (d *Driver) DeleteSnapshot(ctx context.Context, s drivers.Snapshot) error {
	const op = "delete snapshot"
	if err := d.checkSnapshot(s); err != nil {
		return d.fail(op, s.Name, nil, err)
	}
	err := d.step(ctx, op, s.Volume, s.Name, func(p *place) error {
		k, err := p.load(s.Volume.Name)
		if err != nil {
			return err
		}
		if k.snapshots[s.ID] == "" {
			return p.Sync()
		}
		return d.merge(ctx, p, k, s.ID)
	})
	if errors.Is(err, drivers.ErrNotFound) {
		return nil
	}
	return err
}

func (d *Driver) merge(ctx context.Context, p *place, k *disk, id string) error {
	file := k.snapshots[id]
	below := k.below(file)
	if len(below) == 0 {
		return fmt.Errorf("%w: the file %s is not in the chain of the volume's files", drivers.ErrUnavailable, file)
	}
	if err := errors.Join(d.idle(p, k), d.unread(p, k)); err != nil {
		return err
	}
	// Asked beforehand: once the merge has begun, there is no way but forward.
	if err := p.Room(p.taken([]link{{file: file, size: k.top().size}})); err != nil {
		return err
	}
	k.step, k.of, k.onto = stepDelete, id, below[0].file
	if err := p.writeRecord(k.name, k.record); err != nil {
		return err
	}
	return d.finishMerge(ctx, p, k, false)
}

// finishMerge is a deletion from the note in the record on. Each part of it may have been done before.
func (d *Driver) finishMerge(ctx context.Context, p *place, k *disk, again bool) error {
	file, there := k.snapshots[k.of]
	if there {
		above, linked := k.above(file), len(k.below(file)) > 0
		if linked {
			if err := d.mergeFile(ctx, p, k, file, above, again); err != nil {
				return err
			}
		}
		if err := p.Sync(); err != nil {
			return err
		}
		if err := p.Unlink(file); err != nil {
			return err
		}
		if err := p.Sync(); err != nil {
			return err
		}
		k.forget()
	}
	k.step = ""
	return p.writeRecord(k.name, k.record)
}

func (d *Driver) mergeFile(ctx context.Context, p *place, k *disk, file, above string, again bool) error {
	if err := d.commit(ctx, p, file); err != nil {
		return err
	}
	onto := k.onto
	if again && k.formatOf(k.name, onto) == qcow2 {
		if err := d.mend(ctx, p, onto); err != nil {
			return err
		}
	}
	if err := p.sync(onto); err != nil || above == "" {
		return err
	}
	if err := d.rebase(ctx, p, above, k.formatOf(k.name, onto), onto); err != nil {
		return err
	}
	return p.sync(above)
}

// recover finishes or undoes what a killed step noted in the record. The caller has the volume's lock.
func (d *Driver) recover(ctx context.Context, p *place, name string) error {
	k, err := p.look(name)
	if err != nil || k.step == "" {
		if errors.Is(err, drivers.ErrNotFound) || errors.Is(err, errForeign) {
			return nil // whoever asked says so
		}
		return err
	}
	d.log.Info("an earlier step on the volume was cut off", "volume", name, "step", k.step, "snapshot_id", k.of)
	if k.step == stepSnapshot {
		return d.uncover(p, k)
	}
	if k.chain, err = p.walk(name, k.record); err != nil {
		return err
	}
	return d.finishMerge(ctx, p, k, true)
}

// RevertToSnapshot gives the volume an empty file over the snapshot's data, in one rename. The volume keeps its size; what
// lies beyond the snapshot's reads as zeros. Only the latest snapshot can be gone back to: others have later ones above them.
func (d *Driver) RevertToSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) error {
	const op = "revert volume"
	if err := d.checkSnapshot(s); err != nil {
		return d.fail(op, v.Name, nil, err)
	}
	if s.Volume.Name != v.Name {
		return d.fail(op, v.Name, nil, fmt.Errorf("%w: %s is a snapshot of %s", drivers.ErrInvalid, s.Name, s.Volume.Name))
	}
	return d.step(ctx, op, v, v.Name, func(p *place) error {
		k, err := p.load(v.Name)
		if err != nil {
			return err
		}
		file := k.snapshots[s.ID]
		below := k.below(file)
		switch {
		case file == "":
			return fmt.Errorf("snapshot %s: %w", s.Name, drivers.ErrNotFound)
		case file != k.active || len(below) == 0:
			return fmt.Errorf("%w: %s is not the volume's latest snapshot", drivers.ErrInvalid, s.Name)
		}
		if err := d.idle(p, k); err != nil {
			return err
		}
		part := files.PartName(file)
		if err := p.Unlink(part); err != nil {
			return err
		}
		if err := d.makeFile(ctx, p, part, max(k.top().size, below[0].size), below[0]); err != nil {
			return errors.Join(err, p.Unlink(part))
		}
		if err := p.Replace(part, file); err != nil {
			return errors.Join(err, p.Unlink(part))
		}
		return nil
	})
}
