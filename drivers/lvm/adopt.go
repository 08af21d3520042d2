package lvm

import (
	"context"
	"fmt"
	"maps"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// Adopt makes the logical volume called ref the volume v: it gets our tags, and v's name. Its bytes are not touched.
func (d *Driver) Adopt(ctx context.Context, v drivers.Volume, ref string) (drivers.Volume, error) {
	made, err := d.adopt(ctx, v, ref)
	return made, d.fail("adopt volume", v.Name, err)
}

func (d *Driver) adopt(ctx context.Context, v drivers.Volume, ref string) (drivers.Volume, error) {
	if err := checkVolume(v); err != nil {
		return v, err
	}
	if err := drivers.CheckName(ref); err != nil {
		return v, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return v, err
	}
	defer s.end()
	s.sel = lvmcmd.Select{} // ref bears any name, and may have snapshots
	if err := s.look(ctx); err != nil {
		return v, err
	}
	if lv, ok := s.rep.LV(v.Name); ok && v.Name != ref {
		if s.whole(lv) && lv.Tags[tagAdopted] == ref {
			return s.found(lv), nil // the lost answer
		}
		if lv.Tags[tagState] != adopting {
			return v, fmt.Errorf("%w: a volume of this name is there", drivers.ErrExists)
		}
	}
	lv, ok := s.rep.LV(ref)
	if moved, there := s.rep.LV(v.Name); !ok && there {
		lv, ok = moved, true
	}
	if !ok {
		return v, drivers.ErrNotFound
	}
	if err := s.adoptable(lv, v); err != nil {
		return v, err
	}
	more := maps.Clone(v.Tags)
	if more == nil {
		more = map[string]string{}
	}
	more[tagAdopted] = ref
	if lv.Name != v.Name {
		if err := s.vg.Retag(ctx, lv.Name, s.tagsFor(idOf(v.Name), more, adopting), nil); err != nil {
			return v, err
		}
		if err := s.vg.Rename(ctx, lv.Name, v.Name); err != nil {
			return v, err
		}
	}
	if err := s.vg.Retag(ctx, v.Name, s.tagsFor(idOf(v.Name), more, ""), encode(map[string]string{tagState: adopting})); err != nil {
		return v, err
	}
	lv.Name, lv.Tags = v.Name, map[string]string{tagVolume: idOf(v.Name), tagCloud: s.cfg.CloudID, "clinker.flow": v.Tags["clinker.flow"]}
	return s.found(lv), nil
}

// adoptable refuses what can't be served as a volume.
func (s *step) adoptable(lv lvmcmd.LV, v drivers.Volume) error {
	resumed := lv.Tags[tagState] == adopting && lv.Tags[tagVolume] == idOf(v.Name)
	switch {
	case lv.Tags[tagVolume] != "" && !resumed:
		return fmt.Errorf("%w: it is a volume or a snapshot already", drivers.ErrExists)
	case lv.Hidden || lv.IsPool || lv.ThickSnapshot:
		return fmt.Errorf("%w: a pool, a snapshot or a part of another volume can't be taken in", drivers.ErrInvalid)
	case s.opts.thin && lv.Pool != s.opts.pool():
		return fmt.Errorf("%w: it is not in the thin pool %s", drivers.ErrInvalid, s.opts.pool())
	case !s.opts.thin && lv.Thin():
		return fmt.Errorf("%w: it is thin, and this backend's volumes are thick", drivers.ErrInvalid)
	case v.Size > 0 && lv.Size > int64(v.Size):
		return fmt.Errorf("%w: it has %d bytes, more than the %d of the volume", drivers.ErrInvalid, lv.Size, v.Size)
	case lv.Open:
		return withHint(fmt.Errorf("%w: it is open on its node", drivers.ErrBusy), heldBy(lv.Path))
	}
	if names := s.dependants(lv); len(names) > 0 {
		return fmt.Errorf("%w: it has snapshots", drivers.ErrBusy)
	}
	return nil
}

// Release takes our tags off. The logical volume keeps its name, which is returned.
func (d *Driver) Release(ctx context.Context, v drivers.Volume) (string, error) {
	ref, err := d.release(ctx, v)
	return ref, d.fail("release volume", v.Name, err)
}

func (d *Driver) release(ctx context.Context, v drivers.Volume) (string, error) {
	if err := checkVolume(v); err != nil {
		return "", err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return "", err
	}
	defer s.end()
	lv, ok := s.rep.LV(v.Name)
	if ok && lv.Tags[tagVolume] == "" {
		return lv.Name, nil // released before
	}
	if err := s.settle(ctx, idOf(v.Name)); err != nil {
		return "", err
	}
	if lv, err = s.volume(v.Name); err != nil {
		return "", err
	}
	if names := s.dependants(lv); len(names) > 0 {
		return "", fmt.Errorf("%w: it has snapshots; delete them first", drivers.ErrBusy)
	}
	if err := s.dropBases(ctx, idOf(v.Name), ""); err != nil {
		return "", err
	}
	return lv.Name, s.vg.Retag(ctx, lv.Name, nil, present(lv, tagCloud, tagVolume, tagAdopted, "clinker.flow"))
}
