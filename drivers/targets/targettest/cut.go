package targettest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/clinker-storage/clinker/drivers/targets"
)

func (s suite) concurrently() {
	var wg sync.WaitGroup
	errs := make(chan error, 10*s.opts.Many)
	for range s.opts.Many {
		e := s.export()
		wg.Go(func() {
			for range 2 {
				_, err := s.t.Ensure(s.ctx(), e)
				errs <- err
				_, err = s.t.Allow(s.ctx(), e, connector(hostA))
				errs <- err
				errs <- s.t.Deny(s.ctx(), e, connector(hostA))
				errs <- s.t.Remove(s.ctx(), e)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		s.NoError(err)
	}
	for e, err := range s.t.Exports(s.ctx()) {
		s.NoError(err)
		s.Fail("something is left", e.Name)
	}
}

// oneConcurrently has attempts overlap, in two processes' worth of targets. The last word is a Remove.
func (s suite) oneConcurrently() {
	e := s.export()
	second := s.opts.New(s.T, s.cfg)
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for _, t := range []targets.Target{s.t, second, s.t, second} {
		wg.Go(func() {
			for range 3 {
				_, err := t.Ensure(s.ctx(), e)
				errs <- err
				errs <- t.Deny(s.ctx(), e, connector(hostA))
				errs <- t.Remove(s.ctx(), e)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		s.NoError(err)
	}
	s.NoError(s.t.Remove(s.ctx(), e))
	s.gone(e)
}

// cutOff ends the context at each place where a call looks at it, then calls again.
func (s suite) cutOff() {
	for n := 0; ; n++ {
		s.Less(n, 200, "it never comes to its end")
		e := s.export()
		c := &cut{Context: s.ctx(), looks: int64(n)}
		_, err := s.t.Ensure(c, e)
		var allowed error
		if err == nil {
			_, allowed = s.t.Allow(c, e, connector(hostA))
		}
		if whole := err == nil && allowed == nil; whole {
			s.NoError(s.t.Remove(s.ctx(), e))
			return
		}
		s.ErrorIs(errors.Join(err, allowed), context.Canceled)
		if err != nil {
			s.gone(e) // a first Ensure that fails leaves nothing behind
		}
		_, err = s.t.Ensure(s.ctx(), e)
		s.NoError(err)
		if n%5 == 0 {
			s.login(s.allow(e, hostA), hostA)
		}
		s.NoError(s.t.Remove(s.ctx(), e))
		s.gone(e)
	}
}

// cutOffRemove does so with Remove; what is half removed is removed whole, by Remove, by Restore or by the next Ensure.
func (s suite) cutOffRemove() {
	for n := 0; ; n++ {
		s.Less(n, 200, "it never comes to its end")
		e := s.ensured()
		s.allow(e, hostA)
		err := s.t.Remove(&cut{Context: s.ctx(), looks: int64(n)}, e)
		if err == nil {
			s.gone(e)
			return
		}
		s.ErrorIs(err, context.Canceled)
		switch n % 3 {
		case 0:
			s.NoError(s.t.Remove(s.ctx(), e))
		case 1:
			_, before := s.listed(e.Name)
			s.True(before)
			s.NoError(s.t.Restore(s.ctx()))
			if listed, there := s.listed(e.Name); there {
				s.True(listed.Live && listed.Recorded, "the Remove had not begun: it is whole")
				s.NoError(s.t.Remove(s.ctx(), e))
			}
		case 2:
			_, err := s.t.Ensure(s.ctx(), e)
			s.NoError(err)
			s.login(s.allow(e, hostA), hostA)
			s.NoError(s.t.Remove(s.ctx(), e))
		}
		s.gone(e)
	}
}

func (s suite) cancelled() {
	e := s.ensured()
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	_, err := s.t.Ensure(ctx, s.export())
	s.ErrorIs(err, context.Canceled)
	_, err = s.t.Allow(ctx, e, connector(hostA))
	s.ErrorIs(err, context.Canceled)
	s.ErrorIs(s.t.Deny(ctx, e, connector(hostA)), context.Canceled)
	s.ErrorIs(s.t.Resize(ctx, e, size), context.Canceled)
	s.ErrorIs(s.t.Remove(ctx, e), context.Canceled)
	s.ErrorIs(s.t.Restore(ctx), context.Canceled)
	for _, err = range s.t.Exports(ctx) {
	}
	s.ErrorIs(err, context.Canceled)
	listed, _ := s.listed(e.Name)
	s.True(listed.Live)
	s.Empty(listed.Initiators)
}

// cut is a context that ends when it has been looked at some times.
type cut struct {
	context.Context
	looks int64
}

func (c *cut) Err() error {
	if atomic.AddInt64(&c.looks, -1) < 0 {
		return context.Canceled
	}
	return c.Context.Err()
}
