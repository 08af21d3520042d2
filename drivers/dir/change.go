package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// DeleteVolume removes the file and what a killed step left of it.
func (d *Driver) DeleteVolume(ctx context.Context, v drivers.Volume) error {
	return d.fail("delete volume", v.Name, d.deleteVolume(ctx, v))
}

func (d *Driver) deleteVolume(ctx context.Context, v drivers.Volume) error {
	if err := files.Check(v); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Unlink(files.PartName(v.Name)); err != nil {
		return err
	}
	switch _, err := f.Stat(v.Name); {
	case errors.Is(err, drivers.ErrNotFound):
		// An earlier attempt may have died before its sync.
		return f.Sync()
	case err != nil:
		return err
	}
	if err := removable(ctx, f, v.Name); err != nil {
		return err
	}
	if err := f.Unlink(v.Name); err != nil {
		return err
	}
	return f.Sync()
}

// ExtendVolume makes the file longer; a thick one gets its blocks first, so that its size never promises what isn't there.
func (d *Driver) ExtendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	return d.fail("extend volume", v.Name, d.extendVolume(ctx, v, size))
}

func (d *Driver) extendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	if err := files.Check(v); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat(v.Name)
	if err != nil {
		return err
	}
	file, err := f.Open(v.Name, unix.O_RDWR)
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

func (d *Driver) grow(ctx context.Context, f *files.Folder, file *os.File, v drivers.Volume, old, size drivers.Bytes) error {
	if !d.thickFor(v) {
		return file.Truncate(int64(size))
	}
	err := f.Allocate(ctx, file, old, size)
	if err != nil {
		// Gives back the blocks beyond the end that were got so far.
		err = errors.Join(err, file.Truncate(int64(old)))
	}
	return err
}

// removable refuses a volume that has snapshots or is open for writing.
func removable(ctx context.Context, f *files.Folder, name string) error {
	for file, err := range f.Names(ctx) {
		if err != nil {
			return err
		}
		if snapshot, ok := strings.CutPrefix(file, snapshotFile(name, "")); ok {
			return fmt.Errorf("%w: it has the snapshot %s", drivers.ErrBusy, snapshot)
		}
	}
	return notInUse(f, name)
}
