package drivertest

import "github.com/clinker-storage/clinker/drivers"

// What is released is there no more, to us, and comes back with its bytes.
func (s suite) adopt() {
	a, ok := s.d.(drivers.Adopter)
	if !ok || !s.d.Capabilities().Adopt {
		return
	}
	kept, v := s.create(s.volume()), s.create(s.volume())
	data := s.fill(v, 50)
	ref, err := a.Release(s.ctx, v)
	s.NoError(err)
	s.NotEmpty(ref)
	// The lost answer: the same again, or that it is ours no more.
	if again, err := a.Release(s.ctx, v); err == nil {
		s.Equal(ref, again)
	} else {
		s.fails(err, drivers.ErrNotFound)
	}
	s.lists(kept)
	_, err = a.Release(s.ctx, s.volume())
	s.fails(err, drivers.ErrNotFound)

	taken := s.volume()
	for range 2 {
		made, err := a.Adopt(s.ctx, taken, ref)
		s.NoError(err)
		s.Equal(taken.ID, made.ID)
		s.Equal(taken.Name, made.Name)
		s.Equal(taken.Size, made.Size)
	}
	s.holds(taken, data)
	s.lists(kept, taken)
	found, err := s.d.FindVolume(s.ctx, taken.ID)
	s.NoError(err)
	s.Equal(taken.Name, found.Name)

	_, err = a.Adopt(s.ctx, s.volume(), kept.Name)
	s.fails(err, drivers.ErrExists)
	_, err = a.Adopt(s.ctx, s.volume(), s.volume().Name)
	s.fails(err, drivers.ErrNotFound)
	_, err = a.Adopt(s.ctx, s.volume(), "../etc/passwd")
	s.fails(err, drivers.ErrInvalid)
	if s.d.Capabilities().Snapshot {
		s.snapshot(taken)
		_, err = a.Release(s.ctx, taken)
		s.fails(err, drivers.ErrBusy)
	}
	s.lists(kept, taken)
	s.holds(taken, data)
}
