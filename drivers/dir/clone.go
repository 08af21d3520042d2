package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// CloneVolume shares the source's blocks where the file system can (reflink: xfs, btrfs), else copies its data, not its holes.
// A thick clone is always copied, into blocks of its own.
func (d *Driver) CloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	v, err := d.cloneVolume(ctx, v, src)
	return v, d.fail("clone volume", v.Name, err)
}

func (d *Driver) cloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	if err := errors.Join(files.CheckNew(v), files.Check(src)); err != nil {
		return v, err
	}
	if files.ID(v.Name) == files.ID(src.Name) {
		return v, fmt.Errorf("%w: a volume can't be cloned to itself", drivers.ErrInvalid)
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)}, drivers.Claim{ID: files.ID(src.Name), Shared: true})
	if err != nil {
		return v, err
	}
	defer f.Close()
	return d.buildFrom(ctx, f, v, src.Name, src.Name)
}

// buildFrom makes v of a file of the folder; source is what users call it.
func (d *Driver) buildFrom(ctx context.Context, f *files.Folder, v drivers.Volume, file, source string) (drivers.Volume, error) {
	st, err := f.Stat(file)
	if err != nil {
		return v, fmt.Errorf("source %s: %w", source, err)
	}
	if int64(v.Size) < st.Size {
		return v, fmt.Errorf("%w: size of %d bytes; the source %s has %d", drivers.ErrInvalid, v.Size, source, st.Size)
	}
	from, err := f.Open(file, unix.O_RDONLY)
	if err != nil {
		return v, err
	}
	defer from.Close()
	return d.build(ctx, f, v, func(part *os.File) error {
		return f.Fill(ctx, part, from, v.Size, d.thickFor(v))
	})
}
