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

// CloneVolume copies the source, its holes excepted: GlusterFS and NFS share no blocks between files that a program could rely
// on. The copy has one file, whatever chain the source has.
func (d *Driver) CloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	const op = "clone volume"
	if files.ID(v.Name) == files.ID(src.Name) && files.ID(v.Name) != "" {
		return v, d.fail(op, v.Name, nil, fmt.Errorf("%w: a volume can't be cloned to itself", drivers.ErrInvalid))
	}
	return d.copyOf(ctx, op, v, src, src.Name, func(k *disk) ([]link, error) { return k.chain, nil })
}

// CreateFromSnapshot copies what the snapshot holds.
func (d *Driver) CreateFromSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) (drivers.Volume, error) {
	const op = "create from snapshot"
	if err := d.checkSnapshot(s); err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	return d.copyOf(ctx, op, v, s.Volume, s.Name, func(k *disk) ([]link, error) {
		// One that is being deleted may have been written to.
		if k.snapshots[s.ID] == "" || k.step == stepDelete && k.of == s.ID {
			return nil, drivers.ErrNotFound
		}
		below := k.below(k.snapshots[s.ID])
		if len(below) == 0 {
			return nil, fmt.Errorf("%w: it is not in the chain of the volume's files", drivers.ErrUnavailable)
		}
		return below, nil
	})
}

// copyOf makes v of that part of of's chain which pick chooses.
func (d *Driver) copyOf(ctx context.Context, op string, v, of drivers.Volume, name string, pick func(*disk) ([]link, error)) (drivers.Volume, error) {
	if err := errors.Join(checkNew(v), check(of)); err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	src := &source{volume: of}
	switch p, err := d.find(ctx, of); {
	case err == nil:
		src.share = p.share.identity()
		p.Close()
	case !errors.Is(err, drivers.ErrNotFound):
		return v, d.fail(op, v.Name, nil, err)
	}
	ps, p, err := d.begin(ctx, v, src)
	if err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	defer ps.close()
	v, err = d.copyTo(ctx, p, v, src, name, pick)
	return v, d.fail(op, v.Name, p.share, err)
}

func (d *Driver) copyTo(ctx context.Context, p *place, v drivers.Volume, src *source, name string, pick func(*disk) ([]link, error)) (drivers.Volume, error) {
	// The same call again finds the copy made, whatever became of the source.
	if k, err := p.load(v.Name); err == nil && k.top().size == v.Size {
		return d.found(v, p), p.Sync()
	}
	if src.place == nil {
		return v, fmt.Errorf("source %s: %w", name, drivers.ErrNotFound)
	}
	k, err := src.place.load(src.volume.Name)
	if err != nil {
		return v, fmt.Errorf("source %s: %w", name, err)
	}
	chain, err := pick(k)
	if err != nil {
		return v, fmt.Errorf("source %s: %w", name, err)
	}
	if v.Size < chain[0].size {
		return v, fmt.Errorf("%w: size of %d bytes; the source %s has %d", drivers.ErrInvalid, v.Size, name, chain[0].size)
	}
	return d.build(ctx, p, v, func(part string) error { return d.fillFrom(ctx, p, part, v, src.place, chain) })
}

// fillFrom gives the empty file part the content of a chain and the size of v.
func (d *Driver) fillFrom(ctx context.Context, p *place, part string, v drivers.Volume, at *place, chain []link) error {
	from := chain[0]
	if from.format == raw && !d.opts.qcow2 {
		file, err := at.Open(from.file, unix.O_RDONLY)
		if err != nil {
			return err
		}
		defer file.Close()
		return p.change(part, func(f *os.File) error { return p.Fill(ctx, f, file, v.Size, d.thickFor(v)) })
	}
	need := at.taken(chain)
	if d.thickFor(v) {
		need = v.Size
	}
	if err := p.Room(need); err != nil {
		return err
	}
	if !d.opts.qcow2 {
		err := p.change(part, func(f *os.File) error { return d.allot(ctx, p, f, 0, v) })
		if err != nil {
			return err
		}
		return d.convert(ctx, p, from, at, part, raw, false)
	}
	if err := d.convert(ctx, p, from, at, part, qcow2, d.thickFor(v)); err != nil || v.Size == from.size {
		return err
	}
	return d.resize(ctx, p, part, v.Size, d.thickFor(v))
}

// taken is what the files of a chain take, at most what the disk can hold.
func (p *place) taken(chain []link) (sum drivers.Bytes) {
	for _, l := range chain {
		if st, err := p.Stat(l.file); err == nil {
			sum += drivers.Bytes(st.Blocks * files.StatBlock)
		}
	}
	return min(sum, chain[0].size)
}
