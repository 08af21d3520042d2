package lvm

import (
	"context"
	"fmt"
	"iter"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// FindVolume looks for the volume that bears the id.
func (d *Driver) FindVolume(ctx context.Context, id string) (drivers.Volume, error) {
	v, err := d.findVolume(ctx, id)
	return v, d.fail("find volume", id, err)
}

func (d *Driver) findVolume(ctx context.Context, id string) (v drivers.Volume, err error) {
	if idOf(id) != id || id == "" {
		return v, drivers.ErrNotFound // no volume can have it
	}
	// The lock waits for a step that still makes the volume.
	s, err := d.begin(ctx, drivers.Claim{ID: id, Shared: true})
	if err != nil {
		return v, err
	}
	defer s.end()
	for _, lv := range s.rep.LVs {
		if s.whole(lv) && lv.Tags[tagVolume] == id {
			return s.found(lv), nil
		}
	}
	for _, lv := range s.rep.LVs {
		if idOf(lv.Name) == id && !s.ours(lv) && lv.Tags[tagSnapshot] == "" && lv.Origin == "" {
			return v, s.foreign(lv.Name, drivers.ErrUnavailable)
		}
	}
	return v, drivers.ErrNotFound
}

// Volumes lists the whole volumes of this installation.
func (d *Driver) Volumes(ctx context.Context) iter.Seq2[drivers.Volume, error] {
	return func(yield func(drivers.Volume, error) bool) {
		rep, err := d.reportAll(ctx)
		if err != nil {
			yield(drivers.Volume{}, d.fail("list volumes", "", err))
			return
		}
		for _, lv := range rep.LVs {
			if d.whole(lv) && !yield(d.found(lv), nil) {
				return
			}
		}
	}
}

// reportAll reads the whole group without a lock.
func (d *Driver) reportAll(ctx context.Context) (lvmcmd.Report, error) {
	if _, err := d.locate(ctx); err != nil {
		return lvmcmd.Report{}, err
	}
	return d.vg.Report(ctx, lvmcmd.Select{})
}

// Source is the volume's device, which is activated if a reboot left it inactive. What was never written reads as zeros
// on a thin one; a thick one was blanked once, but bytes that its guest discarded may read as anything.
func (d *Driver) Source(ctx context.Context, v drivers.Volume) (drivers.Source, error) {
	src, err := d.source(ctx, v)
	return src, d.fail("find source of volume", v.Name, err)
}

func (d *Driver) source(ctx context.Context, v drivers.Volume) (src drivers.Source, err error) {
	if err := checkVolume(v); err != nil {
		return src, err
	}
	if _, err := d.locate(ctx); err != nil {
		return src, err
	}
	s := &step{Driver: d, sel: lvmcmd.Select{Key: tagVolume, IDs: []string{idOf(v.Name)}}}
	if err := s.look(ctx); err != nil {
		return src, err
	}
	return s.source(ctx, v)
}

// HoldVolume is Source under the volume's lock.
func (d *Driver) HoldVolume(ctx context.Context, v drivers.Volume, shared bool) (drivers.Source, func(), error) {
	const op = "hold volume"
	if err := checkVolume(v); err != nil {
		return drivers.Source{}, nil, d.fail(op, v.Name, err)
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name), Shared: shared})
	if err != nil {
		return drivers.Source{}, nil, d.fail(op, v.Name, err)
	}
	src, err := s.source(ctx, v)
	if err != nil {
		s.end()
		return drivers.Source{}, nil, d.fail(op, v.Name, err)
	}
	return src, s.end, nil
}

// source makes the volume's device ready and says where it is.
func (s *step) source(ctx context.Context, v drivers.Volume) (src drivers.Source, err error) {
	lv, err := s.volume(v.Name)
	if err != nil {
		return src, err
	}
	if lv.Tags[tagGrow] != "" || lv.Tags[tagRevert] != "" {
		return src, withHint(fmt.Errorf("%w: an extend or revert of it has not ended", drivers.ErrBusy), "repeat the extend or the revert: it goes on where it stopped")
	}
	if !lv.Active {
		if err := s.vg.Activate(ctx, lv.Name); err != nil {
			return src, err
		}
	}
	return drivers.Source{Path: lv.Path, Format: "raw", ZeroFilled: s.opts.thin}, nil
}
