package iscsi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/models"
)

// Allow records the initiator, then has the machine let it in.
func (t *Target) Allow(ctx context.Context, e targets.Export, c targets.Connector) (info targets.ConnectionInfo, err error) {
	const op = "allow"
	if err := checkInitiator(c.Initiator); err != nil {
		return info, t.fail(op, e.Name, err)
	}
	err = t.exclusive(ctx, op, e.Name, func() error {
		old, found, err := t.kept(e)
		if err != nil {
			return err
		}
		if !found || old.Removing {
			return fmt.Errorf("%w: the volume is not exported", drivers.ErrNotFound)
		}
		r := old.clone()
		if !r.Allows(c.Initiator) {
			r.Initiators = append(r.Initiators, c.Initiator)
		}
		err = t.change(ctx, old, r, func() error {
			if err := t.machine.Apply(ctx, r); err != nil {
				return errors.Join(err, t.shutOut(ctx, old, r))
			}
			return nil
		})
		info = models.ISCSIConnection(r.VolumeID, r.Location(), c.Multipath, r.Discard)
		return err
	})
	if err != nil {
		return targets.ConnectionInfo{}, err
	}
	return info, nil
}

// Lookup reads the record.
func (t *Target) Lookup(ctx context.Context, e targets.Export, c targets.Connector) (info targets.ConnectionInfo, err error) {
	err = t.exclusive(ctx, "look up", e.Name, func() error {
		r, found, err := t.kept(e)
		if err != nil {
			return err
		}
		if !found || r.Removing || !r.Allows(c.Initiator) {
			return fmt.Errorf("%w: the volume is not exported to %q", drivers.ErrNotFound, c.Initiator)
		}
		info = models.ISCSIConnection(r.VolumeID, r.Location(), c.Multipath, r.Discard)
		return nil
	})
	return info, err
}

// shutOut takes back the initiators that r has more than old.
func (t *Target) shutOut(ctx context.Context, old, r Record) (err error) {
	ctx, cancel := undo(ctx)
	defer cancel()
	for _, i := range r.Initiators {
		if !old.Allows(i) {
			err = errors.Join(err, t.machine.Expel(ctx, old, i))
		}
	}
	return err
}

// Deny strikes the initiator from the record and has the machine expel it. The machine is asked whatever the record says: an
// earlier call may have been cut off between the two.
func (t *Target) Deny(ctx context.Context, e targets.Export, c targets.Connector) error {
	const op = "deny"
	all := c.Initiator == targets.Everyone
	if !all {
		if err := checkInitiator(c.Initiator); err != nil {
			return t.fail(op, e.Name, err)
		}
	}
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
		}
		expelled := []string{c.Initiator}
		if all {
			if expelled, err = t.everyone(ctx, r); err != nil {
				return err
			}
		}
		kept := slices.DeleteFunc(slices.Clone(r.Initiators), func(i string) bool { return indexOf(expelled, i) >= 0 })
		if found && len(kept) < len(r.Initiators) {
			r.Initiators = kept
			if err := t.save(r); err != nil {
				return err
			}
		}
		for _, i := range expelled {
			if err := t.machine.Expel(ctx, r, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// everyone is who is recorded, let in or logged in.
func (t *Target) everyone(ctx context.Context, r Record) ([]string, error) {
	names := slices.Clone(r.Initiators)
	live, err := t.machine.Live(ctx, r.IQN)
	if err != nil || live == nil {
		return names, err
	}
	for _, i := range slices.Concat(live.Initiators, live.Sessions) {
		if indexOf(names, i) < 0 {
			names = append(names, i)
		}
	}
	return names, nil
}
