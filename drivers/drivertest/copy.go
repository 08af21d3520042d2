package drivertest

import (
	"context"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
)

// cloner returns the driver's Cloner; without the capability there is nothing to hold it to.
func (s suite) cloner() (drivers.Cloner, bool) {
	c, ok := s.d.(drivers.Cloner)
	return c, ok && s.d.Capabilities().Clone
}

func (s suite) clone() {
	c, ok := s.cloner()
	if !ok {
		return
	}
	for _, provisioning := range s.provisionings() {
		src := s.create(s.volume())
		data := s.fill(src, 5)
		same, larger := s.volume(), s.volume()
		larger.Size *= 2
		for _, v := range []drivers.Volume{same, larger} {
			v.Provisioning = provisioning
			made, err := c.CloneVolume(s.ctx, v, src)
			s.NoError(err)
			s.Equal(v.Name, made.Name)
			s.Equal(v.Size, made.Size)
			s.holds(v, data)
		}
		// Independent both ways, and of the source's life.
		changed := s.fill(src, 6)
		s.holds(same, data)
		other := s.fill(same, 7)
		s.holds(src, changed)
		s.NoError(s.d.DeleteVolume(s.ctx, src))
		s.holds(same, other)
		s.holds(larger, data)
		// The lost answer: the same call again finds the clone and leaves it alone, source or no source.
		_, err := c.CloneVolume(s.ctx, larger, same)
		s.NoError(err)
		s.holds(larger, data)
		s.lists(same, larger)
		s.NoError(s.d.DeleteVolume(s.ctx, same))
		s.NoError(s.d.DeleteVolume(s.ctx, larger))
	}
}

func (s suite) cloneRefuses() {
	c, ok := s.cloner()
	if !ok {
		return
	}
	src := s.create(s.volume())
	smaller := NewVolume(s.opts.Size / 2)
	_, err := c.CloneVolume(s.ctx, smaller, src)
	s.fails(err, drivers.ErrInvalid)
	v := s.volume()
	_, err = c.CloneVolume(s.ctx, v, s.volume())
	s.fails(err, drivers.ErrNotFound)
	s.Equal(drivers.Certain, drivers.Outcome(err))
	hostile := v
	hostile.Name = "../" + v.Name
	_, err = c.CloneVolume(s.ctx, hostile, src)
	s.fails(err, drivers.ErrInvalid)
	s.lists(src)
}

// A clone cancelled in the middle is not there; one that can't be cut short may be, but then it is whole.
func (s suite) cloneCancelled() {
	c, ok := s.cloner()
	if !ok {
		return
	}
	src := s.create(s.volume())
	data := s.fill(src, 8)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	v := s.volume()
	_, err := c.CloneVolume(drivers.WithProgress(ctx, func(_, _ drivers.Bytes) { cancel() }), v, src)
	if err != nil {
		s.fails(err, context.Canceled)
		s.lists(src)
	}
	_, err = c.CloneVolume(s.ctx, v, src)
	s.NoError(err)
	s.holds(v, data)
	s.lists(src, v)
}

func (s suite) cloneConcurrently() {
	c, ok := s.cloner()
	if !ok {
		return
	}
	src := s.create(s.volume())
	data := s.fill(src, 9)
	same, other := s.volume(), s.volume()
	todo := []drivers.Volume{same, same, same, other}
	errs := make([]error, len(todo))
	var wg sync.WaitGroup
	for i, v := range todo {
		wg.Go(func() { _, errs[i] = c.CloneVolume(s.ctx, v, src) })
	}
	wg.Wait()
	for _, err := range errs {
		s.NoError(err)
	}
	s.lists(src, same, other)
	s.holds(same, data)
	s.holds(other, data)
}
