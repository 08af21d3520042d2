package lvm

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// ChangedExtents compares two thin snapshots of a volume by the pool's own tables: nothing of the volume is read.
func (d *Driver) ChangedExtents(ctx context.Context, base, snap drivers.Snapshot) iter.Seq2[drivers.Extent, error] {
	return func(yield func(drivers.Extent, error) bool) {
		extents, err := d.changed(ctx, base, snap)
		if err != nil {
			yield(drivers.Extent{}, d.fail("compare snapshots", snap.Name, err))
			return
		}
		for _, e := range extents {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// tablesClaim is the lock of a pool's one snapshot of its tables.
func tablesClaim(pool lvmcmd.LV) drivers.Claim { return drivers.Claim{ID: "tables of " + pool.UUID} }

func (d *Driver) changed(ctx context.Context, base, snap drivers.Snapshot) (all []drivers.Extent, err error) {
	if !d.opts.thin {
		return nil, fmt.Errorf("%w: thick snapshots can't be compared", drivers.ErrNotSupported)
	}
	if err := errors.Join(checkSnapshot(base), checkSnapshot(snap)); err != nil {
		return nil, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name), Shared: true}, drivers.Claim{ID: idOf(base.Name), Shared: true},
		drivers.Claim{ID: idOf(snap.Name), Shared: true})
	if err != nil {
		return nil, err
	}
	defer s.end()
	from, err := s.compared(base, snap.Volume)
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", base.Name, err)
	}
	to, err := s.compared(snap, snap.Volume)
	if err != nil {
		return nil, err
	}
	ranges, err := s.delta(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return clip(ranges, int64(snapshotSize(from)), int64(snapshotSize(to))), nil
}

// compared finds a snapshot, and makes sure that it is the one that was meant: thin ids are given out again.
func (s *step) compared(snap drivers.Snapshot, of drivers.Volume) (lvmcmd.LV, error) {
	lv, err := s.snapshot(snap)
	switch {
	case err != nil:
		return lv, err
	case snap.Location != "" && snap.Location != location(lv):
		return lv, fmt.Errorf("%w: another snapshot goes by its name now", drivers.ErrNotFound)
	case lv.Tags[tagVolume] != idOf(of.Name) || lv.ThinID < 0:
		return lv, fmt.Errorf("%w: it is no thin snapshot of this volume", drivers.ErrNotFound)
	}
	return lv, nil
}

// delta asks for the difference.
func (s *step) delta(ctx context.Context, from, to lvmcmd.LV) (ranges []lvmcmd.Range, err error) {
	err = s.tables(ctx, func(pool string) (err error) {
		ranges, err = s.vg.Delta(ctx, pool, from.ThinID, to.ThinID)
		return err
	})
	return ranges, err
}

// tables calls read with the pool's tables held, for that moment only.
func (s *step) tables(ctx context.Context, read func(pool string) error) (err error) {
	pool, err := s.poolLV()
	if err != nil {
		return err
	}
	f, err := s.openLocks()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := drivers.Lock(ctx, f, tablesClaim(pool)); err != nil {
		return err
	}
	// With the lock in hand: what is held now was left by one that was killed.
	if held, err := s.vg.MetadataHeld(ctx, pool.Name); err != nil {
		return err
	} else if held {
		if err := s.vg.ReleaseMetadata(ctx, pool.Name); err != nil {
			return err
		}
	}
	if err := s.vg.HoldMetadata(ctx, pool.Name); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		err = errors.Join(err, s.vg.ReleaseMetadata(ctx, pool.Name))
	}()
	return read(pool.Name)
}

// clip cuts the ranges to the size of the later snapshot. What it has beyond the earlier one's end differs from nothing.
func clip(ranges []lvmcmd.Range, before, size int64) (all []drivers.Extent) {
	add := func(from, to int64) {
		if n := len(all); n > 0 && int64(all[n-1].Offset+all[n-1].Length) >= from {
			from = int64(all[n-1].Offset + all[n-1].Length)
			if to > from {
				all[n-1].Length += drivers.Bytes(to - from)
			}
			return
		}
		if to > from {
			all = append(all, drivers.Extent{Offset: drivers.Bytes(from), Length: drivers.Bytes(to - from)})
		}
	}
	end := min(before, size)
	for _, r := range ranges {
		if r.Offset < end {
			add(r.Offset, min(r.Offset+r.Length, end))
		}
	}
	add(end, size)
	return all
}
