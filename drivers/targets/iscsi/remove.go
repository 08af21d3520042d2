package iscsi

import (
	"context"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// Remove marks the record, has the machine take all away, then removes the record.
func (t *Target) Remove(ctx context.Context, e targets.Export) error {
	const op = "remove export"
	return t.exclusive(ctx, op, e.Name, func() error {
		r, found, err := t.kept(e)
		if err != nil {
			return err
		}
		if !found {
			if r.IQN, err = IQN(t.cfg.Prefix, e.Name); err != nil {
				return err
			}
			r.Export = e
			return t.machine.Drop(ctx, r)
		}
		if !r.Removing {
			r.Removing = true
			if err := t.save(r); err != nil {
				return err
			}
		}
		return t.drop(ctx, r)
	})
}

// drop has the machine let go of the export, and forgets it.
func (t *Target) drop(ctx context.Context, r Record) error {
	if err := t.machine.Drop(ctx, r); err != nil {
		return err
	}
	return t.forget(r.Name)
}

// Resize records the new size, then has the machine show it.
func (t *Target) Resize(ctx context.Context, e targets.Export, size targets.Bytes) error {
	const op = "resize export"
	return t.exclusive(ctx, op, e.Name, func() error {
		old, found, err := t.kept(e)
		if err != nil {
			return err
		}
		if !found || old.Removing {
			return fmt.Errorf("%w: the volume is not exported", drivers.ErrNotFound)
		}
		r := old.clone()
		r.Size = max(old.Size, size)
		have, err := sizeOf(r.Path)
		if err != nil {
			return err
		}
		if have < r.Size {
			return fmt.Errorf("%w: the volume has %d bytes, not %d; it is grown before its export", drivers.ErrInvalid, have, r.Size)
		}
		// The machine is asked also when the record has that size already: a call may have been cut off between the two.
		return t.change(ctx, old, r, func() error { return t.machine.Resize(ctx, r) })
	})
}
