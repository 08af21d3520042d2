package sharefs

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/qcow"
	"github.com/clinker-storage/clinker/models"
)

// FindVolume looks for the record that bears the id, on every share.
func (d *Driver) FindVolume(ctx context.Context, id string) (drivers.Volume, error) {
	const op = "find volume"
	if files.ID(id) != id || id == "" {
		return drivers.Volume{}, d.fail(op, id, nil, drivers.ErrNotFound) // no volume can have it
	}
	ps, err := d.enterAll(ctx)
	if err != nil {
		return drivers.Volume{}, d.fail(op, id, nil, err)
	}
	defer ps.close()
	for _, p := range ps.open {
		v, err := d.findOn(ctx, p, id)
		if !errors.Is(err, drivers.ErrNotFound) {
			return v, d.fail(op, id, p.share, err)
		}
	}
	if err := ps.missing(); err != nil {
		return drivers.Volume{}, err
	}
	return drivers.Volume{}, d.fail(op, id, nil, drivers.ErrNotFound)
}

func (d *Driver) findOn(ctx context.Context, p *place, id string) (drivers.Volume, error) {
	// The lock waits for a step that still makes the volume.
	if err := p.lock(ctx, drivers.Claim{ID: id, Shared: true}); err != nil {
		return drivers.Volume{}, err
	}
	// Who asks goes by the answer, so it must outlast a power cut, whatever became of the attempt that made the volume.
	if err := p.Sync(); err != nil {
		return drivers.Volume{}, err
	}
	if v, err := d.describe(p, "volume-"+id); !errors.Is(err, drivers.ErrNotFound) && !errors.Is(err, errForeign) {
		return v, err // the usual template: no need to read the whole folder
	}
	for name, err := range p.Names(ctx) {
		if err != nil {
			return drivers.Volume{}, err
		}
		if volume, ok := ofInfo(name); ok && files.ID(volume) == id {
			if v, err := d.describe(p, volume); !errors.Is(err, errForeign) {
				return v, err
			}
		}
	}
	return drivers.Volume{}, drivers.ErrNotFound
}

// ofInfo returns the name of the volume that an info file belongs to.
func ofInfo(name string) (volume string, ok bool) {
	volume, ok = strings.CutSuffix(name, infoSuffix)
	return volume, ok && files.ID(volume) != "" && drivers.CheckName(volume) == nil
}

// describe tells a volume from its record and its active file. One whose files are damaged is told with the
// size of the record: it must be seen, and can be deleted.
func (d *Driver) describe(p *place, name string) (drivers.Volume, error) {
	k, err := p.look(name)
	if err != nil {
		return drivers.Volume{}, err
	}
	l, _, err := p.link(k.active, k.formatOf(name, k.active))
	lost := errors.Is(err, drivers.ErrNotFound) && k.active != name
	switch {
	case lost, errors.Is(err, qcow.ErrHeader), errors.Is(err, errSplitBrain):
		l.size = k.size
	case err != nil:
		return drivers.Volume{}, err
	}
	return d.found(drivers.Volume{Name: name, Size: l.size, Tags: k.tags}, p), nil
}

// Volumes lists the records that have their file. A volume with a damaged record is in the list, with the size of its first file: that
// it is there is certain, and what is known of the others must not depend on it. Every step on it fails and names the record.
func (d *Driver) Volumes(ctx context.Context) iter.Seq2[drivers.Volume, error] {
	const op = "list volumes"
	return func(yield func(drivers.Volume, error) bool) {
		ps, err := d.enterAll(ctx)
		if err != nil {
			yield(drivers.Volume{}, d.fail(op, "", nil, err))
			return
		}
		defer ps.close()
		if err := ps.missing(); err != nil {
			yield(drivers.Volume{}, err)
			return
		}
		for _, p := range ps.open {
			if !d.list(ctx, p, func(v drivers.Volume, err error) bool { return yield(v, d.fail(op, v.Name, p.share, err)) }) {
				return
			}
		}
	}
}

func (d *Driver) list(ctx context.Context, p *place, yield func(drivers.Volume, error) bool) bool {
	for name, err := range p.Names(ctx) {
		if err != nil {
			yield(drivers.Volume{}, err)
			return false
		}
		volume, ok := ofInfo(name)
		if !ok {
			continue
		}
		v, err := d.describe(p, volume)
		if errors.Is(err, drivers.ErrNotFound) || errors.Is(err, errForeign) {
			continue // deleted since the folder was read, half made, or Cinder's
		}
		if errors.Is(err, errDamaged) {
			d.log.Warn("a volume's record is damaged", "volume", volume, "error", err)
			v = d.found(drivers.Volume{Name: volume}, p)
			if v.Size, err = p.stat(volume); errors.Is(err, drivers.ErrNotFound) {
				continue // and nothing is there that it could tell of
			}
		}
		if !yield(v, err) || err != nil {
			return false
		}
	}
	return true
}

// Source is the active file. Its whole chain is looked at before anybody opens it (data-safety rule 9); it waits for a step
// that works on the volume, so that nobody is sent to a file that is about to be merged.
func (d *Driver) Source(ctx context.Context, v drivers.Volume) (src drivers.Source, err error) {
	err = d.reading(ctx, "find source of volume", v, func(p *place, k *disk) { src = p.source(k) })
	return src, err
}

func (p *place) source(k *disk) drivers.Source {
	return drivers.Source{Path: p.path(k.active), Format: k.top().format, ZeroFilled: true}
}

// HoldVolume is Source under the volume's lock.
func (d *Driver) HoldVolume(ctx context.Context, v drivers.Volume, shared bool) (drivers.Source, func(), error) {
	const op = "hold volume"
	p, k, err := d.lockedRead(ctx, op, v, shared)
	if err != nil {
		return drivers.Source{}, nil, err
	}
	if !shared { // who writes beside a guest would corrupt the volume
		if err := d.idle(p, k); err != nil {
			p.Close()
			return drivers.Source{}, nil, d.fail(op, v.Name, p.share, err)
		}
	}
	return p.source(k), func() { p.Close() }, nil
}

// LocateFile tells hosts that mount the share themselves where the active file is, with the mount options that they need too.
func (d *Driver) LocateFile(ctx context.Context, v drivers.Volume) (at models.FileLocation, err error) {
	err = d.reading(ctx, "locate file of volume", v, func(p *place, k *disk) {
		at = models.FileLocation{
			Type: d.kind.FSType, Export: p.share.Address, Name: k.active, Options: p.share.Options, Format: k.top().format, MountPointBase: d.opts.base,
		}
	})
	return at, err
}

// reading shows a volume, with its lock shared.
func (d *Driver) reading(ctx context.Context, op string, v drivers.Volume, show func(p *place, k *disk)) error {
	p, k, err := d.lockedRead(ctx, op, v, true)
	if err != nil {
		return err
	}
	defer p.Close()
	show(p, k)
	return nil
}

// lockedRead finds a volume and takes its lock, which is held until the place is closed.
func (d *Driver) lockedRead(ctx context.Context, op string, v drivers.Volume, shared bool) (*place, *disk, error) {
	if err := check(v); err != nil {
		return nil, nil, d.fail(op, v.Name, nil, err)
	}
	p, err := d.find(ctx, v)
	if err != nil {
		return nil, nil, d.fail(op, v.Name, nil, err)
	}
	err = p.lock(ctx, drivers.Claim{ID: files.ID(v.Name), Shared: shared})
	if err == nil {
		var k *disk
		if k, err = p.load(v.Name); err == nil {
			return p, k, nil
		}
	}
	p.Close()
	return nil, nil, d.fail(op, v.Name, p.share, owned(err))
}
