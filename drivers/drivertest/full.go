package drivertest

import (
	"errors"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// fillLimit is the largest backend that the suite fills up, in GiB: the others are somebody's disk.
const fillLimit = 8

// A backend that runs full refuses, keeps what it has, and goes on when there is room again.
func (s suite) full() {
	before := s.stat()
	if before.Total.Infinite || before.Total.Unknown || before.Total.GiB > fillLimit || !s.d.Capabilities().Thick {
		return
	}
	kept := s.volume()
	kept.Provisioning = "thick"
	kept = s.create(kept)
	data := s.fill(kept, 70)
	size := drivers.Bytes(before.Free.GiB*float64(1<<30)/3) / s.opts.Size * s.opts.Size
	all := []drivers.Volume{kept}
	var err error
	for range 8 {
		v := NewVolume(size)
		v.Provisioning = "thick"
		if _, err = s.d.CreateVolume(s.ctx, v); err != nil {
			s.absent(v)
			break
		}
		all = append(all, v)
	}
	s.fails(err, drivers.ErrNoSpace)
	s.lists(all...)
	s.holds(kept, data)
	if c, ok := s.cloner(); ok {
		v := NewVolume(size)
		v.Provisioning = "thick"
		_, err := c.CloneVolume(s.ctx, v, kept)
		s.fails(err, drivers.ErrNoSpace)
		s.lists(all...)
	}
	s.fails(s.d.ExtendVolume(s.ctx, kept, 4*size), drivers.ErrNoSpace)
	s.holds(kept, data)
	if s.d.Capabilities().Snapshot {
		// Room for a small one may be left.
		if _, err := s.d.CreateSnapshot(s.ctx, NewSnapshot(all[len(all)-1])); err != nil && !errors.Is(err, drivers.ErrNoSpace) {
			s.NoError(err)
		}
	}
	s.NoError(s.d.DeleteVolume(s.ctx, all[1]))
	v := NewVolume(size)
	v.Provisioning = "thick"
	s.Eventually(func() bool { // space is on its way back: xfs frees it in the background
		_, err := s.d.CreateVolume(s.ctx, v)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	s.holds(kept, data)
}
