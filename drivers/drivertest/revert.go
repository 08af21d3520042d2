package drivertest

import (
	"context"

	"github.com/clinker-storage/clinker/drivers"
)

// A revert gives back the bytes of the snapshot, keeps the snapshot and those before it, and the volume's size.
func (s suite) revert() {
	r, ok := s.d.(drivers.Reverter)
	if !ok || !s.d.Capabilities().Revert {
		return
	}
	v := s.create(s.volume())
	before := s.fill(v, 40)
	first := s.snapshot(v)
	data := s.fill(v, 41)
	latest := s.snapshot(v)
	s.fails(r.RevertToSnapshot(s.ctx, v, NewSnapshot(v)), drivers.ErrNotFound)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.fails(r.RevertToSnapshot(ctx, v, latest), context.Canceled)

	s.fill(v, 42)
	s.NoError(r.RevertToSnapshot(s.ctx, v, latest))
	s.holds(v, data)
	s.fill(v, 43)
	s.NoError(s.d.ExtendVolume(s.ctx, v, 2*v.Size))
	s.NoError(r.RevertToSnapshot(s.ctx, v, latest))
	s.NoError(r.RevertToSnapshot(s.ctx, v, latest), "a second time")
	v.Size *= 2
	s.holds(v, data)
	s.lists(v)
	s.restored(latest, data)
	s.restored(first, before)

	other := s.create(s.volume())
	s.fails(r.RevertToSnapshot(s.ctx, other, latest), drivers.ErrInvalid)
	s.holds(other, nil)
}
