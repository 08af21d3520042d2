package backups

import "io"

// Source is what is backed up: the bytes of a volume or snapshot that nobody writes meanwhile, or that may be torn where
// somebody does. It is read by several goroutines at once, in pieces that begin and end at multiples of the block size,
// into buffers aligned for direct I/O.
type Source interface {
	io.ReaderAt
	// NextData answers the first run of bytes at or after off that may hold something else than zeros, up to the end of
	// what is known in one go; begin is the source's size when there is none. A source that knows no holes answers the rest.
	NextData(off int64) (begin, end int64, err error)
}

// Target is what a backup is restored into. It is written by several goroutines at once, never twice at the same place.
type Target interface {
	io.WriterAt
	// Zero makes bytes read as zeros, whatever they held; it does nothing where they are known to already.
	Zero(off, length int64) error
	// Sync returns when what was written is durable.
	Sync() error
}

// Bytes is a volume in memory, for tests: a Source without holes and a Target.
type Bytes []byte

// ReadAt reads.
func (b Bytes) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, b[min(off, int64(len(b))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes; what would lie behind the end is io.ErrShortWrite.
func (b Bytes) WriteAt(p []byte, off int64) (int, error) {
	n := copy(b[min(off, int64(len(b))):], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// NextData knows no holes.
func (b Bytes) NextData(off int64) (int64, int64, error) { return off, int64(len(b)), nil }

// Zero clears bytes.
func (b Bytes) Zero(off, length int64) error { clear(b[off : off+length]); return nil }

// Sync does nothing.
func (b Bytes) Sync() error { return nil }
