package drivertest

import (
	"context"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// Who holds a volume keeps every step on it waiting, and other holders, unless both only read (data-safety rule 1).
func (s suite) hold() {
	h, ok := s.d.(drivers.Holder)
	if !ok {
		return
	}
	v := s.create(s.volume())
	src, err := s.d.Source(s.ctx, v)
	s.NoError(err)
	held, release, err := h.HoldVolume(s.ctx, v, true)
	s.NoError(err)
	s.Equal(src, held)
	_, too, err := h.HoldVolume(s.ctx, v, true)
	s.NoError(err, "readers share")
	too()

	soon, cancel := context.WithTimeout(s.ctx, 300*time.Millisecond)
	defer cancel()
	_, _, err = h.HoldVolume(soon, v, false)
	s.True(errors.Is(err, drivers.ErrBusy) || errors.Is(err, soon.Err()), "%v", err)
	release()

	_, release, err = h.HoldVolume(s.ctx, v, false)
	s.NoError(err)
	gone := make(chan error, 1)
	go func() { gone <- s.d.DeleteVolume(s.ctx, v) }()
	select {
	case err := <-gone:
		s.Failf("deleted", "while it was held: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	release()
	s.NoError(<-gone)
	_, _, err = h.HoldVolume(s.ctx, v, false)
	s.fails(err, drivers.ErrNotFound)
	_, _, err = h.HoldVolume(s.ctx, drivers.Volume{Name: "../etc/passwd"}, true)
	s.fails(err, drivers.ErrInvalid)
}
