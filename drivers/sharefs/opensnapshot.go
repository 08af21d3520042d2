package sharefs

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/devices"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/qcow"
)

// OpenSnapshot opens the files that hold the snapshot's data, each in the format that the volume's record says and with its header checked
// (data-safety rule 9). They don't change while a guest writes, which it does to the file on top; but the deletion of a snapshot
// merges files, so it is ErrBusy while any snapshot of the volume is open, on whatever host.
func (d *Driver) OpenSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.SnapshotReader, error) {
	const op = "open snapshot"
	if err := d.checkSnapshot(s); err != nil {
		return nil, d.fail(op, s.Name, nil, err)
	}
	p, err := d.find(ctx, s.Volume)
	if err != nil {
		return nil, d.fail(op, s.Name, nil, err)
	}
	defer p.Close()
	r, err := d.openSnapshot(ctx, p, s)
	if err != nil {
		return nil, d.fail(op, s.Name, p.share, owned(err))
	}
	return r, nil
}

// readers is the lock that those who have a snapshot of the volume open share.
func readers(volume string, shared bool) drivers.Claim {
	return drivers.Claim{ID: "readers of " + files.ID(volume), Shared: shared}
}

func (d *Driver) openSnapshot(ctx context.Context, p *place, s drivers.Snapshot) (drivers.SnapshotReader, error) {
	if err := p.lock(ctx, drivers.Claim{ID: files.ID(s.Volume.Name), Shared: true}); err != nil {
		return nil, err
	}
	k, err := p.load(s.Volume.Name)
	if err != nil {
		return nil, err
	}
	if k.snapshots[s.ID] == "" || k.step == stepDelete && k.of == s.ID {
		return nil, drivers.ErrNotFound
	}
	below := k.below(k.snapshots[s.ID])
	switch {
	case k.step == stepDelete:
		return nil, &drivers.Error{
			Op: "open snapshot", Driver: d.kind.Name, Resource: s.Name, Err: fmt.Errorf("%w: the deletion of another snapshot has not ended", drivers.ErrBusy),
			Hint: "repeat that deletion: it goes on where it stopped",
		}
	case len(below) == 0:
		return nil, fmt.Errorf("%w: it is not in the chain of the volume's files", drivers.ErrUnavailable)
	}
	locks, err := p.Open(files.LockName, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	if err := drivers.Lock(ctx, locks, readers(k.name, true)); err != nil {
		return nil, errors.Join(err, locks.Close())
	}
	chain, err := p.openChain(below)
	if err != nil {
		return nil, errors.Join(err, locks.Close())
	}
	return &openSnapshot{Data: chain, locks: locks}, nil
}

// unread answers ErrBusy while somebody has a snapshot of the volume open. The caller has the volume's lock, so nobody opens one after
// that.
func (d *Driver) unread(p *place, k *disk) error {
	free, err := drivers.TryLock(p.Locks, readers(k.name, false))
	if err != nil || free {
		return err
	}
	return &drivers.Error{
		Op: "look who reads snapshots", Driver: d.kind.Name, Resource: k.name, Err: fmt.Errorf("%w: a snapshot of the volume is being read", drivers.ErrBusy),
		Hint: "a backup or copy of it runs: wait until it has ended, then `clinker flow retry <flow>`",
	}
}

// openSnapshot holds the lock that keeps its files as they are.
type openSnapshot struct {
	qcow.Data
	locks *os.File
}

// Close lets the files be merged again.
func (o *openSnapshot) Close() error {
	err := o.Data.Close()
	if e := o.locks.Close(); !errors.Is(e, os.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// openChain opens a chain, which was walked, from its lowest file up.
func (p *place) openChain(chain []link) (qcow.Data, error) {
	var below qcow.Data
	for i := len(chain) - 1; i >= 0; i-- {
		next, err := p.openLink(chain[i], below)
		if err != nil {
			if below != nil {
				err = errors.Join(err, below.Close())
			}
			return nil, err
		}
		below = next
	}
	return below, nil
}

func (p *place) openLink(l link, below qcow.Data) (qcow.Data, error) {
	f, err := p.openPlain(l.file)
	if err != nil {
		return nil, err
	}
	if l.format != qcow2 {
		return devices.FromFile(f, int64(l.size))
	}
	h, err := qcow.ReadHeader(f)
	if err == nil && h.Size != l.size {
		err = qcow.Bad("of %s has changed", l.file)
	}
	var i *qcow.Image
	if err == nil {
		i, err = qcow.OpenImage(f, h, below)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return i, nil
}
