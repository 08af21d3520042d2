package lvm

import (
	"context"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// CreateVolume makes a volume. A thin one reads as zeros by itself; a thick one is blanked before anybody sees it, since LVM
// gives out space as the volume before left it.
func (d *Driver) CreateVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	made, err := d.createVolume(ctx, v)
	return made, d.fail("create volume", v.Name, err)
}

func (d *Driver) createVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	if err := d.checkNew(v); err != nil {
		return v, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return v, err
	}
	defer s.end()
	return s.build(ctx, v, func(ctx context.Context) error {
		if s.opts.thin {
			return s.vg.CreateThin(ctx, s.opts.pool(), v.Name, int64(v.Size), s.tagsFor(idOf(v.Name), v.Tags, ""))
		}
		return s.thick(ctx, v, building, func(lv lvmcmd.LV) error {
			return s.blank(ctx, lv, 0)
		})
	})
}

func (d *Driver) checkNew(v drivers.Volume) error {
	if err := checkNew(v); err != nil {
		return err
	}
	if kind := v.Provisioning; kind == "thick" && d.opts.thin || kind == "thin" && !d.opts.thin {
		return fmt.Errorf("%w: %s volumes, with lvm_type as it is", drivers.ErrNotSupported, kind)
	}
	return nil
}

// build makes v by the function, unless it is there. What goes wrong leaves nothing that is listed.
func (s *step) build(ctx context.Context, v drivers.Volume, do func(ctx context.Context) error) (drivers.Volume, error) {
	if lv, ok := s.rep.LV(v.Name); ok {
		switch {
		case !s.ours(lv):
			return v, s.foreign(v.Name, drivers.ErrExists)
		case s.whole(lv) && sizeOf(lv) != s.rounded(v.Size):
			return v, fmt.Errorf("%w: a volume of this name is there with %d bytes, %d are wanted", drivers.ErrExists, sizeOf(lv), v.Size)
		case s.whole(lv):
			return s.found(lv), nil
		}
	}
	if err := s.sweep(ctx, idOf(v.Name), s.halfCopied(v)); err != nil {
		return v, err
	}
	if err := s.room(); err != nil {
		return v, err
	}
	if err := do(ctx); err != nil {
		s.undo(ctx, v.Name)
		return v, err
	}
	v.ID, v.Size, v.Pool, v.Provisioning = idOf(v.Name), s.rounded(v.Size), s.cfg.Pool(), s.provisioning()
	return v, nil
}

// undoTime is how long clearing up after a failed or cancelled step may take.
const undoTime = 30 * time.Second

// undo removes what a failed step made. The caller holds the volume's lock and saw that nothing was there before. What holds
// data of others is wiped later: a cancelled call must end soon.
func (s *step) undo(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err := s.look(ctx)
	if err == nil {
		if lv, ok := s.rep.LV(name); ok && s.ours(lv) {
			if lv.Tags[tagState] == copying {
				return // the next attempt takes it up, a delete or the next start wipes it
			}
			err = s.vg.Remove(ctx, lv)
		}
	}
	if err != nil {
		s.log.Warn("what a failed step left is not removed yet", "volume", name, "error", err)
	}
}

// halfCopied is the name of what an earlier attempt at the same copy left. It is written over from the start rather than
// wiped, which would take as long; "" when there is none.
func (s *step) halfCopied(v drivers.Volume) string {
	lv, ok := s.rep.LV(v.Name)
	if ok && s.ours(lv) && lv.Tags[tagState] == copying && !lv.Open && lv.Size == int64(s.rounded(v.Size)) {
		return lv.Name
	}
	return ""
}

// thick makes a volume with space of its own and has it filled; only then it is shown.
func (s *step) thick(ctx context.Context, v drivers.Volume, state string, fill func(lv lvmcmd.LV) error) error {
	var err error
	if state == copying && s.halfCopied(v) != "" {
		err = s.vg.Activate(ctx, v.Name)
	} else {
		err = s.vg.CreateThick(ctx, v.Name, int64(v.Size), s.opts.mirrors, s.tagsFor(idOf(v.Name), v.Tags, state))
	}
	if err != nil {
		return err
	}
	lv := s.fresh(v.Name, v.Size, state)
	if err := fill(lv); err != nil {
		return err
	}
	return s.vg.Retag(ctx, v.Name, nil, present(lv, tagState))
}

// fresh is a volume that was just made, without another report on it.
func (s *step) fresh(name string, size drivers.Bytes, state string) lvmcmd.LV {
	return lvmcmd.LV{Name: name, Path: s.vg.Path(name), Size: int64(s.rounded(size)), Active: true, ThinID: -1, Tags: map[string]string{tagState: state}}
}

// blank writes zeros from a byte of lv to its end.
func (s *step) blank(ctx context.Context, lv lvmcmd.LV, from int64) error {
	return blank{path: lv.Path, from: from, to: lv.Size, pace: s.pace}.run(ctx)
}

// rounded is the size that LVM makes of one: whole extents.
func (s *step) rounded(size drivers.Bytes) drivers.Bytes {
	extent := drivers.Bytes(max(s.rep.VG.Extent, 1))
	return (size + extent - 1) / extent * extent
}

// found describes a volume.
func (d *Driver) found(lv lvmcmd.LV) drivers.Volume {
	return drivers.Volume{
		ID: lv.Tags[tagVolume], Name: lv.Name, Size: sizeOf(lv), Pool: d.cfg.Pool(), Tags: public(lv),
		Provisioning: d.provisioning(),
	}
}

func (d *Driver) provisioning() string {
	if d.opts.thin {
		return "thin"
	}
	return "thick"
}
