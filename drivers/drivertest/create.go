package drivertest

import (
	"context"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
)

func (s suite) check() {
	s.NoError(s.d.Check(s.ctx), "a second check")
	c := s.d.Capabilities()
	s.NotEmpty(c.Driver)
	s.NotEmpty(c.Version)
	s.NotEmpty(c.Vendor)
	s.NotEmpty(c.Protocol)
	s.True(c.Thin || c.Thick)
	s.Equal(c, s.d.Capabilities())
	_, cloner := s.d.(drivers.Cloner)
	s.True(cloner || !c.Clone, "claims Clone without being a Cloner")
	_, reverter := s.d.(drivers.Reverter)
	s.True(reverter || !c.Revert, "claims Revert without being a Reverter")
	_, adopter := s.d.(drivers.Adopter)
	s.True(adopter || !c.Adopt, "claims Adopt without being an Adopter")
	_, differ := s.d.(drivers.Differ)
	s.True(differ || !c.Diff, "claims Diff without being a Differ")
	_, keeper := s.d.(drivers.BaseKeeper)
	s.True(keeper && c.Diff || !c.KeepBase, "claims KeepBase without being a BaseKeeper that compares")
	_, mapper := s.d.(drivers.Mapper)
	s.True(mapper || !c.Mapped, "claims Mapped without being a Mapper")
	s.lists()
}

func (s suite) createAndFind() {
	var all []drivers.Volume
	for range 3 {
		v := s.volume()
		s.absent(v)
		made := s.create(v)
		s.Equal(v.ID, made.ID)
		s.Equal(v.Name, made.Name)
		s.Equal(v.Size, made.Size)
		all = append(all, made)
	}
	s.lists(all...)
	for _, v := range all {
		found, err := s.d.FindVolume(s.ctx, v.ID)
		s.NoError(err)
		s.Equal(v.ID, found.ID)
		s.Equal(v.Name, found.Name)
		s.Equal(v.Size, found.Size)
		s.holds(v, nil)
	}
}

func (s suite) createAgain() {
	v := s.create(s.volume())
	data := s.fill(v, 1)
	again, err := s.d.CreateVolume(s.ctx, v)
	s.NoError(err)
	s.Equal(v.Name, again.Name)
	s.holds(v, data)

	larger := v
	larger.Size *= 2
	_, err = s.d.CreateVolume(s.ctx, larger)
	s.fails(err, drivers.ErrExists)
	s.Equal(drivers.Certain, drivers.Outcome(err))
	s.holds(v, data)
	s.lists(v)
}

func (s suite) createRefuses() {
	for _, size := range []drivers.Bytes{0, -1} {
		_, err := s.d.CreateVolume(s.ctx, NewVolume(size))
		s.fails(err, drivers.ErrInvalid)
		s.Equal(drivers.Certain, drivers.Outcome(err))
	}
	s.lists()
}

// Attempts of one step overlap: whichever makes it, all succeed.
func (s suite) createConcurrently() {
	same := s.volume()
	all := []drivers.Volume{same}
	todo := []drivers.Volume{same, same, same, same}
	for range 8 {
		v := s.volume()
		all, todo = append(all, v), append(todo, v)
	}
	errs := make([]error, len(todo))
	var wg sync.WaitGroup
	for i, v := range todo {
		wg.Go(func() { _, errs[i] = s.d.CreateVolume(s.ctx, v) })
	}
	wg.Wait()
	for _, err := range errs {
		s.NoError(err)
	}
	s.lists(all...)
}

// A delete that overlaps a create leaves the volume whole or gone, never something between.
func (s suite) createAndDeleteConcurrently() {
	for range s.opts.Rounds {
		v := s.volume()
		var created, deleted error
		var wg sync.WaitGroup
		wg.Go(func() { _, created = s.d.CreateVolume(s.ctx, v) })
		wg.Go(func() { deleted = s.d.DeleteVolume(s.ctx, v) })
		wg.Wait()
		s.NoError(created)
		s.NoError(deleted)
		if found, err := s.d.FindVolume(s.ctx, v.ID); err == nil {
			s.lists(found)
			s.holds(found, nil)
			s.NoError(s.d.DeleteVolume(s.ctx, v))
		}
		s.lists()
	}
}

func (s suite) hostileNames() {
	good := s.create(s.volume())
	id := s.volume().ID
	for _, name := range []string{
		"", ".", "..", "../" + id, "/etc/" + id, "a/" + id, "-" + id, "--help-" + id, ".volume-" + id, "volume-" + id + "/..",
		"volume\x00-" + id, "volume-" + id + "\n", "volume " + id, "$(reboot)" + id, "vol..ume-" + id, "völume-" + id,
	} {
		v := drivers.Volume{ID: id, Name: name, Size: s.opts.Size}
		_, err := s.d.CreateVolume(s.ctx, v)
		s.fails(err, drivers.ErrInvalid)
		s.fails(s.d.DeleteVolume(s.ctx, v), drivers.ErrInvalid)
		s.fails(s.d.ExtendVolume(s.ctx, v, 2*s.opts.Size), drivers.ErrInvalid)
		_, err = s.d.Source(s.ctx, v)
		s.fails(err, drivers.ErrInvalid)
		_, err = s.d.FindVolume(s.ctx, name)
		s.ErrorIs(err, drivers.ErrNotFound)
	}
	s.lists(good)
}

// A context that is over before the call leaves nothing and changes nothing.
func (s suite) cancelled() {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	v, there := s.volume(), s.create(s.volume())
	_, err := s.d.CreateVolume(ctx, v)
	s.fails(err, context.Canceled)
	s.Equal(drivers.Ambiguous, drivers.Outcome(err))
	s.fails(s.d.DeleteVolume(ctx, there), context.Canceled)
	s.fails(s.d.ExtendVolume(ctx, there, 2*there.Size), context.Canceled)
	_, err = s.d.FindVolume(ctx, there.ID)
	s.fails(err, context.Canceled)
	_, err = s.d.Stats(ctx)
	s.fails(err, context.Canceled)
	for _, err := range s.d.Volumes(ctx) {
		s.fails(err, context.Canceled)
	}
	s.lists(there)
}

// What can't fit is refused and leaves nothing; a backend without an end has nothing to show here.
func (s suite) noSpace() {
	before := s.stat()
	if before.Total.Infinite || before.Total.Unknown || !s.d.Capabilities().Thick {
		return
	}
	v := NewVolume(drivers.Bytes(2*before.Total.GiB+1) << 30)
	v.Provisioning = "thick"
	_, err := s.d.CreateVolume(s.ctx, v)
	s.fails(err, drivers.ErrNoSpace)
	s.Equal(drivers.NoSpace, drivers.Outcome(err))
	s.absent(v)
	s.lists()

	small := s.volume()
	small.Provisioning = "thick"
	small = s.create(small)
	data := s.fill(small, 2)
	s.fails(s.d.ExtendVolume(s.ctx, small, v.Size), drivers.ErrNoSpace)
	s.lists(small)
	s.holds(small, data)
}
