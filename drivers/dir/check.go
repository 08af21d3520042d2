package dir

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// Check makes the folder at the very first start, clears away what killed steps left, and writes a file to see that it can.
// It logs the file system's type and warns where clones will be copies.
func (d *Driver) Check(ctx context.Context) error {
	return d.fail("check", "", d.check(ctx))
}

func (d *Driver) check(ctx context.Context) error {
	f, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	reflinks, err := f.probe()
	if err != nil {
		return err
	}
	if err := d.clean(ctx, f); err != nil {
		return err
	}
	st, err := f.statfs()
	if err != nil {
		return err
	}
	log := d.log.With("path", d.path, "file_system", fsName(st.Type), "reflink", reflinks)
	switch {
	case fsName(st.Type) == "tmpfs":
		log.Warn("volumes are in memory: they are gone after a reboot")
	case !reflinks:
		log.Warn("the file system can't share blocks between files: clones are full copies; xfs and btrfs can")
	default:
		log.Info("folder is ready")
	}
	return nil
}

const probePrefix = ".clinker-probe-"

// probe writes a block and tries to share it with a second file.
func (f *folder) probe() (reflinks bool, err error) {
	one, two := probePrefix+newID(), probePrefix+newID()
	defer func() { err = errors.Join(err, f.unlink(one), f.unlink(two)) }()
	if err := f.write(one, make([]byte, 4096)); err != nil {
		return false, err
	}
	from, err := f.openFile(one, unix.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer from.Close()
	to, err := f.openFile(two, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return false, err
	}
	defer to.Close()
	return reflink(to, from) == nil, f.Sync()
}

// CreateSnapshot is not supported: a copy of the whole file would pass for a snapshot only where space and time don't count.
func (d *Driver) CreateSnapshot(_ context.Context, s drivers.Snapshot) (drivers.Snapshot, error) {
	return drivers.Snapshot{}, d.fail("create snapshot", s.Name, drivers.ErrNotSupported)
}

// DeleteSnapshot is not supported.
func (d *Driver) DeleteSnapshot(_ context.Context, s drivers.Snapshot) error {
	return d.fail("delete snapshot", s.Name, drivers.ErrNotSupported)
}

// CreateFromSnapshot is not supported.
func (d *Driver) CreateFromSnapshot(_ context.Context, v drivers.Volume, _ drivers.Snapshot) (drivers.Volume, error) {
	return drivers.Volume{}, d.fail("create from snapshot", v.Name, drivers.ErrNotSupported)
}
