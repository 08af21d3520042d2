package qcow

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/devices"
)

// Data is one file of a chain as its readers see it.
type Data interface {
	io.ReaderAt
	io.Closer
	NextData(off int64) (begin, end int64, err error)
	Size() drivers.Bytes
}

var _ Data = (*devices.Device)(nil)

// Image reads a qcow2 file and the files below it (QEMU's docs/interop/qcow2.txt), for nothing but reading.
// It is safe for concurrent use.
type Image struct {
	f       *os.File
	size    int64
	bits    uint     // of the cluster size
	l1      []uint64 // where the second tables are
	backing Data     // nil: zeros

	mu     sync.Mutex
	tables map[uint64][]uint64 // some of the second tables, by where they are
}

const (
	offsetMask     = 0x00fffffffffffe00
	compressedFlag = 1 << 62
	zeroFlag       = 1
	// tablesKept bounds what is remembered: 2 MiB of tables with clusters of 64 KiB, for 16 GiB of the disk.
	tablesKept = 32
	maxL1      = 32 << 20 // bytes, as QEMU has it
)

// OpenImage reads the first table of a file whose header was looked at. It owns f and backing only when it succeeds.
func OpenImage(f *os.File, h Header, backing Data) (*Image, error) {
	head := make([]byte, 112)
	n, err := f.ReadAt(head, 0)
	if n < headerLength {
		return nil, err
	}
	clear(head[n:])
	be := binary.BigEndian
	i := &Image{f: f, size: int64(h.Size), bits: uint(be.Uint32(head[20:])), backing: backing, tables: map[uint64][]uint64{}}
	if be.Uint32(head[4:]) >= 3 {
		features := be.Uint64(head[72:])
		if features&featureExtendedL2 != 0 {
			return nil, fmt.Errorf("%w: qcow2 files with subclusters can't be read here", drivers.ErrNotSupported)
		}
		if features&featureCompression != 0 { // byte 104 is then another kind than zlib
			return nil, fmt.Errorf("%w: qcow2 files with this kind of compression can't be read here", drivers.ErrNotSupported)
		}
	}
	entries := int64(be.Uint32(head[36:]))
	if perTable := int64(1) << (2*i.bits - 3); entries*8 > maxL1 || entries*perTable < i.size {
		return nil, Bad("has a first table of %d entries", entries)
	}
	i.l1, err = readTable(f, be.Uint64(head[40:]), int(entries))
	return i, err
}

func short(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: a file of the volume ends too early", drivers.ErrUnavailable)
	}
	return err
}

// second answers the table of the clusters around off; nil when there is none.
func (i *Image) second(off int64) ([]uint64, error) {
	at := i.l1[off>>(2*i.bits-3)] & offsetMask
	if at == 0 {
		return nil, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if t, ok := i.tables[at]; ok {
		return t, nil
	}
	t, err := readTable(i.f, at, 1<<(i.bits-3))
	if err != nil {
		return nil, err
	}
	for old := range i.tables {
		if len(i.tables) < tablesKept {
			break
		}
		delete(i.tables, old)
	}
	i.tables[at] = t
	return t, nil
}

// Size is the disk's.
func (i *Image) Size() drivers.Bytes { return drivers.Bytes(i.size) }

// Close closes the chain. A second Close is nil.
func (i *Image) Close() error {
	err := i.f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if i.backing != nil {
		err = errors.Join(err, i.backing.Close())
	}
	return err
}

// ReadAt reads; what no file of the chain holds is zero.
func (i *Image) ReadAt(p []byte, off int64) (n int, err error) {
	if rest := i.size - off; int64(len(p)) > rest {
		p, err = p[:max(rest, 0)], io.EOF
	}
	for n < len(p) {
		at := off + int64(n)
		entry, length, e := i.run(at, int64(len(p)-n))
		if e != nil {
			return n, e
		}
		if e := i.fill(p[n:n+int(length)], at, entry); e != nil {
			return n, e
		}
		n += int(length)
	}
	return n, err
}

// run answers what lies at off, and how far it lies in one piece, at most length bytes.
func (i *Image) run(off, length int64) (entry uint64, n int64, err error) {
	cluster := int64(1) << i.bits
	t, err := i.second(off)
	if err != nil {
		return 0, 0, err
	}
	if t == nil {
		span := int64(1) << (2*i.bits - 3)
		return 0, min(length, span-off%span), nil
	}
	k := int(off >> i.bits & (1<<(i.bits-3) - 1))
	entry, n = t[k], cluster-off%cluster
	for n < length && k+1 < len(t) && follows(t[k], t[k+1], uint64(cluster)) {
		k, n = k+1, n+cluster
	}
	return entry, min(n, length), nil
}

// follows tells whether two neighbours can be read in one go.
func follows(a, b, cluster uint64) bool {
	if a&compressedFlag != 0 || b&compressedFlag != 0 {
		return false
	}
	if a&zeroFlag != 0 || a&offsetMask == 0 {
		return a&zeroFlag == b&zeroFlag && (a&zeroFlag != 0 || b&offsetMask == 0)
	}
	return b&zeroFlag == 0 && a&offsetMask+cluster == b&offsetMask
}

func (i *Image) fill(p []byte, off int64, entry uint64) error {
	switch at := entry & offsetMask; {
	case entry&compressedFlag != 0:
		return i.inflate(p, off, entry)
	case entry&zeroFlag != 0:
		clear(p)
	case at != 0:
		// The last cluster of a file may be cut short.
		n, err := i.f.ReadAt(p, int64(at)+off&(1<<i.bits-1))
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		clear(p[n:])
	case i.backing != nil:
		n, err := i.backing.ReadAt(p, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		clear(p[n:])
	default:
		clear(p)
	}
	return nil
}

// inflate reads from a compressed cluster: of how many 512-byte sectors, the entry says, too.
func (i *Image) inflate(p []byte, off int64, entry uint64) error {
	shift := 62 - (i.bits - 8)
	at := int64(entry & (1<<shift - 1))
	sectors := int64(entry>>shift&(1<<(i.bits-8)-1)) + 1
	packed := make([]byte, sectors*512-at%512)
	n, err := i.f.ReadAt(packed, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	cluster := make([]byte, 1<<i.bits)
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(packed[:n])), cluster); err != nil {
		return fmt.Errorf("%w: a compressed part of the volume's file is damaged: %w", drivers.ErrUnavailable, err)
	}
	copy(p, cluster[off&(1<<i.bits-1):])
	return nil
}

// NextData answers what any file of the chain has, unless one above says that it is zero.
func (i *Image) NextData(off int64) (int64, int64, error) {
	for off < i.size {
		entry, n, err := i.run(off, i.size-off)
		if err != nil {
			return 0, 0, err
		}
		end := off + n
		switch {
		case entry&compressedFlag != 0, entry&zeroFlag == 0 && entry&offsetMask != 0:
			return off, end, nil
		case entry&zeroFlag == 0 && i.backing != nil:
			begin, stop, err := i.backing.NextData(off)
			if err != nil {
				return 0, 0, err
			}
			if begin < min(end, int64(i.backing.Size())) {
				return begin, min(stop, end), nil
			}
		}
		off = end
	}
	return i.size, i.size, nil
}
