package lvm

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// CreateSnapshot keeps what the volume holds now. A thin one takes no space of its own at first, a thick one a store as
// large as the volume at once.
func (d *Driver) CreateSnapshot(ctx context.Context, snap drivers.Snapshot) (drivers.Snapshot, error) {
	made, err := d.createSnapshot(ctx, snap)
	return made, d.fail("create snapshot", snap.Name, err)
}

func (d *Driver) createSnapshot(ctx context.Context, snap drivers.Snapshot) (drivers.Snapshot, error) {
	if err := checkSnapshot(snap); err != nil {
		return snap, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name)}, drivers.Claim{ID: idOf(snap.Name)})
	if err != nil {
		return snap, err
	}
	defer s.end()
	name := snapshotLV(snap.Name)
	if err := s.settle(ctx, idOf(snap.Volume.Name)); err != nil {
		return snap, err
	}
	lv, err := s.snapshot(snap)
	if err == nil && !lv.Invalid {
		return s.kept(snap, lv), nil
	}
	if err == nil {
		return snap, errOverflown
	}
	if !errors.Is(err, drivers.ErrNotFound) {
		return snap, err
	}
	if old, ok := s.rep.LV(name); ok {
		// lvcreate was killed before it made a snapshot of it: it holds nothing.
		if err := s.remove(ctx, old); err != nil {
			return snap, err
		}
	}
	origin, err := s.volume(snap.Volume.Name)
	if err != nil {
		return snap, err
	}
	if err := s.room(); err != nil {
		return snap, err
	}
	if err := s.takeSnapshot(ctx, origin, name, s.snapshotTags(snap, sizeOf(origin))); err != nil {
		s.undoSnapshot(ctx, name)
		return snap, err
	}
	if err := s.look(ctx); err != nil {
		return snap, err
	}
	if lv, err = s.snapshot(snap); err != nil {
		return snap, fmt.Errorf("%w: the snapshot that was made is not there", drivers.ErrUnavailable)
	}
	return s.kept(snap, lv), nil
}

// errOverflown is a thick snapshot whose store ran full, or whose tables can't be read: LVM gives up its bytes.
var errOverflown = withHint(fmt.Errorf("%w: the snapshot is lost: its store overflowed", drivers.ErrUnavailable), "delete the snapshot; nothing can bring it back")

func (d *Driver) snapshotTags(snap drivers.Snapshot, size drivers.Bytes) []string {
	return d.tagsFor(idOf(snap.Volume.Name), map[string]string{
		tagSnapshot: idOf(snap.Name), tagSize: number(int64(size)), "clinker.flow": snap.Volume.Tags["clinker.flow"],
	}, "")
}

// takeSnapshot makes one of either kind.
func (s *step) takeSnapshot(ctx context.Context, origin lvmcmd.LV, name string, tags []string) error {
	if origin.Thin() {
		return s.vg.SnapshotThin(ctx, origin.Name, name, tags)
	}
	return s.vg.SnapshotThick(ctx, origin.Name, name, storeSize(origin.Size), 0, tags)
}

// storeSize is what a thick snapshot may need at most: every 4 KiB of the volume, 16 bytes of table for each, and a little
// (Linux, drivers/md/dm-snap-persistent.c). LVM rounds it, and takes off what is too much.
func storeSize(size int64) int64 { return size + size/256 + 8<<20 }

// undoSnapshot removes what a failed or cancelled attempt made; the caller saw that nothing was there before.
func (s *step) undoSnapshot(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err := s.look(ctx)
	if lv, ok := s.rep.LV(name); err == nil && ok && s.ours(lv) {
		err = s.discard(ctx, lv, s.clearStore(lv))
	}
	if err != nil {
		s.log.Warn("what a failed step left is not removed yet", "snapshot", name, "error", err)
	}
}

// snapshot finds one of ours.
func (s *step) snapshot(snap drivers.Snapshot) (lvmcmd.LV, error) {
	name := snapshotLV(snap.Name)
	lv, ok := s.rep.LV(name)
	switch {
	case !ok || lv.Hidden:
		return lv, drivers.ErrNotFound
	case !s.ours(lv) || lv.Tags[tagSnapshot] == "":
		return lv, s.foreign(name, drivers.ErrUnavailable)
	case lv.Tags[tagState] != "", !lv.Thin() && !lv.ThickSnapshot:
		return lv, drivers.ErrNotFound
	}
	return lv, nil
}

// kept describes a snapshot. Its location tells one from a later one of the same name: what changed since is asked by it.
func (d *Driver) kept(snap drivers.Snapshot, lv lvmcmd.LV) drivers.Snapshot {
	snap.ID = lv.Tags[tagSnapshot]
	snap.Location = location(lv)
	return snap
}

func location(lv lvmcmd.LV) string { return fmt.Sprintf("%s %d", lv.UUID, lv.ThinID) }

// DeleteSnapshot removes a snapshot; what the store of a thick one holds of its origin is wiped.
func (d *Driver) DeleteSnapshot(ctx context.Context, snap drivers.Snapshot) error {
	return d.fail("delete snapshot", snap.Name, d.deleteSnapshot(ctx, snap))
}

func (d *Driver) deleteSnapshot(ctx context.Context, snap drivers.Snapshot) error {
	if err := checkSnapshot(snap); err != nil {
		return err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(snap.Volume.Name)}, drivers.Claim{ID: idOf(snap.Name)})
	if err != nil {
		return err
	}
	defer s.end()
	if err := s.settle(ctx, idOf(snap.Volume.Name)); err != nil {
		return err
	}
	lv, ok := s.rep.LV(snapshotLV(snap.Name))
	if !ok {
		return nil
	}
	if !s.ours(lv) || lv.Tags[tagSnapshot] == "" {
		return s.foreign(lv.Name, drivers.ErrUnavailable)
	}
	return s.discard(ctx, lv, s.clearStore(lv))
}

// clearStore is how much of a snapshot is cleared.
func (d *Driver) clearStore(lv lvmcmd.LV) int64 {
	if !lv.ThickSnapshot {
		return d.clearLength(lv.Size)
	}
	return d.clearLength(storeLength(lv))
}
