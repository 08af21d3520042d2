package iscsi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// Ensure records the export, then has the machine make it.
func (t *Target) Ensure(ctx context.Context, e targets.Export) (at targets.Location, err error) {
	const op = "export"
	err = t.exclusive(ctx, op, e.Name, func() error {
		r, err := t.ensure(ctx, e)
		at = r.Location()
		return err
	})
	if err != nil {
		return targets.Location{}, err
	}
	return at, nil
}

func (t *Target) ensure(ctx context.Context, e targets.Export) (Record, error) {
	if e.VolumeID == "" {
		return Record{}, fmt.Errorf("%w: an export needs its volume's id", drivers.ErrInvalid)
	}
	if _, err := exists(e.Path); err != nil {
		return Record{}, err
	}
	if have, err := sizeOf(e.Path); err != nil || have < e.Size {
		return Record{}, cmp.Or(err, fmt.Errorf("%w: what is to be exported has %d bytes, not %d", drivers.ErrInvalid, have, e.Size))
	}
	r, found, err := t.kept(e)
	if err != nil {
		return r, err
	}
	if found && r.Removing {
		// A Remove was cut off. The volume's next export is a new one, with new credentials.
		if err := t.drop(ctx, r); err != nil {
			return r, err
		}
		found = false
	}
	if !found {
		return t.first(ctx, e)
	}
	return t.again(ctx, r, e)
}

// first exports what was not exported: all or nothing.
func (t *Target) first(ctx context.Context, e targets.Export) (Record, error) {
	iqn, err := IQN(t.cfg.Prefix, e.Name)
	if err != nil {
		return Record{}, err
	}
	if err := t.local(t.cfg.Addresses); err != nil {
		return Record{}, err
	}
	chap := t.cfg.CHAP
	if chap.User == "" {
		chap = newCHAP()
	}
	r := Record{
		Export: e, IQN: iqn, Portals: t.cfg.Portals(), LUN: t.machine.LUN(), Initiators: []string{},
		CHAPUser: chap.User, CHAPSecret: chap.Password, NoWriteCache: t.cfg.NoWriteCache,
	}
	if err := t.takeOver(ctx, r); err != nil {
		return r, err
	}
	if err := t.save(r); err != nil {
		return r, err
	}
	if err := t.machine.Apply(ctx, r); err != nil {
		ctx, cancel := undo(ctx)
		defer cancel()
		if undone := t.drop(ctx, r); undone != nil {
			t.cfg.Log().Error("an export that failed could not be taken back; Restore tries again", "export", r.Name, "error", undone)
		}
		return r, err
	}
	return r, nil
}

// takeOver clears the way for an export that the machine has but no record tells of. If somebody uses it, it is left alone: to
// change its credentials would cut a guest from its disk.
func (t *Target) takeOver(ctx context.Context, r Record) error {
	live, err := t.machine.Live(ctx, r.IQN)
	if err != nil || live == nil {
		return err
	}
	if len(live.Sessions) > 0 {
		return &drivers.Error{
			Err:  fmt.Errorf("%w: it is exported already, used by %s, and there is no record of it", drivers.ErrBusy, live.Sessions[0]),
			Hint: fmt.Sprintf("another program exports it, or the records in %s were lost: put them back, or detach the volume from that host first", t.store.dir),
		}
	}
	t.cfg.Log().Warn("an export without a record is made anew", "export", r.Name, "iqn", r.IQN)
	return t.machine.Drop(ctx, r)
}

// again brings an export up to date.
func (t *Target) again(ctx context.Context, r Record, e targets.Export) (Record, error) {
	old := r.clone()
	moved := !sameFile(r.Path, e.Path) || r.Readonly != e.Readonly
	if moved {
		live, err := t.machine.Live(ctx, r.IQN)
		if err != nil {
			return old, err
		}
		if live != nil && len(live.Sessions) > 0 {
			return old, fmt.Errorf("%w: it is exported from another path, or otherwise writable, and used by %s", drivers.ErrBusy, live.Sessions[0])
		}
		if err := t.machine.Drop(ctx, r); err != nil {
			return old, err
		}
		r.Path, r.Readonly = e.Path, e.Readonly
	}
	r.Size, r.Discard = max(r.Size, e.Size), e.Discard
	r.NoWriteCache = t.cfg.NoWriteCache
	r.Portals = t.cfg.Portals()
	if added := newPortals(old.Portals, r.Portals); len(added) > 0 {
		if err := t.local(added); err != nil {
			return old, err
		}
	}
	return r, t.change(ctx, old, r, func() error {
		if err := t.machine.Apply(ctx, r); err != nil || r.Size == old.Size {
			return err
		}
		return t.machine.Resize(ctx, r)
	})
}

// change writes the new record and does the work; if that fails the old record comes back, so that the next call sees the difference again.
func (t *Target) change(_ context.Context, old, r Record, work func() error) error {
	differs := !old.equal(r)
	if differs {
		if err := t.save(r); err != nil {
			return err
		}
	}
	err := work()
	if err != nil && differs {
		err = errors.Join(err, t.save(old))
	}
	return err
}

func newPortals(old, portals []string) (added []netip.Addr) {
	for _, p := range portals {
		if !slices.Contains(old, p) {
			added = append(added, addressOf(p))
		}
	}
	return added
}

// sameFile tells whether two paths lead to the same file or device: an LV has several names.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && (os.SameFile(x, y) || sameDevice(x, y))
}
