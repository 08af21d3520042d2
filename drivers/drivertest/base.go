package drivertest

import (
	"slices"

	"github.com/clinker-storage/clinker/drivers"
)

// A volume has one base at most, which is nobody's snapshot and stands in nobody's way, and by which what changed since is found.
func (s suite) keepBase() {
	k, ok := s.d.(drivers.BaseKeeper)
	if !ok || !s.d.Capabilities().KeepBase {
		if ok {
			v := s.create(s.volume())
			s.fails(k.KeepBase(s.ctx, s.snapshot(v)), drivers.ErrNotSupported)
		}
		return
	}
	d, _ := s.differ()
	v, other := s.create(s.volume()), s.create(s.volume())
	s.fill(v, 70)
	s.fails(k.KeepBase(s.ctx, NewSnapshot(v)), drivers.ErrNotFound)
	users, first, strange := s.snapshot(v), s.snapshot(v), s.snapshot(other)
	wrong := strange
	wrong.Volume = v
	s.fails(k.KeepBase(s.ctx, wrong), drivers.ErrNotFound)
	s.NoError(k.KeepBase(s.ctx, strange))
	for range 2 {
		s.NoError(k.KeepBase(s.ctx, first))
	}
	s.patch(v, 0, 71)
	second := s.snapshot(v)
	s.True(covered(s.extents(d.ChangedExtents(s.ctx, first, second)), 0, 4096))
	s.fails(s.d.DeleteVolume(s.ctx, v), drivers.ErrBusy) // the user's snapshot
	s.NotEmpty(s.extents(d.ChangedExtents(s.ctx, first, second)), "what was refused has changed nothing")
	s.NoError(k.KeepBase(s.ctx, second))
	s.noDifference(d, first, second)
	again := s.snapshot(v)
	s.Empty(s.extents(d.ChangedExtents(s.ctx, second, again)))
	s.NoError(s.d.DeleteSnapshot(s.ctx, second))
	s.noDifference(d, second, again)

	s.NoError(k.KeepBase(s.ctx, again))
	s.NotContains(s.adoptableSnapshots(), again.ID)
	s.NoError(s.d.DeleteSnapshot(s.ctx, users))
	for range 2 {
		s.NoError(s.d.DeleteVolume(s.ctx, v))
	}
	s.noDifference(d, again, again)
	if a, ok := s.d.(drivers.Adopter); ok && s.d.Capabilities().Adopt {
		ref, err := a.Release(s.ctx, other)
		s.NoError(err, "a base is let go with its volume")
		_, err = a.Adopt(s.ctx, other, ref)
		s.NoError(err)
	}
	s.NoError(s.d.DeleteVolume(s.ctx, other))
	_, err := s.d.FindVolume(s.ctx, other.ID)
	s.fails(err, drivers.ErrNotFound)
	s.lists()
}

func (s suite) noDifference(d drivers.Differ, base, later drivers.Snapshot) {
	s.Helper()
	for _, err := range d.ChangedExtents(s.ctx, base, later) {
		s.fails(err, drivers.ErrNotFound)
	}
}

// adoptableSnapshots are the ids of the snapshots that a backend knows of.
func (s suite) adoptableSnapshots() (ids []string) {
	a, ok := s.d.(drivers.SnapshotAdopter)
	if !ok {
		return nil
	}
	for item, err := range a.AdoptableSnapshots(s.ctx) {
		s.NoError(err)
		ids = append(ids, item.ID)
	}
	return ids
}

// What a volume was never written at, it has not got; what was, it has, whether or not it reached the disk yet.
func (s suite) mapped() {
	m, ok := s.d.(drivers.Mapper)
	if !ok || !s.d.Capabilities().Mapped {
		return
	}
	v := s.create(s.volume())
	all, err := m.MappedExtents(s.ctx, v)
	s.NoError(err)
	s.Empty(all)
	places := []drivers.Bytes{0, s.opts.Size - 4096}
	for _, at := range places {
		s.patch(v, at, 80)
	}
	all, err = m.MappedExtents(s.ctx, v)
	s.NoError(err)
	s.True(slices.IsSortedFunc(all, func(a, b drivers.Extent) int { return int(a.Offset - b.Offset) }))
	var sum drivers.Bytes
	for _, e := range all {
		sum += e.Length
	}
	for _, at := range places {
		s.True(covered(all, at, 4096), "what is at %d is missing in %v", at, all)
	}
	s.Less(sum, v.Size, "not all of it was written")
	_, err = m.MappedExtents(s.ctx, s.volume())
	s.fails(err, drivers.ErrNotFound)
}
