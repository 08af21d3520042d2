package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// CreateVolume makes a file of v.Size bytes, sparse or preallocated.
func (d *Driver) CreateVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	const op = "create volume"
	if err := files.CheckNew(v); err != nil {
		return drivers.Volume{}, d.fail(op, v.Name, err)
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)})
	if err != nil {
		return drivers.Volume{}, d.fail(op, v.Name, err)
	}
	defer f.Close()
	v, err = d.build(ctx, f, v, func(part *os.File) error {
		if d.thickFor(v) {
			return f.Allocate(ctx, part, 0, v.Size)
		}
		return part.Truncate(int64(v.Size))
	})
	return v, d.fail(op, v.Name, err)
}

// build fills a part and makes it the volume. Whatever goes wrong before the rename leaves nothing. A volume that is there
// already is whole, so it is the answer to this call, too, if its size is right.
func (d *Driver) build(ctx context.Context, f *files.Folder, v drivers.Volume, fill func(part *os.File) error) (drivers.Volume, error) {
	switch st, err := f.Stat(v.Name); {
	case err == nil && st.Size == int64(v.Size):
		return d.found(v), f.Sync() // the attempt that made it may have died before its own sync
	case err == nil:
		return v, d.failHint("create volume", v.Name,
			fmt.Sprintf("%s/%s is in the way; Clinker never removes data that it did not make: look whose it is", d.path, v.Name),
			drivers.ErrExists, "a volume of this name is there with %d bytes, %d are wanted", st.Size, v.Size)
	case !errors.Is(err, drivers.ErrNotFound):
		return v, err
	}
	if err := d.write(ctx, f, v.Name, v.Tags, fill); err != nil {
		return v, err
	}
	return d.found(v), nil
}

// write makes the file name with what fill puts in. The caller has the volume's lock.
func (d *Driver) write(ctx context.Context, f *files.Folder, name string, tags map[string]string, fill func(part *os.File) error) error {
	part, err := d.writePart(ctx, f, name, tags, fill)
	if err != nil {
		return err
	}
	if err := f.Publish(part, name); err != nil {
		return errors.Join(err, f.Unlink(part))
	}
	return nil
}

// writePart is write up to the rename: the file is whole and synced under its hidden name.
func (d *Driver) writePart(ctx context.Context, f *files.Folder, name string, tags map[string]string, fill func(part *os.File) error) (string, error) {
	part := files.PartName(name)
	// We have the volume's lock: a part that is there is of a step that died.
	if err := f.Unlink(part); err != nil {
		return "", err
	}
	file, err := f.Create(part)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := fillAndSync(ctx, file, tags, fill); err != nil {
		return "", errors.Join(err, f.Unlink(part))
	}
	return part, nil
}

func fillAndSync(ctx context.Context, file *os.File, tags map[string]string, fill func(part *os.File) error) error {
	if err := fill(file); err != nil {
		return err
	}
	if err := files.SetTags(file, tags); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return ctx.Err()
}

// found fills in what the driver knows of a volume by itself.
func (d *Driver) found(v drivers.Volume) drivers.Volume {
	v.ID = files.ID(v.Name)
	v.Pool = d.cfg.Pool()
	return v
}
