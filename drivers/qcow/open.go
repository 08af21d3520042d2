package qcow

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// OpenSource opens a disk of one file for reading, past what was read of it before. size is the volume's, in bytes; a disk that is smaller is
// drivers.ErrInvalid, and one with a backing file drivers.ErrNotSupported.
func OpenSource(path string, size int64) (*Image, error) {
	f, h, err := open(path, size, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // a hint: who compares wants what is on the disk
	i, err := OpenImage(f, h, nil)
	if err != nil {
		return nil, drivers.FileError("open", "qcow2", "", path, errors.Join(err, f.Close()))
	}
	return i, nil
}

// OpenTarget opens a disk of one file to be written, by nobody else meanwhile. zeroed says that all of it reads as zeros now: zeros need not be
// written then. The errors are OpenSource's, and ErrNotSupported for a file whose clusters are shared or compressed.
func OpenTarget(path string, size int64, zeroed bool) (*Writer, error) {
	f, h, err := open(path, size, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(f, h, zeroed)
	if err != nil {
		return nil, drivers.FileError("open", "qcow2", "", path, errors.Join(err, f.Close()))
	}
	return w, nil
}

func open(path string, size int64, mode int) (*os.File, Header, error) {
	f, err := os.OpenFile(path, mode|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, Header{}, drivers.FileError("open", "qcow2", "", path, err)
	}
	h, err := ReadHeader(f)
	switch {
	case err != nil:
	case h.Backing != "":
		err = fmt.Errorf("%w: its bytes are in a chain of files; delete its snapshots", drivers.ErrNotSupported)
	case int64(h.Size) < size:
		err = fmt.Errorf("%w: it has %d bytes, the volume %d", drivers.ErrInvalid, h.Size, size)
	}
	if err != nil {
		return nil, h, drivers.FileError("open", "qcow2", "", path, errors.Join(err, f.Close()))
	}
	return f, h, nil
}
