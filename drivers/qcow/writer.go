package qcow

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// Writer writes a disk of one file. New clusters go to the file's end. Its tables reach the file in Sync, each after what it leads to: a
// process that dies before leaves a whole disk with what the last Sync made durable. It is safe for concurrent use, but that no two write the
// same place.
type Writer struct {
	f      *os.File
	bits   uint
	l1At   int64
	zeroed bool

	mu     sync.Mutex
	l1     []uint64
	l1New  bool                // l1 is not in the file yet
	tables map[uint64][]uint64 // second tables, by where they are, of which
	fresh  map[uint64]bool     // these are not in the file yet
	refs   counts
}

const copiedFlag = 1 << 63 // nobody else refers to it

// piece is a run of the disk that lies in one piece in the file.
type piece struct{ at, length int64 }

func newWriter(f *os.File, h Header, zeroed bool) (*Writer, error) {
	i, err := OpenImage(f, h, nil)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 104)
	if n, err := f.ReadAt(head, 0); n < len(head) {
		return nil, short(err)
	}
	be := binary.BigEndian
	w := &Writer{
		f: f, bits: i.bits, l1: i.l1, l1At: int64(be.Uint64(head[40:])), zeroed: zeroed, tables: map[uint64][]uint64{}, fresh: map[uint64]bool{},
	}
	order := uint32(4)
	if be.Uint32(head[4:]) >= 3 {
		order = be.Uint32(head[96:])
		if be.Uint64(head[72:])|be.Uint64(head[88:]) != 0 { // to be repaired first, or with bitmaps that would not be kept true
			return nil, fmt.Errorf("%w: qcow2 files with the features %#x, %#x can't be written here", drivers.ErrNotSupported, be.Uint64(head[72:]), be.Uint64(head[88:]))
		}
	}
	if snapshots := be.Uint32(head[60:]); order != 4 || snapshots != 0 {
		return nil, fmt.Errorf("%w: qcow2 files with snapshots inside (%d) or counters of 2^%d bits can't be written here", drivers.ErrNotSupported, snapshots, order)
	}
	w.refs = counts{f: f, bits: i.bits, at: int64(be.Uint64(head[48:])), blocks: map[int][]byte{}, fresh: map[int]bool{}}
	if err := w.refs.load(int(be.Uint32(head[56:]))); err != nil {
		return nil, err
	}
	// What lies behind the last cluster that counts was left by somebody who died; new clusters read as zeros where they are not written.
	return w, f.Truncate(w.refs.next)
}

// WriteAt writes, into clusters that it makes where there are none.
func (w *Writer) WriteAt(p []byte, off int64) (n int, err error) {
	pieces, err := w.pieces(off, int64(len(p)), true)
	for _, at := range pieces {
		if err != nil {
			break
		}
		var m int
		m, err = w.f.WriteAt(p[n:n+int(at.length)], at.at)
		n += m
	}
	return n, err
}

// Zero makes bytes read as zeros.
func (w *Writer) Zero(off, length int64) error {
	if w.zeroed {
		return nil
	}
	pieces, err := w.pieces(off, length, false)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(length, 1<<20))
	for _, at := range pieces {
		for at.at != 0 && at.length > 0 {
			n, err := w.f.WriteAt(zeros[:min(at.length, int64(len(zeros)))], at.at)
			if err != nil {
				return err
			}
			at.at, at.length = at.at+int64(n), at.length-int64(n)
		}
	}
	return nil
}

// pieces says where a run of the disk is in the file. With add it makes clusters where there are none; else 0 is where it reads as zeros.
func (w *Writer) pieces(off, length int64, add bool) (all []piece, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for length > 0 {
		inside := off & (1<<w.bits - 1)
		n := min(length, 1<<w.bits-inside)
		at, err := w.cluster(off, add)
		if err != nil {
			return nil, err
		}
		if at != 0 {
			at += inside
		}
		if last := len(all) - 1; last >= 0 && at != 0 && all[last].at+all[last].length == at {
			all[last].length += n
		} else {
			all = append(all, piece{at, n})
		}
		off, length = off+n, length-n
	}
	return all, nil
}

// cluster is where the cluster of the disk around off is in the file.
func (w *Writer) cluster(off int64, add bool) (int64, error) {
	t, at, err := w.second(off, add)
	if t == nil || err != nil {
		return 0, err
	}
	entry := &t[off>>w.bits&(1<<(w.bits-3)-1)]
	switch host := *entry & offsetMask; {
	case *entry&compressedFlag != 0, host != 0 && *entry&copiedFlag == 0:
		return 0, fmt.Errorf("%w: a qcow2 file with clusters that are compressed or shared can't be written here", drivers.ErrNotSupported)
	case host != 0 && *entry&zeroFlag == 0:
		return int64(host), nil
	case !add:
		return 0, nil
	case host != 0: // it reads as zeros, whatever stands there
		_, err := w.f.WriteAt(make([]byte, 1<<w.bits), int64(host))
		*entry, w.fresh[at] = *entry&^zeroFlag, true
		return int64(host), err
	}
	host, err := w.refs.allocate()
	if err != nil {
		return 0, err
	}
	*entry, w.fresh[at] = uint64(host)|copiedFlag, true
	return host, nil
}

// second is the table of the clusters around off, and where it is.
func (w *Writer) second(off int64, add bool) ([]uint64, uint64, error) {
	first := &w.l1[off>>(2*w.bits-3)]
	at := *first & offsetMask
	if t, ok := w.tables[at]; ok && at != 0 {
		return t, at, nil
	}
	var t []uint64
	var err error
	switch {
	case at != 0 && *first&copiedFlag == 0:
		err = fmt.Errorf("%w: a qcow2 file with tables that are shared can't be written here", drivers.ErrNotSupported)
	case at != 0:
		t, err = readTable(w.f, at, 1<<(w.bits-3))
	case add:
		var host int64
		if host, err = w.refs.allocate(); err == nil {
			at, t = uint64(host), newTable(w.bits)
			*first, w.l1New, w.fresh[at] = at|copiedFlag, true, true
		}
	default:
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	w.tables[at] = t
	return t, at, nil
}

func newTable(bits uint) []uint64 { return make([]uint64, 1<<(bits-3)) }

// Sync makes what was written durable: the data and the counters, then the tables that lead to them, then what leads to these.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refs.save(); err != nil {
		return err
	}
	if err := w.f.Sync(); err != nil {
		return err
	}
	for at := range w.fresh {
		if err := writeTable(w.f, at, w.tables[at]); err != nil {
			return err
		}
	}
	if len(w.fresh) > 0 {
		if err := w.f.Sync(); err != nil {
			return err
		}
	}
	if w.l1New {
		if err := writeTable(w.f, uint64(w.l1At), w.l1); err != nil {
			return err
		}
		if err := w.f.Sync(); err != nil {
			return err
		}
	}
	clear(w.fresh)
	clear(w.tables)
	w.l1New = false
	_ = unix.Fadvise(int(w.f.Fd()), 0, 0, unix.FADV_DONTNEED) // a hint: others need the memory more
	return nil
}

// Close closes the file; what was not synced is lost.
func (w *Writer) Close() error { return w.f.Close() }

func readTable(f *os.File, at uint64, n int) ([]uint64, error) {
	raw := make([]byte, 8*n)
	if got, err := f.ReadAt(raw, int64(at)); got < len(raw) {
		return nil, short(err)
	}
	all := make([]uint64, n)
	for k := range all {
		all[k] = binary.BigEndian.Uint64(raw[8*k:])
	}
	return all, nil
}

func writeTable(f *os.File, at uint64, t []uint64) error {
	raw := make([]byte, 8*len(t))
	for k, entry := range t {
		binary.BigEndian.PutUint64(raw[8*k:], entry)
	}
	_, err := f.WriteAt(raw, int64(at))
	return err
}
