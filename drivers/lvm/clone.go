package lvm

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// CloneVolume makes v with the content of src: a thin one at once, as a snapshot of it; a thick one by a copy from a temporary
// snapshot, so that a guest may be at work on src.
func (d *Driver) CloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	made, err := d.cloneVolume(ctx, v, src)
	return made, d.fail("clone volume", v.Name, err)
}

func (d *Driver) cloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	if err := errors.Join(d.checkNew(v), checkVolume(src)); err != nil {
		return v, err
	}
	if idOf(v.Name) == idOf(src.Name) {
		return v, fmt.Errorf("%w: a volume can't be cloned to itself", drivers.ErrInvalid)
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)}, drivers.Claim{ID: idOf(src.Name), Shared: true})
	if err != nil {
		return v, err
	}
	defer s.end()
	if lv, ok := s.rep.LV(v.Name); ok && s.whole(lv) {
		return s.build(ctx, v, nil) // the lost answer: source or no source
	}
	from, err := s.volume(src.Name)
	if err != nil {
		return v, fmt.Errorf("source %s: %w", src.Name, err)
	}
	if v.Size < sizeOf(from) {
		return v, fmt.Errorf("%w: size of %d bytes; the source has %d", drivers.ErrInvalid, v.Size, sizeOf(from))
	}
	return s.build(ctx, v, func(ctx context.Context) error {
		if s.opts.thin {
			return s.thinCopy(ctx, v, from, sizeOf(from))
		}
		return s.thick(ctx, v, copying, func(to lvmcmd.LV) error {
			return s.copyLive(ctx, to, from)
		})
	})
}

// CreateFromSnapshot makes v with the content of a snapshot.
func (d *Driver) CreateFromSnapshot(ctx context.Context, v drivers.Volume, snap drivers.Snapshot) (drivers.Volume, error) {
	made, err := d.createFromSnapshot(ctx, v, snap)
	return made, d.fail("create from snapshot", v.Name, err)
}

func (d *Driver) createFromSnapshot(ctx context.Context, v drivers.Volume, snap drivers.Snapshot) (drivers.Volume, error) {
	if err := errors.Join(d.checkNew(v), checkSnapshot(snap)); err != nil {
		return v, err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)},
		drivers.Claim{ID: idOf(snap.Volume.Name), Shared: true}, drivers.Claim{ID: idOf(snap.Name), Shared: true})
	if err != nil {
		return v, err
	}
	defer s.end()
	if lv, ok := s.rep.LV(v.Name); ok && s.whole(lv) {
		return s.build(ctx, v, nil)
	}
	from, err := s.snapshot(snap)
	if err != nil {
		return v, fmt.Errorf("snapshot %s: %w", snap.Name, err)
	}
	if from.Invalid {
		return v, errOverflown
	}
	size := snapshotSize(from)
	if v.Size < size {
		return v, fmt.Errorf("%w: size of %d bytes; the snapshot has %d", drivers.ErrInvalid, v.Size, size)
	}
	return s.build(ctx, v, func(ctx context.Context) error {
		if s.opts.thin {
			return s.thinCopy(ctx, v, from, size)
		}
		return s.thick(ctx, v, copying, func(to lvmcmd.LV) error {
			return s.copyFrom(ctx, to, from, int64(size))
		})
	})
}

// thinCopy makes v as a snapshot of a thin volume; it is shown once it has its size.
func (s *step) thinCopy(ctx context.Context, v drivers.Volume, from lvmcmd.LV, size drivers.Bytes) error {
	state := ""
	if s.rounded(v.Size) != size {
		state = building
	}
	tags := s.tagsFor(idOf(v.Name), v.Tags, state)
	if err := s.vg.SnapshotThin(ctx, from.Name, v.Name, tags); err != nil || state == "" {
		return err
	}
	if err := s.vg.Extend(ctx, v.Name, int64(s.rounded(v.Size))); err != nil {
		return err
	}
	return s.vg.Retag(ctx, v.Name, nil, encode(map[string]string{tagState: state}))
}

// copyFrom copies a device that does not change, and blanks the rest.
func (s *step) copyFrom(ctx context.Context, to, from lvmcmd.LV, size int64) error {
	if !from.Active {
		if err := s.vg.Activate(ctx, from.Name); err != nil {
			return err
		}
	}
	if err := copyDevice(ctx, to.Path, from.Path, size, s.pace); err != nil {
		return s.holding(to, err)
	}
	return s.blank(ctx, to, size)
}

// copyChunk is how a temporary snapshot is divided: the kernel reads one chunk at a time, and with LVM's 4 KiB that takes longer than the copy.
// What the guest writes meanwhile is kept in pieces of that size.
const copyChunk = 64 << 10

// copyLive copies a volume from a temporary snapshot. Its store is as large as what may be written meanwhile at most, or as
// what is left; if that overflows, the clone fails.
func (s *step) copyLive(ctx context.Context, to, from lvmcmd.LV) (err error) {
	id := from.Tags[tagVolume]
	name := "_clone-" + to.Name
	if old, ok := s.rep.LV(name); ok && s.ours(old) {
		if err := s.discard(ctx, old, s.clearStore(old)); err != nil {
			return err
		}
	}
	store := min(storeSize(from.Size), s.rep.VG.Free)
	if err := s.vg.SnapshotThick(ctx, from.Name, name, store, copyChunk, s.tagsFor(id, nil, temporary)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.dropTemporary(ctx, name)) }()
	snap := s.fresh(name, drivers.Bytes(from.Size), temporary)
	if err := s.copyFrom(ctx, to, snap, int64(sizeOf(from))); err != nil {
		return s.overflow(ctx, name, err)
	}
	return nil
}

// overflow tells a copy that failed because its temporary snapshot overflowed, which gives read errors, from others.
func (s *step) overflow(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := s.look(ctx); e != nil {
		return errors.Join(err, e)
	}
	if snap, ok := s.rep.LV(name); ok && snap.Invalid {
		return withHint(fmt.Errorf("%w: the temporary snapshot overflowed while the source was written", drivers.ErrNoSpace),
			"free as much of the volume group as the source's size, or clone while its guest is quiet")
	}
	return err
}

// dropTemporary removes the snapshot that a copy read from, also after the copy was cancelled: it slows down its origin.
func (s *step) dropTemporary(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	if err := s.look(ctx); err != nil {
		return err
	}
	snap, ok := s.rep.LV(name)
	if !ok {
		return nil
	}
	return s.discard(ctx, snap, s.clearStore(snap))
}
