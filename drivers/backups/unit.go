package backups

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// unitBlocks of the volume are worked on at a time by one goroutine: 4 MiB of the default blocks.
const unitBlocks = 32

// unit is a piece of the volume on its way through the pipeline: the reader of the plan makes it, a worker fills in its
// entries, and the writer takes it in the order of the volume.
type unit struct {
	region int
	first  int // block in the region
	off    int64
	length int64
	// parent are the entries of the same blocks in the parent; nil where there are none or all are zeros.
	parent []entry
	// asked says which blocks must be looked at; the others are the parent's. nil is all.
	asked []bool
	// reuse is the whole region's entry, where nothing of it has to be looked at.
	reuse *entry

	buf     []byte // what was read
	arena   []byte // what was sealed
	entries []entry
	blobs   [][]byte // of the entries that are new, in their order; into buf or arena
	read    int64
	err     error
	done    chan struct{}
}

// process reads a unit and finds out what of it must be stored.
func (w *writer) process(ctx context.Context, u *unit) error {
	if err := w.readUnit(ctx, u); err != nil {
		return err
	}
	n := len(u.entries)
	for i := range n {
		var old entry
		if i < len(u.parent) {
			old = u.parent[i]
		}
		if u.asked != nil && !u.asked[i] {
			u.entries[i] = old
			continue
		}
		begin := int64(i) * w.layout.block
		block := u.buf[begin:min(begin+w.layout.block, u.length)]
		if u.entries[i].Flags == holeFlag || isZero(block) {
			u.entries[i] = entry{}
			continue
		}
		if err := w.take(u, i, block, old); err != nil {
			return err
		}
	}
	return nil
}

// holeFlag marks, inside a unit only, a block that need not be read.
const holeFlag = 1 << 7

// take decides what becomes of a block with data: the parent's or another one is equal, or it is sealed to be stored.
func (w *writer) take(u *unit, i int, block []byte, old entry) error {
	h := w.codec.sum(block)
	if !old.zero() && old.Hash == h {
		u.entries[i] = old
		return nil
	}
	if e, ok := w.seen.find(h); ok {
		u.entries[i] = e
		return nil
	}
	grown, blob, flags, err := w.codec.seal(u.arena, block)
	if err != nil {
		return err
	}
	u.arena = grown
	u.entries[i] = entry{Hash: h, Flags: flags, Length: pendingLength}
	u.blobs = append(u.blobs, blob)
	return nil
}

// pendingLength marks, inside a unit only, an entry whose blob is not in a pack yet.
const pendingLength = ^uint32(0)

// readUnit reads what may hold data, and marks the rest as holes.
func (w *writer) readUnit(ctx context.Context, u *unit) error {
	for i := range u.entries {
		u.entries[i].Flags = holeFlag
	}
	block, end := w.layout.block, u.off+u.length
	for pos := u.off; pos < end; {
		begin, stop, err := w.src.NextData(pos)
		if err != nil {
			return err
		}
		if begin >= end {
			return nil
		}
		from := max(begin/block*block, u.off)
		to := min((stop+block-1)/block*block, end)
		for from < to {
			i := int((from - u.off) / block)
			if u.asked != nil && !u.asked[i] {
				from += block
				continue
			}
			run := i
			for from+int64(run-i)*block < to && (u.asked == nil || u.asked[run]) {
				u.entries[run].Flags = 0
				run++
			}
			upto := min(from+int64(run-i)*block, to)
			if err := w.readAt(ctx, u.buf[from-u.off:upto-u.off], from); err != nil {
				return err
			}
			u.read += upto - from
			from = upto
		}
		pos = max(to, pos+1)
	}
	return nil
}

func (w *writer) readAt(ctx context.Context, p []byte, off int64) error {
	if err := Pass(ctx, w.Limit, len(p)); err != nil {
		return err
	}
	n, err := w.src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

var zeros [64 << 10]byte

func isZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}
