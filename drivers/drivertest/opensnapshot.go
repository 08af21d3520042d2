package drivertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
)

func (s suite) snapshotOpener() (drivers.SnapshotOpener, bool) {
	o, ok := s.d.(drivers.SnapshotOpener)
	return o, ok && s.d.Capabilities().OpenSnapshot
}

// An open snapshot holds what it held, while the volume is written, grows, gets more snapshots and loses them.
func (s suite) openSnapshot() {
	o, ok := s.snapshotOpener()
	if !ok {
		return
	}
	v := s.create(s.volume())
	s.fill(v, 80)
	below := s.snapshot(v)
	data := s.fill(v, 81)
	snap := s.snapshot(v)
	r, err := o.OpenSnapshot(s.ctx, snap)
	s.NoError(err)
	defer r.Close()
	s.Equal(s.opts.Size, r.Size())

	var writer sync.WaitGroup
	writer.Go(func() {
		for seed := range byte(4) {
			s.fill(v, 82+seed)
		}
	})
	s.reads(r, data)
	writer.Wait()
	if err := s.d.ExtendVolume(s.ctx, v, 2*v.Size); err == nil {
		v.Size *= 2
	} else {
		s.fails(err, drivers.ErrBusy)
	}
	s.reads(r, data)
	s.backedUp(r, data)
	above := s.snapshot(v)
	changed := s.fill(v, 90)
	for _, other := range []drivers.Snapshot{above, below} {
		if err := s.d.DeleteSnapshot(s.ctx, other); err != nil {
			s.fails(err, drivers.ErrBusy)
		}
		s.reads(r, data)
	}
	if err := s.d.DeleteSnapshot(s.ctx, snap); err != nil {
		s.fails(err, drivers.ErrBusy)
	}
	s.reads(r, data)
	s.NoError(r.Close())
	s.NoError(r.Close(), "a second time")
	for _, each := range []drivers.Snapshot{snap, above, below} {
		s.NoError(s.d.DeleteSnapshot(s.ctx, each))
	}
	_, err = o.OpenSnapshot(s.ctx, snap)
	s.fails(err, drivers.ErrNotFound)
	s.holds(v, changed)
}

// reads wants exactly data: every run that is said to hold some, in pieces and by several readers, and zeros elsewhere.
func (s suite) reads(r drivers.SnapshotReader, data []byte) {
	s.Helper()
	const piece = 1 << 20
	got, size := make([]byte, len(data)), int64(len(data))
	var known int64
	errs := make([]error, size/piece+1)
	var readers sync.WaitGroup
	for pos := int64(0); pos < size; {
		begin, end, err := r.NextData(pos)
		s.NoError(err)
		s.GreaterOrEqual(begin, pos)
		s.LessOrEqual(end, size)
		if begin >= size {
			break
		}
		s.Greater(end, begin)
		end = min(end, begin+piece)
		known += end - begin
		readers.Go(func() {
			n, err := r.ReadAt(got[begin:end], begin)
			if int64(n) < end-begin || err != nil && !errors.Is(err, io.EOF) {
				errs[begin/piece] = errors.Join(err, io.ErrShortBuffer)
			}
		})
		pos = end
	}
	readers.Wait()
	s.NoError(errors.Join(errs...))
	s.True(string(data) == string(got), "the open snapshot holds other bytes than it should")
	s.NotZero(known)
	n, err := r.ReadAt(make([]byte, 8), size-4)
	s.Equal(4, n, "behind the end")
	s.ErrorIs(err, io.EOF)
}

// backedUp has the engine of backups back the open snapshot up, and bring it back over something else.
func (s suite) backedUp(r drivers.SnapshotReader, data []byte) {
	s.Helper()
	store := mem.New()
	_, err := backups.Create(s.ctx, store, r, backups.CreateOptions{ID: "of-snapshot", Size: int64(len(data))})
	s.NoError(err)
	restored := backups.Bytes(bytes.Repeat([]byte{0xa5}, len(data)))
	_, err = backups.Restore(s.ctx, store, "of-snapshot", restored, backups.RestoreOptions{})
	s.NoError(err)
	s.True(string(data) == string(restored), "a backup of the open snapshot holds other bytes")
}

func (s suite) openSnapshotRefuses() {
	o, ok := s.d.(drivers.SnapshotOpener)
	if !ok {
		return
	}
	v := s.create(s.volume())
	if !s.d.Capabilities().OpenSnapshot {
		_, err := o.OpenSnapshot(s.ctx, NewSnapshot(v))
		s.fails(err, drivers.ErrNotSupported)
		return
	}
	snap := s.snapshot(v)
	_, err := o.OpenSnapshot(s.ctx, NewSnapshot(v))
	s.fails(err, drivers.ErrNotFound)
	_, err = o.OpenSnapshot(s.ctx, NewSnapshot(s.volume()))
	s.fails(err, drivers.ErrNotFound)
	for _, name := range []string{"../" + snap.ID, "a/" + snap.ID} {
		_, err = o.OpenSnapshot(s.ctx, drivers.Snapshot{ID: snap.ID, Name: name, Volume: v})
		s.fails(err, drivers.ErrInvalid)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err = o.OpenSnapshot(ctx, snap)
	s.fails(err, context.Canceled)
	// One that was never written is all zeros.
	r, err := o.OpenSnapshot(s.ctx, snap)
	s.NoError(err)
	got := make([]byte, s.opts.Size)
	_, err = r.ReadAt(got, 0)
	s.NoError(err)
	s.True(string(got) == string(make([]byte, s.opts.Size)))
	s.NoError(r.Close())
}
