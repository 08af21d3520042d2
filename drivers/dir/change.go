package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// DeleteVolume removes the file and what a killed step left of it.
func (d *Driver) DeleteVolume(ctx context.Context, v drivers.Volume) error {
	return d.fail("delete volume", v.Name, d.deleteVolume(ctx, v))
}

func (d *Driver) deleteVolume(ctx context.Context, v drivers.Volume) error {
	if err := check(v); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.unlink(partName(v.Name)); err != nil {
		return err
	}
	if _, err := f.volume(v.Name); err != nil && !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	if err := f.unlink(v.Name); err != nil {
		return err
	}
	// Also when it was gone: an earlier attempt may have died between the two.
	return f.Sync()
}

// ExtendVolume makes the file longer; a thick one gets its blocks first, so that its size never promises what isn't there.
func (d *Driver) ExtendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	return d.fail("extend volume", v.Name, d.extendVolume(ctx, v, size))
}

func (d *Driver) extendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	if err := check(v); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.volume(v.Name)
	if err != nil {
		return err
	}
	file, err := f.openFile(v.Name, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer file.Close()
	if st.Size < int64(size) {
		if err := d.grow(ctx, f, file, v, drivers.Bytes(st.Size), size); err != nil {
			return err
		}
	}
	return file.Sync()
}

func (d *Driver) grow(ctx context.Context, f *folder, file *os.File, v drivers.Volume, old, size drivers.Bytes) error {
	if !d.thickFor(v) {
		return file.Truncate(int64(size))
	}
	err := f.allocate(ctx, file, old, size)
	if err != nil {
		// Gives back the blocks beyond the end that were got so far.
		err = errors.Join(err, file.Truncate(int64(old)))
	}
	return err
}

// allocStep is how much is preallocated between two looks at the context.
const allocStep = 64 << 20

// allocate gives the file real blocks from old to size, then that size. It asks for the free space first, rather than fill
// the file system up for a moment and starve its neighbours.
func (f *folder) allocate(ctx context.Context, file *os.File, old, size drivers.Bytes) error {
	if err := f.room(size - old); err != nil {
		return err
	}
	for at := int64(old); at < int64(size); at += allocStep {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(allocStep, int64(size)-at)
		err := again(func() error { return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_KEEP_SIZE, at, n) })
		if errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("%w: this file system can't preallocate; set nas_volume_prov_type = thin", drivers.ErrNotSupported)
		}
		if err != nil {
			return err
		}
		drivers.ReportProgress(ctx, drivers.Bytes(at+n)-old, size-old)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return file.Truncate(int64(size))
}

// room refuses what can't fit.
func (f *folder) room(need drivers.Bytes) error {
	st, err := f.statfs()
	if err != nil {
		return err
	}
	if need > free(st) {
		return unix.ENOSPC
	}
	return nil
}
