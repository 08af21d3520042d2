package backups

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// ioAlign is what direct I/O wants of addresses, offsets and lengths; 4 KiB suits every disk.
const ioAlign = 4096

// Device is a file or block device as a Source and a Target. Where the system allows it reads and writes go past the page
// cache, so that a backup does not push everybody else's data out of the node's memory.
type Device struct {
	file   *os.File // through the page cache
	direct *os.File // past it; nil where that is not possible
	size   int64
	block  bool // a block device, which knows no holes
	zeroed bool
	once   sync.Once
}

// OpenSource opens what is to be backed up, read-only. size is the volume's, in bytes; a device that is smaller is
// drivers.ErrInvalid.
func OpenSource(path string, size int64) (*Device, error) { return openDevice(path, size, os.O_RDONLY) }

// OpenTarget opens what is restored into. zeroed says that all of it reads as zeros now (a new thin or sparse volume): zeros
// need not be written then. What it reads otherwise is never trusted (data-safety rule 2).
func OpenTarget(path string, size int64, zeroed bool) (*Device, error) {
	d, err := openDevice(path, size, os.O_RDWR)
	if d != nil {
		d.zeroed = zeroed
	}
	return d, err
}

func openDevice(path string, size int64, mode int) (*Device, error) {
	f, err := os.OpenFile(path, mode|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) { // /dev/VG/LV is a link, made by the system
		f, err = os.OpenFile(path, mode, 0)
	}
	if err != nil {
		return nil, drivers.FileError("open", "backup", "", path, err)
	}
	d := &Device{file: f, size: size}
	info, err := f.Stat()
	if err == nil {
		d.block = info.Mode()&os.ModeDevice != 0
		var end int64
		if end, err = f.Seek(0, io.SeekEnd); err == nil && end < size {
			err = fmt.Errorf("%w: it has %d bytes, the volume %d", drivers.ErrInvalid, end, size)
		}
	}
	if err != nil {
		f.Close()
		return nil, drivers.FileError("open", "backup", "", path, err)
	}
	if g, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), mode|unix.O_DIRECT, 0); err == nil {
		d.direct = g
	}
	return d, nil
}

// Cached makes a source read through the page cache: quicker where the data is in memory.
func (d *Device) Cached() *Device {
	if d.direct != nil {
		d.direct.Close()
		d.direct = nil
	}
	return d
}

// ReadAt reads, past the page cache where it can.
func (d *Device) ReadAt(p []byte, off int64) (int, error) {
	if d.direct != nil && aligned(p, off) {
		n, err := d.direct.ReadAt(p, off)
		if !errors.Is(err, unix.EINVAL) {
			return n, err
		}
	}
	return d.file.ReadAt(p, off)
}

// WriteAt writes, past the page cache where it can.
func (d *Device) WriteAt(p []byte, off int64) (int, error) {
	if d.direct != nil && aligned(p, off) {
		n, err := d.direct.WriteAt(p, off)
		if !errors.Is(err, unix.EINVAL) {
			return n, err
		}
	}
	return d.file.WriteAt(p, off)
}

func aligned(p []byte, off int64) bool {
	return len(p) > 0 && (int64(uintptr(unsafe.Pointer(&p[0])))|off|int64(len(p)))%ioAlign == 0
}

// buffer makes a slice that direct I/O takes.
func buffer(n int) []byte {
	b := make([]byte, n+ioAlign)
	skip := 0
	if rest := int(uintptr(unsafe.Pointer(&b[0])) % ioAlign); rest > 0 {
		skip = ioAlign - rest
	}
	return b[skip : skip+n : skip+n]
}

// NextData asks the file system for holes; block devices and file systems that know none have none.
func (d *Device) NextData(off int64) (int64, int64, error) {
	if off >= d.size {
		return d.size, d.size, nil
	}
	if d.block {
		return off, d.size, nil
	}
	begin, err := unix.Seek(int(d.file.Fd()), off, unix.SEEK_DATA)
	if errors.Is(err, syscall.ENXIO) {
		return d.size, d.size, nil
	}
	if err != nil {
		return off, d.size, nil
	}
	end, err := unix.Seek(int(d.file.Fd()), begin, unix.SEEK_HOLE)
	if err != nil {
		end = d.size
	}
	return min(begin, d.size), min(end, d.size), nil
}

// Zero makes bytes read as zeros: by a hole, by the device's own means that promise zeros, or by writing them.
func (d *Device) Zero(off, length int64) error {
	if d.zeroed || length == 0 {
		return nil
	}
	fd := int(d.file.Fd())
	mode := uint32(unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE)
	if d.block { // on a device a punched hole need not read as zeros everywhere; ZERO_RANGE must
		mode = unix.FALLOC_FL_ZERO_RANGE | unix.FALLOC_FL_KEEP_SIZE
	}
	if err := unix.Fallocate(fd, mode, off, length); err == nil {
		return nil
	}
	zeros := buffer(int(min(length, 1<<20)))
	for length > 0 {
		n, err := d.WriteAt(zeros[:min(length, int64(len(zeros)))], off)
		if err != nil {
			return err
		}
		off, length = off+int64(n), length-int64(n)
	}
	return nil
}

// Sync makes what was written durable.
func (d *Device) Sync() error { return d.file.Sync() }

// Close closes the device. A second Close is nil.
func (d *Device) Close() error {
	var err error
	d.once.Do(func() {
		if d.direct != nil {
			d.direct.Close()
		}
		err = d.file.Close()
	})
	return err
}
