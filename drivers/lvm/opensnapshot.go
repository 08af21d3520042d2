package lvm

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/devices"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// OpenSnapshot opens the snapshot's device. LVM removes or merges none that is open. A thin one knows what is mapped, so that
// the rest of it need not be read.
func (d *Driver) OpenSnapshot(ctx context.Context, snap drivers.Snapshot) (drivers.SnapshotReader, error) {
	r, err := d.openSnapshot(ctx, snap)
	if err != nil {
		return nil, d.fail("open snapshot", snap.Name, err)
	}
	return r, nil
}

func (d *Driver) openSnapshot(ctx context.Context, snap drivers.Snapshot) (*devices.Device, error) {
	if err := checkSnapshot(snap); err != nil {
		return nil, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name), Shared: true}, drivers.Claim{ID: idOf(snap.Name), Shared: true})
	if err != nil {
		return nil, err
	}
	defer s.end()
	lv, err := s.snapshot(snap)
	if err != nil {
		return nil, err
	}
	switch origin, _ := s.rep.LV(lv.Origin); {
	case lv.Invalid:
		return nil, errOverflown
	case lv.Merging || origin.Tags[tagRevert] != "":
		return nil, withHint(fmt.Errorf("%w: a revert to it has not ended", drivers.ErrBusy), "repeat the revert: it goes on where it stopped")
	}
	if !lv.Active {
		name := lv.Name
		if lv.ThickSnapshot {
			name = lv.Origin // the snapshot goes with it
		}
		if err := s.vg.Activate(ctx, name); err != nil {
			return nil, err
		}
	}
	dev, err := devices.OpenSource(lv.Path, int64(snapshotSize(lv)))
	if err != nil || !lv.Thin() {
		return dev, err
	}
	return s.knowing(ctx, dev, lv)
}

// knowing tells a device of a thin volume that does not change what is mapped. Where the pool's tables can't be read, all of it is: slower,
// and as right.
func (s *step) knowing(ctx context.Context, dev *devices.Device, lv lvmcmd.LV) (*devices.Device, error) {
	extents, err := s.mappedOf(ctx, lv)
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), dev.Close())
	}
	if err != nil {
		s.log.Warn("what is mapped of a thin snapshot is not known: all of it will be read", "snapshot", lv.Name, "error", err)
		return dev, nil
	}
	return dev.Knowing(extents), nil
}
