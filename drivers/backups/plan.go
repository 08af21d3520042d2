package backups

import (
	"context"
	"iter"
)

// plan makes the units of the volume, from where an earlier try ended, and hands them to emit in order. Regions in which
// nothing has to be looked at pass as a whole.
func (w *writer) plan(ctx context.Context, free <-chan *unit, emit func(*unit) error) error {
	changed := newChanges(w.Changed, w.parent)
	defer changed.stop()
	first := len(w.table) // blocks of the first region that are done
	for r := len(w.regions); r < w.layout.regions(); r++ {
		whole, err := w.skip(r, first, changed)
		if err != nil {
			return err
		}
		var parent []entry
		if whole == nil {
			if parent, err = w.parentTable(ctx, r); err != nil {
				return err
			}
		}
		blocks := w.layout.blocksIn(r)
		for first < blocks {
			u, err := takeUnit(ctx, free)
			if err != nil {
				return err
			}
			n := min(unitBlocks, blocks-first)
			if whole != nil {
				n = blocks
			}
			w.fill(u, r, first, n, parent, whole)
			if err := changed.ask(u, w.layout.block); err != nil {
				return err
			}
			if err := emit(u); err != nil {
				return err
			}
			first += n
		}
		first = 0
	}
	return nil
}

func takeUnit(ctx context.Context, free <-chan *unit) (*unit, error) {
	select {
	case u := <-free:
		return u, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fill makes a used unit a new one, with its buffers.
func (w *writer) fill(u *unit, r, first, n int, parent []entry, whole *entry) {
	off, _ := w.layout.regionOf(r)
	off += int64(first) * w.layout.block
	length := min(int64(n)*w.layout.block, w.layout.size-off)
	*u = unit{region: r, first: first, off: off, length: length, reuse: whole, done: make(chan struct{}), buf: u.buf, arena: u.arena[:0], entries: u.entries[:0], blobs: u.blobs[:0]}
	if whole != nil {
		close(u.done)
		return
	}
	if u.buf == nil {
		most := unitBlocks * w.layout.block
		u.buf = buffer(int(most))
		u.arena = make([]byte, 0, most+w.layout.block)
	}
	u.entries = append(u.entries, make([]entry, n)...)
	if first < len(parent) {
		u.parent = parent[first:min(first+n, len(parent))]
	}
}

func (w *writer) parentTable(ctx context.Context, r int) ([]entry, error) {
	e := w.parentRegion(r)
	if e.zero() {
		return nil, nil
	}
	return w.parent.table(ctx, e, w.parent.last().layout().blocksIn(r))
}

// skip answers a region's entry where that is known without a look at its blocks: nothing changed in it, or it is a hole.
func (w *writer) skip(r, first int, changed *changes) (*entry, error) {
	if first > 0 {
		return nil, nil
	}
	off, length := w.layout.regionOf(r)
	if changed != nil {
		// A region that is now longer than the parent's has another table.
		if w.parent.last().layout().regions() > r && w.parent.last().layout().blocksIn(r) == w.layout.blocksIn(r) {
			any, err := changed.within(off, off+length)
			if err == nil && !any {
				e := w.parentRegion(r)
				return &e, nil
			}
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	begin, _, err := w.src.NextData(off)
	if err != nil || begin < off+length {
		return nil, err
	}
	return &entry{}, nil
}

// changes walks the extents that may differ from the parent. nil asks for everything.
type changes struct {
	next func() (Extent, error, bool)
	done func()
	cur  Extent
	more bool
	from int64 // everything from here on is new: the parent was smaller
}

func newChanges(seq iter.Seq2[Extent, error], parent *chain) *changes {
	if seq == nil || parent == nil {
		return nil
	}
	c := &changes{more: true, from: parent.last().Size / parent.last().BlockSize * parent.last().BlockSize}
	c.next, c.done = iter.Pull2(seq)
	return c
}

func (c *changes) stop() {
	if c != nil {
		c.done()
	}
}

// within tells whether anything in [off, end) may have changed; off never goes back.
func (c *changes) within(off, end int64) (bool, error) {
	if end > c.from {
		return true, nil
	}
	for c.more && int64(c.cur.Offset+c.cur.Length) <= off {
		e, err, ok := c.next()
		if err != nil {
			return false, err
		}
		c.cur, c.more = e, ok
	}
	return c.more && int64(c.cur.Offset) < end, nil
}

// ask marks the unit's blocks that must be looked at.
func (c *changes) ask(u *unit, block int64) error {
	if c == nil || u.reuse != nil {
		return nil
	}
	u.asked = make([]bool, len(u.entries))
	for i := range u.asked {
		off := u.off + int64(i)*block
		var err error
		if u.asked[i], err = c.within(off, off+block); err != nil {
			return err
		}
	}
	return nil
}
