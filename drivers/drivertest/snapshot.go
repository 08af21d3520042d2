package drivertest

import (
	"context"

	"github.com/clinker-storage/clinker/drivers"
)

func (s suite) snapshots() {
	v := s.create(s.volume())
	snap := NewSnapshot(v)
	if !s.d.Capabilities().Snapshot {
		_, err := s.d.CreateSnapshot(s.ctx, snap)
		s.fails(err, drivers.ErrNotSupported)
		s.fails(s.d.DeleteSnapshot(s.ctx, snap), drivers.ErrNotSupported)
		_, err = s.d.CreateFromSnapshot(s.ctx, s.volume(), snap)
		s.fails(err, drivers.ErrNotSupported)
		s.lists(v)
		return
	}
	data := s.fill(v, 10)
	for range 2 {
		made, err := s.d.CreateSnapshot(s.ctx, snap)
		s.NoError(err)
		s.Equal(snap.ID, made.ID)
		s.Equal(snap.Name, made.Name)
		snap = made
	}
	s.lists(v)
	changed := s.fill(v, 11)
	s.fails(s.d.DeleteVolume(s.ctx, v), drivers.ErrBusy)
	s.holds(v, changed)

	made := s.volume()
	_, err := s.d.CreateFromSnapshot(s.ctx, made, snap)
	s.NoError(err)
	s.holds(made, data)
	s.NoError(s.d.DeleteSnapshot(s.ctx, snap))
	s.NoError(s.d.DeleteSnapshot(s.ctx, snap), "a second time")
	_, err = s.d.CreateFromSnapshot(s.ctx, s.volume(), snap)
	s.fails(err, drivers.ErrNotFound)
	s.holds(v, changed)
	s.NoError(s.d.DeleteVolume(s.ctx, v))
	s.holds(made, data)
	s.lists(made)
}

// snapshot takes one that must succeed.
func (s suite) snapshot(v drivers.Volume) drivers.Snapshot {
	s.Helper()
	made, err := s.d.CreateSnapshot(s.ctx, NewSnapshot(v))
	s.NoError(err)
	return made
}

// restored makes a volume of a snapshot, wants it to hold data, and removes it.
func (s suite) restored(snap drivers.Snapshot, data []byte) {
	s.Helper()
	v := s.volume()
	_, err := s.d.CreateFromSnapshot(s.ctx, v, snap)
	s.NoError(err)
	s.holds(v, data)
	s.NoError(s.d.DeleteVolume(s.ctx, v))
}

// Each of several snapshots keeps its own bytes, whichever of them goes first.
func (s suite) snapshotChain() {
	if !s.d.Capabilities().Snapshot {
		return
	}
	v := s.create(s.volume())
	var snaps []drivers.Snapshot
	var data [][]byte
	for seed := range byte(3) {
		data = append(data, s.fill(v, 20+seed))
		snaps = append(snaps, s.snapshot(v))
	}
	last := s.fill(v, 30)
	s.NoError(s.d.DeleteSnapshot(s.ctx, snaps[1]))
	s.restored(snaps[0], data[0])
	s.restored(snaps[2], data[2])
	s.NoError(s.d.DeleteSnapshot(s.ctx, snaps[0]))
	s.restored(snaps[2], data[2])
	s.holds(v, last)
	s.NoError(s.d.DeleteSnapshot(s.ctx, snaps[2]))
	s.holds(v, last)
	s.lists(v)
}

func (s suite) snapshotRefuses() {
	if !s.d.Capabilities().Snapshot {
		return
	}
	v := s.create(s.volume())
	_, err := s.d.CreateSnapshot(s.ctx, NewSnapshot(s.volume()))
	s.fails(err, drivers.ErrNotFound)
	s.Equal(drivers.Certain, drivers.Outcome(err))
	s.NoError(s.d.DeleteSnapshot(s.ctx, NewSnapshot(v)), "one that never was")
	s.NoError(s.d.DeleteSnapshot(s.ctx, NewSnapshot(s.volume())), "of a volume that never was")

	snap := s.snapshot(v)
	_, err = s.d.CreateFromSnapshot(s.ctx, NewVolume(s.opts.Size/2), snap)
	s.fails(err, drivers.ErrInvalid)
	for _, name := range []string{"../" + snap.ID, "-" + snap.ID, "snapshot-" + snap.ID + "\n", "a/" + snap.ID} {
		hostile := drivers.Snapshot{ID: snap.ID, Name: name, Volume: v}
		_, err := s.d.CreateSnapshot(s.ctx, hostile)
		s.fails(err, drivers.ErrInvalid)
		s.fails(s.d.DeleteSnapshot(s.ctx, hostile), drivers.ErrInvalid)
		_, err = s.d.CreateFromSnapshot(s.ctx, s.volume(), hostile)
		s.fails(err, drivers.ErrInvalid)
	}
	s.lists(v)
	s.restored(snap, nil)
}

func (s suite) snapshotCancelled() {
	if !s.d.Capabilities().Snapshot {
		return
	}
	v := s.create(s.volume())
	data := s.fill(v, 31)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	snap := NewSnapshot(v)
	_, err := s.d.CreateSnapshot(ctx, snap)
	s.fails(err, context.Canceled)
	snap, err = s.d.CreateSnapshot(s.ctx, snap)
	s.NoError(err)
	_, err = s.d.CreateFromSnapshot(ctx, s.volume(), snap)
	s.fails(err, context.Canceled)
	s.fails(s.d.DeleteSnapshot(ctx, snap), context.Canceled)
	s.fill(v, 32)
	s.lists(v)
	s.restored(snap, data)
}

func (s suite) createFromSnapshot() {
	if !s.d.Capabilities().Snapshot {
		return
	}
	v := s.create(s.volume())
	data := s.fill(v, 33)
	snap := s.snapshot(v)
	changed := s.fill(v, 34)
	for _, provisioning := range s.provisionings() {
		larger := s.volume()
		larger.Size *= 2
		larger.Provisioning = provisioning
		made, err := s.d.CreateFromSnapshot(s.ctx, larger, snap)
		s.NoError(err)
		s.Equal(larger.Name, made.Name)
		s.Equal(larger.Size, made.Size)
		s.holds(larger, data)
		// Independent of the volume; and the lost answer: the same call again leaves it alone.
		other := s.fill(larger, 35)
		_, err = s.d.CreateFromSnapshot(s.ctx, larger, snap)
		s.NoError(err)
		s.holds(larger, other)
		s.holds(v, changed)
		s.lists(v, larger)
		s.NoError(s.d.DeleteVolume(s.ctx, larger))
	}
	s.restored(snap, data)
}

// Cancelled in the middle it is not there; what can't be cut short may be, but then it is whole.
func (s suite) createFromSnapshotCancelled() {
	if !s.d.Capabilities().Snapshot {
		return
	}
	src := s.create(s.volume())
	data := s.fill(src, 36)
	snap := s.snapshot(src)
	s.inTheMiddle(s.volume(), data, func(ctx context.Context, v drivers.Volume) error {
		_, err := s.d.CreateFromSnapshot(ctx, v, snap)
		return err
	}, src)
}

// inTheMiddle makes v, cut off at the first progress, asks for it, and makes it again.
func (s suite) inTheMiddle(v drivers.Volume, data []byte, do func(context.Context, drivers.Volume) error, others ...drivers.Volume) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if err := do(drivers.WithProgress(ctx, func(_, _ drivers.Bytes) { cancel() }), v); err != nil {
		s.fails(err, context.Canceled)
		s.Equal(drivers.Ambiguous, drivers.Outcome(err))
		s.absent(v)
		s.lists(others...)
	}
	s.NoError(do(s.ctx, v))
	s.holds(v, data)
	s.lists(append(others, v)...)
	s.NoError(s.d.DeleteVolume(s.ctx, v))
	s.lists(others...)
}

// createCancelled cuts off a create that takes long: a thick one.
func (s suite) createCancelled() {
	for _, provisioning := range s.provisionings() {
		v := s.volume()
		v.Provisioning = provisioning
		s.inTheMiddle(v, nil, func(ctx context.Context, v drivers.Volume) error {
			_, err := s.d.CreateVolume(ctx, v)
			return err
		})
	}
}

// A snapshot keeps the size its volume had.
func (s suite) extendWithSnapshots() {
	if !s.d.Capabilities().Snapshot {
		return
	}
	v := s.create(s.volume())
	data := s.fill(v, 37)
	snap := s.snapshot(v)
	s.NoError(s.d.ExtendVolume(s.ctx, v, 2*v.Size))
	s.NoError(s.d.ExtendVolume(s.ctx, v, 2*v.Size), "a second time")
	v.Size *= 2
	s.holds(v, data)
	changed := s.fill(v, 38)
	s.restored(snap, data)
	s.holds(v, changed)
	s.lists(v)
}
