package backups

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	packSize = 16 << 20
	// uploads at a time; with the pack that is being filled, one more buffer than that is in use.
	uploads = 2
)

// packer fills packs and has them stored, a few at a time. One goroutine uses it.
type packer struct {
	store      Store
	id         string
	generation uint16
	attempts   []Attempt // the last one is this try's
	stored     int64     // bytes in packs that were handed to the store

	buf  []byte
	free chan []byte

	ctx     context.Context // ends with the first upload that fails
	group   *errgroup.Group
	pending *sync.WaitGroup // the uploads since the last checkpoint
	failed  atomic.Bool
}

func newPacker(ctx context.Context, s Store, id string, generation int, attempts []Attempt) *packer {
	p := &packer{store: s, id: id, generation: uint16(generation), attempts: attempts, free: make(chan []byte, uploads+1), pending: &sync.WaitGroup{}}
	p.group, p.ctx = errgroup.WithContext(ctx)
	for range cap(p.free) {
		p.free <- nil // made when it is needed
	}
	return p
}

// add puts a blob into the current pack and completes its entry.
func (p *packer) add(e entry, blob []byte) (entry, error) {
	if len(p.buf) > 0 && len(p.buf)+len(blob) > packSize {
		if err := p.flush(); err != nil {
			return e, err
		}
	}
	if p.buf == nil {
		if err := p.take(len(blob)); err != nil {
			return e, err
		}
	}
	attempt := len(p.attempts) - 1
	e.Generation, e.Pack = p.generation, uint32(attempt)<<packBits|p.attempts[attempt].Packs
	e.Offset, e.Length = uint32(len(p.buf)), uint32(len(blob))
	p.buf = append(p.buf, blob...)
	return e, nil
}

// take waits for a buffer. A blob may be larger than a pack: it gets one of its own.
func (p *packer) take(n int) error {
	select {
	case p.buf = <-p.free:
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
	if cap(p.buf) < n {
		p.buf = buffer(max(packSize, n))
	}
	p.buf = p.buf[:0]
	return nil
}

// flush hands the current pack to the store, if there is anything in it.
func (p *packer) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	a := &p.attempts[len(p.attempts)-1]
	if a.Packs+1 >= maxPacks {
		return fmt.Errorf("a backup has at most %d packs an attempt", maxPacks)
	}
	key, data, pending := packKey(p.id, a.Name, a.Packs), p.buf, p.pending
	a.Packs++
	p.stored += int64(len(data))
	p.buf = nil
	pending.Add(1)
	p.group.Go(func() error {
		defer pending.Done()
		if err := p.store.Put(p.ctx, key, data); err != nil {
			p.failed.Store(true) // before Done: no checkpoint may follow
			return fmt.Errorf("store %s: %w", key, err)
		}
		p.free <- data
		return nil
	})
	return nil
}
