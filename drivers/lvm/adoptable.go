package lvm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// Adoptables lists the group's logical volumes: those that could be managed, those that can't be with the reason, and ours.
func (d *Driver) Adoptables(ctx context.Context) iter.Seq2[drivers.Adoptable, error] {
	return d.adoptables(ctx, false)
}

// AdoptableSnapshots lists the snapshots in the group.
func (d *Driver) AdoptableSnapshots(ctx context.Context) iter.Seq2[drivers.Adoptable, error] {
	return d.adoptables(ctx, true)
}

func (d *Driver) adoptables(ctx context.Context, snapshots bool) iter.Seq2[drivers.Adoptable, error] {
	return func(yield func(drivers.Adoptable, error) bool) {
		rep, err := d.reportAll(ctx)
		if err != nil {
			yield(drivers.Adoptable{}, d.fail("list what can be adopted", "", err))
			return
		}
		s := &step{Driver: d, rep: rep}
		for _, lv := range rep.LVs {
			if lv.Hidden || lv.IsPool || isBase(lv) || isSnapshot(lv) != snapshots {
				continue
			}
			if !yield(s.describe(lv), nil) {
				return
			}
		}
	}
}

// isSnapshot tells a snapshot from a volume; a clone is LVM's thin snapshot too, but one with the tags of a volume.
func isSnapshot(lv lvmcmd.LV) bool {
	if lv.Tags[tagVolume] != "" {
		return lv.Tags[tagSnapshot] != ""
	}
	return lv.Origin != ""
}

// describe describes one of them.
func (s *step) describe(lv lvmcmd.LV) drivers.Adoptable {
	item := drivers.Adoptable{Ref: lv.Name, Size: drivers.Bytes(lv.Size), SourceRef: lv.Origin}
	var err error
	switch {
	case lv.Tags[tagVolume] != "" && isSnapshot(lv):
		item.ID, item.Size, item.Reason = lv.Tags[tagSnapshot], snapshotSize(lv), "is managed already"
	case lv.Tags[tagVolume] != "":
		item.ID, item.Reason = lv.Tags[tagVolume], "is managed already"
	case isSnapshot(lv):
		err = s.adoptableSnapshot(lv)
		if origin, ok := s.rep.LV(lv.Origin); ok && lv.ThickSnapshot {
			item.Size = drivers.Bytes(origin.Size)
		}
	default:
		err = s.adoptable(lv, drivers.Volume{})
	}
	if err != nil {
		item.Reason = err.Error()
	}
	return item
}

// adoptableSnapshot refuses snapshots that can't be served.
func (s *step) adoptableSnapshot(lv lvmcmd.LV) error {
	origin, ok := s.rep.LV(lv.Origin)
	switch {
	case !ok || !s.whole(origin):
		return fmt.Errorf("%w: its origin %s is not managed", drivers.ErrInvalid, lv.Origin)
	case lv.Invalid:
		return errOverflown
	case lv.Open:
		return withHint(fmt.Errorf("%w: it is open on its node", drivers.ErrBusy), heldBy(lv.Path))
	}
	return nil
}

// AdoptSnapshot makes the snapshot called ref, which LVM knows as one of the volume's, the snapshot snap.
func (d *Driver) AdoptSnapshot(ctx context.Context, snap drivers.Snapshot, ref string) (drivers.Snapshot, error) {
	made, err := d.adoptSnapshot(ctx, snap, ref)
	return made, d.fail("adopt snapshot", snap.Name, err)
}

func (d *Driver) adoptSnapshot(ctx context.Context, snap drivers.Snapshot, ref string) (drivers.Snapshot, error) {
	if err := errors.Join(checkSnapshot(snap), drivers.CheckName(ref)); err != nil {
		return snap, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name)}, drivers.Claim{ID: idOf(snap.Name)})
	if err != nil {
		return snap, err
	}
	defer s.end()
	s.sel = lvmcmd.Select{}
	if err := s.look(ctx); err != nil {
		return snap, err
	}
	name := snapshotLV(snap.Name)
	if lv, err := s.snapshot(snap); err == nil {
		if lv.Tags[tagAdopted] == ref {
			return s.kept(snap, lv), nil // the lost answer
		}
		return snap, fmt.Errorf("%w: a snapshot of this name is there", drivers.ErrExists)
	}
	lv, ok := s.rep.LV(ref)
	switch {
	case !ok || lv.Hidden:
		return snap, drivers.ErrNotFound
	case lv.Tags[tagVolume] != "" && lv.Tags[tagSnapshot] != idOf(snap.Name):
		return snap, fmt.Errorf("%w: it is a volume or a snapshot already", drivers.ErrExists)
	case !isSnapshot(lv) || lv.Origin != snap.Volume.Name:
		return snap, fmt.Errorf("%w: it is no snapshot of this volume", drivers.ErrInvalid)
	}
	if err := s.adoptableSnapshot(lv); err != nil {
		return snap, err
	}
	// Killed before the rename, it is found by ref again, with the tags of this snapshot.
	size := lv.Size
	if origin, ok := s.rep.LV(lv.Origin); ok && lv.ThickSnapshot {
		size = origin.Size
	}
	tags := map[string]string{tagSnapshot: idOf(snap.Name), tagSize: number(size), tagAdopted: ref}
	if err := s.vg.Retag(ctx, lv.Name, s.tagsFor(idOf(snap.Volume.Name), tags, ""), nil); err != nil {
		return snap, err
	}
	if lv.Name != name {
		if err := s.vg.Rename(ctx, lv.Name, name); err != nil {
			return snap, errors.Join(err, s.untag(ctx, lv.Name, tags, idOf(snap.Volume.Name)))
		}
	}
	lv.Name, lv.Tags = name, maps.Clone(tags)
	lv.Tags[tagVolume] = idOf(snap.Volume.Name)
	return s.kept(snap, lv), nil
}

// untag gives a logical volume back that could not be taken in.
func (s *step) untag(ctx context.Context, name string, tags map[string]string, volume string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	return s.vg.Retag(ctx, name, nil, s.tagsFor(volume, tags, ""))
}

// ReleaseSnapshot takes our tags off. The snapshot keeps its name, which is returned.
func (d *Driver) ReleaseSnapshot(ctx context.Context, snap drivers.Snapshot) (string, error) {
	ref, err := d.releaseSnapshot(ctx, snap)
	return ref, d.fail("release snapshot", snap.Name, err)
}

func (d *Driver) releaseSnapshot(ctx context.Context, snap drivers.Snapshot) (string, error) {
	if err := checkSnapshot(snap); err != nil {
		return "", err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name)}, drivers.Claim{ID: idOf(snap.Name)})
	if err != nil {
		return "", err
	}
	defer s.end()
	if err := s.settle(ctx, idOf(snap.Volume.Name)); err != nil {
		return "", err
	}
	lv, ok := s.rep.LV(snapshotLV(snap.Name))
	if ok && lv.Tags[tagVolume] == "" {
		return lv.Name, nil // released before
	}
	if lv, err = s.snapshot(snap); err != nil {
		return "", err
	}
	return lv.Name, s.vg.Retag(ctx, lv.Name, nil, present(lv, tagCloud, tagVolume, tagSnapshot, tagSize, tagAdopted, "clinker.flow"))
}
