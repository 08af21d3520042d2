package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// Fill gives the empty file part the content of from, of this folder, and then the size. It shares the blocks where the file
// system can, else copies data and no holes; a thick one gets blocks of its own.
func (f *Folder) Fill(ctx context.Context, part, from *os.File, size drivers.Bytes, thick bool) error {
	var st unix.Stat_t
	if err := Again(func() error { return unix.Fstat(int(from.Fd()), &st) }); err != nil {
		return err
	}
	if thick {
		if err := f.Allocate(ctx, part, 0, size); err != nil {
			return err
		}
		return Copy(ctx, part, from, st.Size)
	}
	shared := Reflink(part, from) == nil
	if err := part.Truncate(int64(size)); err != nil || shared {
		return err
	}
	if err := f.Room(drivers.Bytes(st.Blocks * StatBlock)); err != nil {
		return err
	}
	return Copy(ctx, part, from, st.Size)
}

// Reflink makes to share all blocks of from. Any error means: copy. Which one says "can't" differs between file systems.
func Reflink(to, from *os.File) error {
	return Again(func() error { return unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) })
}

const (
	// copyStep is how much is copied between two looks at the context.
	copyStep = 4 << 20
	// syncStep is how much may be dirty: a cancelled copy must not wait for gigabytes, nor push everything else out of memory.
	syncStep = 256 << 20
)

// Copy copies the data of from, size bytes long, to the same offsets of to, which reads as zeros before. Holes stay holes.
func Copy(ctx context.Context, to, from *os.File, size int64) error {
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
				if err := Again(func() error { return unix.Fdatasync(int(to.Fd())) }); err != nil {
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
