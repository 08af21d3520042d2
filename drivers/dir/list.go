package dir

import (
	"context"
	"errors"
	"iter"
	"path/filepath"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// FindVolume looks for the file that bears the id.
func (d *Driver) FindVolume(ctx context.Context, id string) (drivers.Volume, error) {
	v, err := d.findVolume(ctx, id)
	return v, d.fail("find volume", id, err)
}

func (d *Driver) findVolume(ctx context.Context, id string) (drivers.Volume, error) {
	if files.ID(id) != id || id == "" {
		return drivers.Volume{}, drivers.ErrNotFound // no volume can have it
	}
	// The lock waits for a step that still makes the volume.
	f, err := d.begin(ctx, drivers.Claim{ID: id, Shared: true})
	if err != nil {
		return drivers.Volume{}, err
	}
	defer f.Close()
	// Who asks goes by the answer, so it must outlast a power cut, whatever became of the attempt that made the volume.
	if err := f.Sync(); err != nil {
		return drivers.Volume{}, err
	}
	// The usual name first: looking through a large folder takes milliseconds.
	v, err := d.stat(f, "volume-"+id)
	if !errors.Is(err, drivers.ErrNotFound) {
		return v, err
	}
	for name, err := range f.Names(ctx) {
		if err != nil {
			return drivers.Volume{}, err
		}
		if files.ID(name) == id {
			return d.stat(f, name)
		}
	}
	return drivers.Volume{}, drivers.ErrNotFound
}

// stat describes one volume.
func (d *Driver) stat(f *files.Folder, name string) (drivers.Volume, error) {
	st, err := f.Stat(name)
	if err != nil {
		return drivers.Volume{}, err
	}
	return d.found(drivers.Volume{Name: name, Size: drivers.Bytes(st.Size), Tags: f.Tags(name)}), nil
}

// Volumes lists the plain files that bear a uuid.
func (d *Driver) Volumes(ctx context.Context) iter.Seq2[drivers.Volume, error] {
	const op = "list volumes"
	return func(yield func(drivers.Volume, error) bool) {
		f, err := d.open(ctx)
		if err != nil {
			yield(drivers.Volume{}, d.fail(op, "", err))
			return
		}
		defer f.Close()
		for name, err := range f.Names(ctx) {
			if err != nil {
				yield(drivers.Volume{}, d.fail(op, "", err))
				return
			}
			if files.ID(name) == "" {
				continue
			}
			v, err := d.stat(f, name)
			if errors.Is(err, drivers.ErrNotFound) || errors.Is(err, files.ErrNoFile) {
				continue // deleted since the folder was read, or never a volume
			}
			if !yield(v, d.fail(op, name, err)) || err != nil {
				return
			}
		}
	}
}

// Source is the file itself: raw, and every block never written reads as zeros.
func (d *Driver) Source(ctx context.Context, v drivers.Volume) (drivers.Source, error) {
	const op = "find source of volume"
	if err := files.Check(v); err != nil {
		return drivers.Source{}, d.fail(op, v.Name, err)
	}
	f, err := d.open(ctx)
	if err != nil {
		return drivers.Source{}, d.fail(op, v.Name, err)
	}
	defer f.Close()
	src, err := d.source(f, v)
	return src, d.fail(op, v.Name, err)
}

func (d *Driver) source(f *files.Folder, v drivers.Volume) (drivers.Source, error) {
	if _, err := f.Stat(v.Name); err != nil {
		return drivers.Source{}, err
	}
	return drivers.Source{Path: filepath.Join(d.path, v.Name), Format: "raw", ZeroFilled: true}, nil
}

// HoldVolume is Source under the volume's lock.
func (d *Driver) HoldVolume(ctx context.Context, v drivers.Volume, shared bool) (drivers.Source, func(), error) {
	const op = "hold volume"
	if err := files.Check(v); err != nil {
		return drivers.Source{}, nil, d.fail(op, v.Name, err)
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name), Shared: shared})
	if err != nil {
		return drivers.Source{}, nil, d.fail(op, v.Name, err)
	}
	src, err := d.source(f, v)
	if err != nil {
		f.Close()
		return drivers.Source{}, nil, d.fail(op, v.Name, err)
	}
	return src, func() { f.Close() }, nil
}
