package sharefs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// step finds v's share, holds v's lock, finishes or undoes what a killed step left, and runs do.
func (d *Driver) step(ctx context.Context, op string, v drivers.Volume, resource string, do func(p *place) error) error {
	if err := check(v); err != nil {
		return d.fail(op, resource, nil, err)
	}
	p, err := d.find(ctx, v)
	if err != nil {
		return d.fail(op, resource, nil, err)
	}
	defer p.Close()
	if err := p.lock(ctx, drivers.Claim{ID: files.ID(v.Name)}); err != nil {
		return d.fail(op, resource, p.share, err)
	}
	if err := d.recover(ctx, p, v.Name); err != nil {
		return d.fail("finish an earlier step on volume", v.Name, p.share, err)
	}
	return d.fail(op, resource, p.share, owned(do(p)))
}

// owned says of a foreign file, where it can't be in the way of anything new, that it needs a person.
func owned(err error) error {
	if errors.Is(err, errForeign) {
		return errUnowned
	}
	return err
}

var errUnowned = fmt.Errorf("%w: its file was not made by Clinker and was not adopted", drivers.ErrUnavailable)

// idle answers ErrBusy when a hypervisor, on any node, writes the volume.
func (d *Driver) idle(p *place, k *disk) error {
	used, err := p.QemuWrites(k.active)
	if err != nil || !used {
		return err
	}
	return &drivers.Error{
		Op: "look who uses volume", Driver: d.kind.Name, Resource: k.name, Err: errInUse,
		Hint: fmt.Sprintf("a guest writes %s: detach the volume or stop the guest, then `clinker flow retry <flow>`", p.path(k.active)),
	}
}

// DeleteVolume removes the file, then its record. Where the volume's share is not known it is looked for on each, with
// its lock held there, so that a create that still runs is waited for.
func (d *Driver) DeleteVolume(ctx context.Context, v drivers.Volume) error {
	const op = "delete volume"
	if err := check(v); err != nil {
		return d.fail(op, v.Name, nil, err)
	}
	ps, err := d.enterAll(ctx)
	if err != nil {
		return d.fail(op, v.Name, nil, err)
	}
	defer ps.close()
	known, err := d.located(v.Location, ps)
	if err != nil {
		return d.fail(op, v.Name, nil, err)
	}
	for _, p := range ps.open {
		if known != nil && known != p {
			continue
		}
		if err := d.deleteOn(ctx, p, v); err != nil {
			return d.fail(op, v.Name, p.share, err)
		}
	}
	if known == nil {
		return ps.missing()
	}
	return nil
}

func (d *Driver) deleteOn(ctx context.Context, p *place, v drivers.Volume) error {
	if err := p.lock(ctx, drivers.Claim{ID: files.ID(v.Name)}); err != nil {
		return err
	}
	if err := d.recover(ctx, p, v.Name); err != nil {
		return err
	}
	return owned(d.deleteVolume(p, v))
}

func (d *Driver) deleteVolume(p *place, v drivers.Volume) error {
	if err := errors.Join(p.Unlink(files.PartName(v.Name)), p.Unlink(files.PartName(infoName(v.Name)))); err != nil {
		return err
	}
	k, err := p.look(v.Name)
	switch {
	case errors.Is(err, drivers.ErrNotFound):
		if err := p.Unlink(infoName(v.Name)); err != nil { // look makes sure that it is ours
			return err
		}
		return p.Sync()
	case err != nil:
		return err
	case len(k.snapshots) > 0:
		ids := slices.Sorted(maps.Keys(k.snapshots))
		return fmt.Errorf("%w: it has snapshots: %s", drivers.ErrBusy, strings.Join(ids, ", "))
	case k.active != v.Name:
		return fmt.Errorf("%w: its record names %s as the active file, but no snapshot that made it", drivers.ErrUnavailable, k.active)
	}
	if err := d.idle(p, k); err != nil {
		return err
	}
	if err := p.Unlink(v.Name); err != nil {
		return err
	}
	if err := p.Unlink(infoName(v.Name)); err != nil {
		return err
	}
	return p.Sync()
}

// ExtendVolume makes the active file larger; a thick raw one gets its blocks first.
func (d *Driver) ExtendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	return d.step(ctx, "extend volume", v, v.Name, func(p *place) error {
		k, err := p.load(v.Name)
		if err != nil {
			return err
		}
		if k.top().size < size {
			if err := d.growable(p, k); err != nil {
				return err
			}
			if err := d.grow(ctx, p, k, v, size); err != nil {
				return err
			}
		}
		if err := p.sync(k.active); err != nil || k.size == max(size, k.top().size) {
			return err
		}
		k.size = max(size, k.top().size)
		return p.writeRecord(v.Name, k.record)
	})
}

// growable refuses an image that a hypervisor writes: what it keeps in its header is that one's alone (data-safety rule 6). A raw file just gets
// longer under its guest.
func (d *Driver) growable(p *place, k *disk) error {
	if k.top().format != qcow2 {
		return nil
	}
	err := d.idle(p, k)
	if !errors.Is(err, errInUse) {
		return err
	}
	return &drivers.Error{
		Op: "extend volume", Driver: d.kind.Name, Resource: k.name, Err: fmt.Errorf("%w: a guest writes its qcow2 image", drivers.ErrNotSupported),
		Hint: "detach the volume, extend it and attach it again",
	}
}

func (d *Driver) grow(ctx context.Context, p *place, k *disk, v drivers.Volume, size drivers.Bytes) error {
	top := k.top()
	if top.format == qcow2 {
		if d.thickFor(v) {
			if err := p.Room(size - top.size); err != nil {
				return err
			}
		}
		return d.resize(ctx, p, top.file, size, d.thickFor(v))
	}
	v.Size = size
	return p.change(top.file, func(f *os.File) error {
		err := d.allot(ctx, p, f, top.size, v)
		if err != nil {
			// Gives back the blocks beyond the end that were got so far.
			err = errors.Join(err, f.Truncate(int64(top.size)))
		}
		return err
	})
}
