package drivertest

import (
	"iter"

	"github.com/clinker-storage/clinker/drivers"
)

func (s suite) differ() (drivers.Differ, bool) {
	d, ok := s.d.(drivers.Differ)
	return d, ok && s.d.Capabilities().Diff
}

// extents collects what changed, and wants it in order and without overlap.
func (s suite) extents(changed iter.Seq2[drivers.Extent, error]) (all []drivers.Extent) {
	s.Helper()
	end := drivers.Bytes(0)
	for e, err := range changed {
		s.NoError(err)
		s.Positive(e.Length)
		s.GreaterOrEqual(e.Offset, end)
		end = e.Offset + e.Length
		all = append(all, e)
	}
	return all
}

// patch writes a page of seed.
func (s suite) patch(v drivers.Volume, at drivers.Bytes, seed byte) {
	s.Helper()
	disk := s.opts.Open(s.T, s.d, v)
	defer disk.Close()
	data := make([]byte, 4096)
	pattern(data, seed)
	_, err := disk.WriteAt(data, int64(at))
	s.NoError(err)
}

// Every byte that differs is in an extent; how much more is in them is the backend's business, but not everything.
func (s suite) diff() {
	d, ok := s.differ()
	if !ok {
		return
	}
	v := s.create(s.volume())
	s.fill(v, 60)
	base := s.snapshot(v)
	same := s.snapshot(v)
	s.Empty(s.extents(d.ChangedExtents(s.ctx, base, same)))

	// In what was data and in what was a hole.
	places := []drivers.Bytes{0, s.opts.Size / 2, s.opts.Size - 4096}
	for _, at := range places {
		s.patch(v, at, 61)
	}
	s.NoError(s.d.ExtendVolume(s.ctx, v, 2*v.Size))
	v.Size *= 2
	s.patch(v, s.opts.Size+4096, 62)
	later := s.snapshot(v)
	for range 2 {
		var sum drivers.Bytes
		all := s.extents(d.ChangedExtents(s.ctx, base, later))
		for _, e := range all {
			sum += e.Length
			s.LessOrEqual(e.Offset+e.Length, v.Size)
		}
		for _, at := range append(places, s.opts.Size+4096) {
			s.True(covered(all, at, 4096), "the change at %d is missing in %v", at, all)
		}
		s.Less(sum, v.Size, "not all of it changed")
	}
	// Stopping early is the caller's right.
	for range d.ChangedExtents(s.ctx, base, later) {
		break
	}
}

func covered(all []drivers.Extent, at, n drivers.Bytes) bool {
	for _, e := range all {
		if e.Offset <= at && at+n <= e.Offset+e.Length {
			return true
		}
	}
	return false
}

func (s suite) diffRefuses() {
	d, ok := s.differ()
	if !ok {
		return
	}
	v := s.create(s.volume())
	base, later := s.snapshot(v), s.snapshot(v)
	missing := func(base, later drivers.Snapshot) {
		s.Helper()
		n := 0
		for _, err := range d.ChangedExtents(s.ctx, base, later) {
			s.fails(err, drivers.ErrNotFound)
			n++
		}
		s.Equal(1, n)
	}
	missing(NewSnapshot(v), later)
	s.NoError(s.d.DeleteSnapshot(s.ctx, base))
	missing(base, later)
	// Made anew under its name, it is not what it was.
	again := base
	again.Location = ""
	_, err := s.d.CreateSnapshot(s.ctx, again)
	s.NoError(err)
	missing(base, later)
	other := s.create(s.volume())
	missing(s.snapshot(other), later)
}
