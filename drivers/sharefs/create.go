package sharefs

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// CreateVolume makes a file on the share with most room: raw and sparse, raw with all its blocks, or qcow2.
func (d *Driver) CreateVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	const op = "create volume"
	if err := checkNew(v); err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	ps, p, err := d.begin(ctx, v, nil)
	if err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	defer ps.close()
	v, err = d.build(ctx, p, v, func(part string) error { return d.blank(ctx, p, part, v) })
	return v, d.fail(op, v.Name, p.share, err)
}

// begin opens all shares, holds the new volume's lock on each of them, and chooses one: that which has the volume already, else the
// one with most room. Attempts of one create thereby don't make it on two shares. source, where there is one, is another volume's
// share and id, whose lock is shared with other readers.
//
// A share that is away is passed over. Should an attempt whose answer was lost have made the volume there, it is
// found when the share is back, as a volume without a row; creates that wait for every share would be worse.
func (d *Driver) begin(ctx context.Context, v drivers.Volume, source *source) (*places, *place, error) {
	ps, err := d.enterAll(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := d.claim(ctx, ps, v, source)
	if err != nil {
		ps.close()
		return nil, nil, err
	}
	return ps, p, nil
}

// source is what a copy is made of.
type source struct {
	volume drivers.Volume
	share  string // identity
	place  *place // set by begin
}

func (d *Driver) claim(ctx context.Context, ps *places, v drivers.Volume, src *source) (*place, error) {
	for _, p := range ps.open {
		claims := []drivers.Claim{{ID: files.ID(v.Name)}}
		if src != nil && src.share == p.share.identity() {
			src.place = p
			claims = append(claims, drivers.Claim{ID: files.ID(src.volume.Name), Shared: true})
		}
		if err := p.lock(ctx, claims...); err != nil {
			return nil, d.fail("lock volume", v.Name, p.share, err)
		}
	}
	var best *place
	most := drivers.Bytes(-1)
	for _, p := range ps.open {
		_, err := p.look(v.Name)
		if !errors.Is(err, drivers.ErrNotFound) {
			return p, nil // there already, or something that build will complain about
		}
		st, err := p.Statfs()
		if err != nil {
			return nil, d.fail("look at share", p.share.Address, p.share, err)
		}
		if free := files.Free(st); free > most && st.Flags&unix.ST_RDONLY == 0 {
			best, most = p, free
		}
	}
	if best == nil {
		return nil, unix.EROFS
	}
	return best, nil
}

// format is that of new volumes' files.
func (d *Driver) format() string {
	if d.opts.qcow2 {
		return qcow2
	}
	return raw
}

// blank makes the empty file part a disk of zeros.
func (d *Driver) blank(ctx context.Context, p *place, part string, v drivers.Volume) error {
	if d.opts.qcow2 {
		return d.makeQcow2(ctx, p, part, v.Size, d.thickFor(v))
	}
	return p.change(part, func(f *os.File) error { return d.allot(ctx, p, f, 0, v) })
}

// allot makes a raw file as long as v, with its blocks if it is to be thick.
func (d *Driver) allot(ctx context.Context, p *place, f *os.File, old drivers.Bytes, v drivers.Volume) error {
	if d.thickFor(v) {
		return p.Allocate(ctx, f, old, v.Size)
	}
	return f.Truncate(int64(v.Size))
}

// change opens a file for writing, and syncs it when do has succeeded.
func (p *place) change(name string, do func(*os.File) error) error {
	f, err := p.Open(name, unix.O_RDWR|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := do(f); err != nil {
		return err
	}
	return f.Sync()
}

// sync makes a file last that a program has written.
func (p *place) sync(name string) error { return p.change(name, func(*os.File) error { return nil }) }

// build fills a part and makes it the volume. The record goes first: a file without one is somebody else's, a record without
// a file is nothing. Whatever goes wrong before the last rename leaves nothing.
func (d *Driver) build(ctx context.Context, p *place, v drivers.Volume, fill func(part string) error) (drivers.Volume, error) {
	switch k, err := p.load(v.Name); {
	case err == nil && k.top().size == v.Size:
		return d.found(v, p), p.Sync() // the attempt that made it may have died before its own sync
	case err == nil:
		return v, d.failHint("create volume", v.Name,
			fmt.Sprintf("%s is in the way; Clinker never removes data that it did not make: look whose it is", p.path(v.Name)),
			drivers.ErrExists, "a volume of this name is there with %d bytes, %d are wanted", k.top().size, v.Size)
	case !errors.Is(err, drivers.ErrNotFound):
		return v, err
	}
	part := files.PartName(v.Name)
	// We have the volume's lock: a part that is there is of a step that died.
	if err := p.Unlink(part); err != nil {
		return v, err
	}
	f, err := p.Create(part)
	if err != nil {
		return v, err
	}
	f.Close()
	if err := d.fillAndPublish(ctx, p, v, part, fill); err != nil {
		return v, errors.Join(err, p.Unlink(part))
	}
	return d.found(v, p), nil
}

func (d *Driver) fillAndPublish(ctx context.Context, p *place, v drivers.Volume, part string, fill func(part string) error) error {
	if err := fill(part); err != nil {
		return err
	}
	if err := errors.Join(p.sync(part), ctx.Err()); err != nil {
		return err
	}
	r := &record{format: d.format(), active: v.Name, size: v.Size, tags: ownTags(v.Tags)}
	if err := p.writeRecord(v.Name, r); err != nil {
		return err
	}
	if err := p.Publish(part, v.Name); err != nil {
		return errors.Join(err, p.Unlink(infoName(v.Name)))
	}
	return nil
}
