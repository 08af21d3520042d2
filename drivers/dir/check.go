package dir

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers/files"
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
	reflinks, err := probe(f)
	if err != nil {
		return err
	}
	if err := d.clean(ctx, f); err != nil {
		return err
	}
	st, err := f.Statfs()
	if err != nil {
		return err
	}
	log := d.log.With("path", d.path, "file_system", files.FSName(st.Type), "reflink", reflinks)
	switch {
	case files.FSName(st.Type) == "tmpfs":
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
func probe(f *files.Folder) (reflinks bool, err error) {
	one, two := probePrefix+files.NewID(), probePrefix+files.NewID()
	defer func() { err = errors.Join(err, f.Unlink(one), f.Unlink(two)) }()
	if err := f.Write(one, make([]byte, 4096)); err != nil {
		return false, err
	}
	from, err := f.Open(one, unix.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer from.Close()
	to, err := f.Create(two)
	if err != nil {
		return false, err
	}
	defer to.Close()
	return files.Reflink(to, from) == nil, f.Sync()
}
