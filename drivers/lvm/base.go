package lvm

import (
	"context"
	"fmt"
	"os"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// KeepBase tags the snapshot as its volume's base. The one before goes after that: a kill in between leaves two, and the next call one.
func (d *Driver) KeepBase(ctx context.Context, snap drivers.Snapshot) error {
	return d.fail("keep snapshot", snap.Name, d.keep(ctx, snap))
}

func (d *Driver) keep(ctx context.Context, snap drivers.Snapshot) error {
	if !d.opts.keepBase {
		return withHint(fmt.Errorf("%w: this backend keeps no base snapshots", drivers.ErrNotSupported), "set backup_keep_base_snapshot = true, with lvm_type = thin")
	}
	if err := checkSnapshot(snap); err != nil {
		return err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name)}, drivers.Claim{ID: idOf(snap.Name)})
	if err != nil {
		return err
	}
	defer s.end()
	lv, err := s.compared(snap, snap.Volume)
	if err != nil {
		return err
	}
	if !isBase(lv) {
		if err := s.vg.Retag(ctx, lv.Name, encode(map[string]string{tagBase: "kept"}), nil); err != nil {
			return err
		}
	}
	return s.dropBases(ctx, idOf(snap.Volume.Name), lv.Name)
}

func isBase(lv lvmcmd.LV) bool { return lv.Tags[tagSnapshot] != "" && lv.Tags[tagBase] != "" }

// dropBases removes what was kept of a volume, but for what is called keep; the caller holds the volume's lock.
func (s *step) dropBases(ctx context.Context, id, keep string) error {
	for _, lv := range s.rep.LVs {
		if s.ours(lv) && !lv.Hidden && isBase(lv) && lv.Tags[tagVolume] == id && lv.Name != keep {
			if err := s.discard(ctx, lv, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// surplus tells whether bases must go: they are not asked for any more, or hold room that the pool has not got (data-safety rule 10).
func (s *step) surplus() bool {
	pool, err := s.poolLV()
	return !s.opts.keepBase || err == nil && poolFull(pool) != ""
}

// MappedExtents reads the pool's tables. What the system still has in memory of writes to the volume is written before: it may be where
// nothing is mapped yet.
func (d *Driver) MappedExtents(ctx context.Context, v drivers.Volume) ([]drivers.Extent, error) {
	extents, err := d.mapped(ctx, v)
	return extents, d.fail("read what is mapped", v.Name, err)
}

func (d *Driver) mapped(ctx context.Context, v drivers.Volume) ([]drivers.Extent, error) {
	if !d.opts.thin {
		return nil, fmt.Errorf("%w: a thick volume has no holes", drivers.ErrNotSupported)
	}
	if err := checkVolume(v); err != nil {
		return nil, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name), Shared: true})
	if err != nil {
		return nil, err
	}
	defer s.end()
	lv, err := s.volume(v.Name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(lv.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return s.mappedOf(ctx, lv)
}

// mappedOf lists what a thin volume has blocks for.
func (s *step) mappedOf(ctx context.Context, lv lvmcmd.LV) ([]drivers.Extent, error) {
	var ranges []lvmcmd.Range
	err := s.tables(ctx, func(pool string) (err error) {
		ranges, err = s.vg.Mapped(ctx, pool, lv.ThinID)
		return err
	})
	if err != nil {
		return nil, err
	}
	extents := make([]drivers.Extent, len(ranges))
	for i, r := range ranges {
		extents[i] = drivers.Extent{Offset: drivers.Bytes(r.Offset), Length: drivers.Bytes(r.Length)}
	}
	return extents, nil
}
