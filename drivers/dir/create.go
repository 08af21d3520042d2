package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// CreateVolume makes a file of v.Size bytes, sparse or preallocated.
func (d *Driver) CreateVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	const op = "create volume"
	if err := checkNew(v); err != nil {
		return drivers.Volume{}, d.fail(op, v.Name, err)
	}
	f, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return drivers.Volume{}, d.fail(op, v.Name, err)
	}
	defer f.Close()
	v, err = d.build(ctx, f, v, func(part *os.File) error {
		if d.thickFor(v) {
			return f.allocate(ctx, part, 0, v.Size)
		}
		return part.Truncate(int64(v.Size))
	})
	return v, d.fail(op, v.Name, err)
}

func checkNew(v drivers.Volume) error {
	if v.Size <= 0 {
		return fmt.Errorf("%w: size of %d bytes; it must be positive", drivers.ErrInvalid, v.Size)
	}
	return check(v)
}

// build fills a part and makes it the volume. Whatever goes wrong before the rename leaves nothing. A volume that is there
// already is whole, so it is the answer to this call, too, if its size is right.
func (d *Driver) build(ctx context.Context, f *folder, v drivers.Volume, fill func(part *os.File) error) (drivers.Volume, error) {
	switch st, err := f.volume(v.Name); {
	case err == nil && st.Size == int64(v.Size):
		return d.found(v), f.Sync() // the attempt that made it may have died before its own sync
	case err == nil:
		return v, d.failHint("create volume", v.Name,
			fmt.Sprintf("%s/%s is in the way; Clinker never removes data that it did not make: look whose it is", d.path, v.Name),
			drivers.ErrExists, "a volume of this name is there with %d bytes, %d are wanted", st.Size, v.Size)
	case !errors.Is(err, drivers.ErrNotFound):
		return v, err
	}
	part := partName(v.Name)
	// We have the volume's lock: a part that is there is of a step that died.
	if err := f.unlink(part); err != nil {
		return v, err
	}
	file, err := f.openFile(part, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return v, err
	}
	defer file.Close()
	if err := d.fillAndSync(ctx, file, v, fill); err != nil {
		return v, errors.Join(err, f.unlink(part))
	}
	if err := f.publish(part, v.Name); err != nil {
		return v, errors.Join(err, f.unlink(part))
	}
	return d.found(v), nil
}

func (d *Driver) fillAndSync(ctx context.Context, file *os.File, v drivers.Volume, fill func(part *os.File) error) error {
	if err := fill(file); err != nil {
		return err
	}
	if err := setTags(file, v.Tags); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return ctx.Err()
}

// found fills in what the driver knows of a volume by itself.
func (d *Driver) found(v drivers.Volume) drivers.Volume {
	v.ID = idOf(v.Name)
	v.Pool = d.cfg.Pool()
	return v
}
