package backups

import (
	"context"
)

// piece is a part of a volume that is brought back by one goroutine: up to unitBlocks blocks, or a run of zeros.
type piece struct {
	off, length int64
	entries     []entry // nil: zeros
	stored, out []byte  // buffers
	moved       int64
	err         error
	done        chan struct{}
}

// plan reads the tables, in order, and hands out pieces.
func (r *reader) plan(ctx context.Context, index []entry, free <-chan *piece, emit func(*piece)) error {
	for i := int(r.begin / r.layout.stride()); i < len(index); i++ {
		off, length := r.layout.regionOf(i)
		table, err := r.chain.table(ctx, index[i], r.layout.blocksIn(i))
		if err != nil && r.goOn {
			p, stop := r.free(ctx, free)
			if stop != nil {
				return stop
			}
			// The piece carries the damage to where damages are counted.
			p.off, p.length, p.err = off, length, at(err, off)
			emit(p)
			continue
		}
		if err != nil {
			return at(err, off)
		}
		step := unitBlocks * r.layout.block
		if table == nil {
			step = length
		}
		for pos := max(0, r.begin-off) / step * step; pos < length; pos += step {
			p, err := r.free(ctx, free)
			if err != nil {
				return err
			}
			p.off, p.length = off+pos, min(step, length-pos)
			if table != nil {
				first := int(pos / r.layout.block)
				p.entries = table[first:min(first+unitBlocks, len(table))]
			}
			emit(p)
		}
	}
	return nil
}

func (r *reader) free(ctx context.Context, free <-chan *piece) (*piece, error) {
	select {
	case p := <-free:
		*p = piece{stored: p.stored, out: p.out, done: make(chan struct{})}
		return p, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// process fetches a piece's blocks, checks them and writes them.
func (r *reader) process(ctx context.Context, p *piece) error {
	if p.entries == nil {
		return r.to.Zero(p.off, p.length)
	}
	if p.out == nil {
		p.out = buffer(int(unitBlocks * r.layout.block))
	}
	for i := 0; i < len(p.entries); {
		n := run(p.entries[i:], func(e entry) bool { return e.zero() == p.entries[i].zero() })
		begin := int64(i) * r.layout.block
		end := min(int64(i+n)*r.layout.block, p.length)
		if p.entries[i].zero() {
			if err := r.to.Zero(p.off+begin, end-begin); err != nil {
				return err
			}
		} else {
			if err := r.fetch(ctx, p, i, n); err != nil {
				return err
			}
			if _, err := r.to.WriteAt(p.out[begin:end], p.off+begin); err != nil {
				return err
			}
		}
		i += n
	}
	return nil
}

// fetch brings n blocks from i on into p.out; those that lie side by side in a pack in one go, and once those that lie there once.
func (r *reader) fetch(ctx context.Context, p *piece, i, n int) error {
	for end := i + n; i < end; {
		e := p.entries[i]
		next := e.Offset
		side := run(p.entries[i:end], func(x entry) bool {
			ok := x.Generation == e.Generation && x.Pack == e.Pack && x.Offset == next && int64(x.Length) <= sealedMost(r.layout.block)
			next = x.Offset + x.Length
			return ok
		})
		off := p.off + int64(i)*r.layout.block
		key, err := r.chain.pack(e)
		if err != nil {
			return at(err, off)
		}
		if side == 0 {
			return at(damage(key, int64(e.Offset), "a block of %d bytes, where at most %d belong", e.Length, sealedMost(r.layout.block)), off)
		}
		if err := r.fetchRun(ctx, p, key, i, side); err != nil {
			return at(err, off)
		}
		i += side
		for block := r.layout.block; i < end && p.entries[i] == p.entries[i-1] && int64(i+1)*block <= p.length; i++ {
			copy(p.out[int64(i)*block:int64(i+1)*block], p.out[int64(i-1)*block:int64(i)*block])
		}
	}
	return nil
}

func (r *reader) fetchRun(ctx context.Context, p *piece, key string, i, n int) error {
	first := p.entries[i]
	last := p.entries[i+n-1]
	length := int(last.Offset + last.Length - first.Offset)
	if cap(p.stored) < length {
		p.stored = buffer(length)
	}
	stored := p.stored[:length]
	if err := Pass(ctx, r.Limit, length); err != nil {
		return err
	}
	if err := readFull(ctx, r.chain.store, key, stored, int64(first.Offset)); err != nil {
		return err
	}
	p.moved += int64(length)
	for k := i; k < i+n; k++ {
		e := p.entries[k]
		begin := int64(k) * r.layout.block
		out := p.out[begin:min(begin+r.layout.block, p.length)]
		from := e.Offset - first.Offset
		if err := r.chain.codecs[e.Generation].open(out, stored[from:from+e.Length], e); err != nil {
			return at(damage(key, int64(e.Offset), "%v", err), p.off+begin)
		}
	}
	return nil
}

// run counts how many entries from the first on satisfy ok.
func run(entries []entry, ok func(entry) bool) int {
	n := 0
	for n < len(entries) && ok(entries[n]) {
		n++
	}
	return n
}
