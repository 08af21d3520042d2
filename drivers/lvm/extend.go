package lvm

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// ExtendVolume makes a volume larger, also while it is in use; a thick one with snapshots, or with mirrors, only while it is
// not.
func (d *Driver) ExtendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	return d.fail("extend volume", v.Name, d.extendVolume(ctx, v, size))
}

func (d *Driver) extendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	if err := checkVolume(v); err != nil {
		return err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return err
	}
	defer s.end()
	if err := s.settle(ctx, idOf(v.Name)); err != nil {
		return err
	}
	lv, err := s.volume(v.Name)
	if err != nil || sizeOf(lv) >= size {
		return err
	}
	if err := groupTrouble(s.rep); err != nil {
		return err
	}
	want := int64(s.rounded(size))
	switch {
	case lv.Thin():
		return s.vg.Extend(ctx, lv.Name, want)
	case lv.Mirrored:
		return s.extendMirrored(ctx, lv, want)
	}
	return s.extendThick(ctx, lv, want)
}

// settle brings a volume out of what a killed step left it in, before another step changes it.
func (s *step) settle(ctx context.Context, id string) error {
	if err := s.sweep(ctx, id, ""); err != nil {
		return err
	}
	return s.finishReverts(ctx, id)
}

// extendThick adds space that was blanked before it becomes part of the volume: a guest that is at work on it never sees what
// others left there, whenever this is killed.
func (s *step) extendThick(ctx context.Context, lv lvmcmd.LV, want int64) error {
	if lv.ThickOrigin {
		if err := s.extendStores(ctx, lv, want); err != nil {
			return err
		}
	}
	const attempts = 5 // others make volumes meanwhile, and may take the blank extents in the moment when they are free
	var err error
	for range attempts {
		var ranges []string
		if ranges, err = s.blankExtents(ctx, lv, want-lv.Size); err != nil {
			return err
		}
		err = s.vg.ExtendInto(ctx, lv.Name, (want-lv.Size)/s.rep.VG.Extent, ranges)
		if !errors.Is(err, drivers.ErrNoSpace) {
			break
		}
	}
	if lv.ThickOrigin {
		return errors.Join(err, s.vg.Activate(ctx, lv.Name))
	}
	return err
}

// blankExtents finds free space, blanks it, and lets it go again.
func (s *step) blankExtents(ctx context.Context, lv lvmcmd.LV, bytes int64) ([]string, error) {
	name := "_grow-" + lv.Name
	if err := s.vg.CreateThick(ctx, name, bytes, 0, s.tagsFor(lv.Tags[tagVolume], nil, building)); err != nil {
		return nil, err
	}
	part := s.fresh(name, drivers.Bytes(bytes), building)
	if err := s.blank(ctx, part, 0); err != nil {
		s.undo(ctx, name)
		return nil, err
	}
	ranges, uuid, err := s.vg.Ranges(ctx, name)
	if err != nil {
		s.undo(ctx, name)
		return nil, err
	}
	part.UUID = uuid
	return ranges, s.remove(ctx, part)
}

// extendStores makes the volume inactive, which LVM wants for an origin, and its snapshots' stores as large as they may
// need to be for the new size: a snapshot whose store overflows is lost.
func (s *step) extendStores(ctx context.Context, lv lvmcmd.LV, want int64) error {
	if lv.Open {
		return withHint(fmt.Errorf("%w: a thick volume with snapshots can't be extended in use", drivers.ErrBusy), heldBy(lv.Path))
	}
	if err := s.holding(lv, s.vg.Deactivate(ctx, lv.Name)); err != nil {
		return err
	}
	for _, snap := range s.rep.LVs {
		if snap.ThickSnapshot && snap.Origin == lv.Name && !snap.Hidden {
			if err := s.vg.Extend(ctx, snap.Name, storeSize(want)); err != nil {
				return errors.Join(err, s.vg.Activate(ctx, lv.Name))
			}
		}
	}
	return nil
}

// extendMirrored adds the space first and blanks it then, since its parts lie on several disks. Until that is done the old size
// counts, and Source gives the volume to nobody.
func (s *step) extendMirrored(ctx context.Context, lv lvmcmd.LV, want int64) error {
	if lv.Open || lv.ThickOrigin {
		return withHint(fmt.Errorf("%w: a mirrored volume can't be extended in use or with snapshots", drivers.ErrBusy), heldBy(lv.Path))
	}
	old := sizeOf(lv)
	if lv.Tags[tagGrow] == "" {
		if err := s.vg.Retag(ctx, lv.Name, encode(map[string]string{tagGrow: number(int64(old))}), nil); err != nil {
			return err
		}
	}
	if err := s.vg.Extend(ctx, lv.Name, want); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	lv, _ = s.rep.LV(lv.Name)
	if err := s.blank(ctx, lv, int64(old)); err != nil {
		return err
	}
	return s.vg.Retag(ctx, lv.Name, nil, present(lv, tagGrow))
}
