package lvm

import (
	"context"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// DeleteVolume removes a volume, a thick one after it was wiped.
func (d *Driver) DeleteVolume(ctx context.Context, v drivers.Volume) error {
	return d.fail("delete volume", v.Name, d.deleteVolume(ctx, v))
}

func (d *Driver) deleteVolume(ctx context.Context, v drivers.Volume) error {
	if err := checkVolume(v); err != nil {
		return err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return err
	}
	defer s.end()
	// First what killed steps left, since a temporary snapshot of theirs would count as a dependant.
	if err := s.sweep(ctx, idOf(v.Name), ""); err != nil {
		return err
	}
	lv, ok := s.rep.LV(v.Name)
	switch {
	case !ok:
		return nil
	case !s.ours(lv):
		return s.foreign(v.Name, drivers.ErrUnavailable)
	}
	if names := s.dependants(lv); len(names) > 0 {
		return withHint(fmt.Errorf("%w: it has %d snapshots", drivers.ErrBusy, len(names)), "delete them first: "+strings.Join(names, ", "))
	}
	if err := s.dropBases(ctx, idOf(v.Name), ""); err != nil {
		return err
	}
	if lv.ThickOrigin {
		return withHint(fmt.Errorf("%w: it has snapshots that others made", drivers.ErrBusy), "`lvs -o lv_name,origin "+s.opts.group+"` shows them")
	}
	return s.discard(ctx, lv, s.clearLength(lv.Size))
}

// dependants are the snapshots of lv: ours by their tag but for a kept base, and whatever LVM would take along with a thick origin.
func (s *step) dependants(lv lvmcmd.LV) (names []string) {
	for _, other := range s.rep.LVs {
		mine := s.ours(other) && other.Tags[tagSnapshot] != "" && !isBase(other) && other.Tags[tagVolume] == lv.Tags[tagVolume]
		if mine && other.Tags[tagState] == "" || other.ThickSnapshot && other.Origin == lv.Name {
			names = append(names, other.Name)
		}
	}
	return names
}

// clearLength is how much of a volume is cleared, by volume_clear and volume_clear_size.
func (d *Driver) clearLength(size int64) int64 {
	switch {
	case !d.opts.clear:
		return 0
	case d.opts.clearSize > 0:
		return min(d.opts.clearSize, size)
	}
	return size
}

// discard removes a volume of ours that nobody needs any more. length is how much of a thick one is cleared before.
func (s *step) discard(ctx context.Context, lv lvmcmd.LV, length int64) error {
	if lv.Open {
		return withHint(fmt.Errorf("%w: it is open on its node", drivers.ErrBusy), heldBy(lv.Path))
	}
	if lv.Thin() || length == 0 && !lv.ThickSnapshot {
		return s.remove(ctx, lv)
	}
	lv, err := s.condemn(ctx, lv, length)
	if err != nil {
		return err
	}
	return s.wipe(ctx, lv)
}

// remove is the last step; that something has it open after all is told with what it is.
func (s *step) remove(ctx context.Context, lv lvmcmd.LV) error {
	return s.holding(lv, s.vg.Remove(ctx, lv))
}
