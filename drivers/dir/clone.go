package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// CloneVolume shares the source's blocks where the file system can (reflink: xfs, btrfs), else copies its data, not its holes.
// A thick clone is always copied, into blocks of its own.
func (d *Driver) CloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	v, err := d.cloneVolume(ctx, v, src)
	return v, d.fail("clone volume", v.Name, err)
}

func (d *Driver) cloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	if err := errors.Join(checkNew(v), check(src)); err != nil {
		return v, err
	}
	if idOf(v.Name) == idOf(src.Name) {
		return v, fmt.Errorf("%w: a volume can't be cloned to itself", drivers.ErrInvalid)
	}
	f, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)}, drivers.Claim{ID: idOf(src.Name), Shared: true})
	if err != nil {
		return v, err
	}
	defer f.Close()
	st, err := f.volume(src.Name)
	if err != nil {
		return v, fmt.Errorf("source %s: %w", src.Name, err)
	}
	if int64(v.Size) < st.Size {
		return v, fmt.Errorf("%w: size of %d bytes; the source %s has %d", drivers.ErrInvalid, v.Size, src.Name, st.Size)
	}
	from, err := f.openFile(src.Name, unix.O_RDONLY)
	if err != nil {
		return v, err
	}
	defer from.Close()
	return d.build(ctx, f, v, func(part *os.File) error {
		return d.fillFrom(ctx, f, part, from, v, st)
	})
}

// fillFrom gives the empty part the content of from and the size of v.
func (d *Driver) fillFrom(ctx context.Context, f *folder, part, from *os.File, v drivers.Volume, st unix.Stat_t) error {
	if d.thickFor(v) {
		if err := f.allocate(ctx, part, 0, v.Size); err != nil {
			return err
		}
		return copyData(ctx, part, from, st.Size)
	}
	shared := reflink(part, from) == nil
	if err := part.Truncate(int64(v.Size)); err != nil || shared {
		return err
	}
	if err := f.room(drivers.Bytes(st.Blocks * statBlock)); err != nil {
		return err
	}
	return copyData(ctx, part, from, st.Size)
}

// reflink makes to share all blocks of from. Any error means: copy. Which one says "can't" differs between file systems.
func reflink(to, from *os.File) error {
	return again(func() error { return unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) })
}

const (
	// copyStep is how much is copied between two looks at the context.
	copyStep = 4 << 20
	// syncStep is how much may be dirty: a cancelled copy must not wait for gigabytes, nor push everything else out of memory.
	syncStep = 256 << 20
)

// copyData copies the data of from, size bytes long, to the same offsets of to, which reads as zeros before. Holes stay holes.
func copyData(ctx context.Context, to, from *os.File, size int64) error {
	buf := make([]byte, min(copyStep, size))
	dirty := int64(0)
	for at := int64(0); at < size; {
		start, end, err := nextData(from, at, size)
		if err != nil {
			return err
		}
		if start == size {
			break
		}
		for at = start; at < end; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := copyPiece(to, from, buf[:min(int64(len(buf)), end-at)], at)
			if err != nil {
				return err
			}
			at += int64(n)
			if dirty += int64(n); dirty >= syncStep {
				if err := again(func() error { return unix.Fdatasync(int(to.Fd())) }); err != nil {
					return err
				}
				dirty = 0
			}
			drivers.ReportProgress(ctx, drivers.Bytes(at), drivers.Bytes(size))
		}
	}
	return ctx.Err()
}

func copyPiece(to, from *os.File, buf []byte, at int64) (int, error) {
	n, err := from.ReadAt(buf, at)
	if n == 0 && errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("%w: the source shrank while it was copied", drivers.ErrUnavailable)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return to.WriteAt(buf[:n], at)
}

// nextData returns the next run of data at or after at; start is size when only a hole follows. A file system without
// SEEK_DATA says that everything is data.
func nextData(f *os.File, at, size int64) (start, end int64, err error) {
	start, err = f.Seek(at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return at, size, nil
	case err != nil:
		return 0, 0, err
	}
	end, err = f.Seek(start, unix.SEEK_HOLE)
	return min(start, size), min(end, size), err
}
