package devices

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// ioAlign is what direct I/O wants of addresses, offsets and lengths; 4 KiB suits every disk.
const ioAlign = 4096

// Device is an open file or block device, a backup's source or target. Where the system allows it reads and writes go past the page
// cache, so that a backup does not push everybody else's data out of the node's memory. It is safe for concurrent use.
type Device struct {
	file   *os.File // through the page cache
	direct *os.File // past it; nil where that is not possible
	size   int64
	block  bool // a block device, which knows no holes by itself
	zeroed bool
	known  []drivers.Extent // where it may hold something else than zeros; nil is not known
	holes  atomic.Bool      // were punched into the file since its times told of it
	once   sync.Once
}

// OpenSource opens what is to be backed up, read-only. size is the volume's, in bytes; a device that is smaller is
// drivers.ErrInvalid.
func OpenSource(path string, size int64) (*Device, error) { return open(path, size, os.O_RDONLY) }

// OpenTarget opens what is restored into. zeroed says that all of it reads as zeros now (a new thin or sparse volume): zeros
// need not be written then. What it reads otherwise is never trusted (data-safety rule 2).
func OpenTarget(path string, size int64, zeroed bool) (*Device, error) {
	d, err := open(path, size, os.O_RDWR)
	if d != nil {
		d.zeroed = zeroed
	}
	return d, err
}

func open(path string, size int64, mode int) (*Device, error) {
	f, err := os.OpenFile(path, mode|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) { // /dev/VG/LV is a link, made by the system
		f, err = os.OpenFile(path, mode, 0)
	}
	if err != nil {
		return nil, drivers.FileError("open", "backup", "", path, err)
	}
	return opened(f, path, size, mode)
}

// FromFile is OpenSource for a file that is open for reading already, and which it owns from now on.
func FromFile(f *os.File, size int64) (*Device, error) { return opened(f, f.Name(), size, os.O_RDONLY) }

func opened(f *os.File, path string, size int64, mode int) (*Device, error) {
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

// Size is the volume's, in bytes.
func (d *Device) Size() drivers.Bytes { return drivers.Bytes(d.size) }

// Knowing tells the device where alone it may hold something else than zeros, in order and without overlap: what a thin volume has
// mapped. It is called before the device is used.
func (d *Device) Knowing(extents []drivers.Extent) *Device {
	d.known = append([]drivers.Extent{}, extents...)
	return d
}

// Cached makes a source read through the page cache: quicker where the data is in memory.
func (d *Device) Cached() *Device {
	if d.direct != nil {
		d.direct.Close()
		d.direct = nil
	}
	return d
}

// ReadAt reads, past the page cache where it can, and not behind the volume's end: a device may be larger.
func (d *Device) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > d.size {
		n, err := d.readAt(p[:max(d.size-off, 0)], off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	return d.readAt(p, off)
}

func (d *Device) readAt(p []byte, off int64) (int, error) {
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

// Buffer makes a slice that direct I/O takes.
func Buffer(n int) []byte {
	b := make([]byte, n+ioAlign)
	skip := 0
	if rest := int(uintptr(unsafe.Pointer(&b[0])) % ioAlign); rest > 0 {
		skip = ioAlign - rest
	}
	return b[skip : skip+n : skip+n]
}

// NextData asks the file system for holes, or answers by what it was told; other block devices, and file systems that know no
// holes, have none.
func (d *Device) NextData(off int64) (int64, int64, error) {
	if off >= d.size {
		return d.size, d.size, nil
	}
	if d.known != nil {
		i := sort.Search(len(d.known), func(i int) bool { return int64(d.known[i].Offset+d.known[i].Length) > off })
		if i == len(d.known) {
			return d.size, d.size, nil
		}
		begin, end := int64(d.known[i].Offset), int64(d.known[i].Offset+d.known[i].Length)
		return min(max(begin, off), d.size), min(end, d.size), nil
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
		d.holes.Store(!d.block)
		return nil
	}
	zeros := Buffer(int(min(length, 1<<20)))
	for length > 0 {
		n, err := d.WriteAt(zeros[:min(length, int64(len(zeros)))], off)
		if err != nil {
			return err
		}
		off, length = off+int64(n), length-int64(n)
	}
	return nil
}

// Sync makes what was written durable. Holes are told by the file's times too: GlusterFS changes none for them, and other hosts
// would go on reading what they have in memory of the file, for as long as it stays there.
func (d *Device) Sync() error {
	if d.holes.Swap(false) {
		now := unix.NsecToTimeval(time.Now().UnixNano())
		if err := unix.Futimes(int(d.file.Fd()), []unix.Timeval{now, now}); err != nil {
			return drivers.FileError("tell of holes", "backup", "", d.file.Name(), err)
		}
	}
	return d.file.Sync()
}

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
