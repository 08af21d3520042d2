package iscsi

import (
	"context"
	"errors"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// atOnce is how many exports are restored at a time: a node with a thousand should not be away for minutes.
const atOnce = 4

// Restore goes through the records: what should be exported is, what was being removed is gone.
func (t *Target) Restore(ctx context.Context) error {
	const op = "restore export"
	names, err := t.store.names()
	if err != nil {
		return t.fail(op, "", drivers.FileError(op, t.helper(), "", t.store.dir, err))
	}
	var (
		mu     sync.Mutex
		failed []error
		group  errgroup.Group
	)
	group.SetLimit(atOnce)
	for _, name := range names {
		group.Go(func() error {
			if err := t.exclusive(ctx, op, name, func() error { return t.restore(ctx, name) }); err != nil {
				t.cfg.Log().Error("an export was not restored", "export", name, "error", err, "hint", drivers.Hint(err))
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
			return nil
		})
	}
	_ = group.Wait() // its errors are in failed, all of them
	return errors.Join(failed...)
}

func (t *Target) restore(ctx context.Context, name string) error {
	r, found, err := t.kept(targets.Export{Name: name})
	if err != nil || !found {
		return err // gone meanwhile
	}
	if r.Removing {
		return t.drop(ctx, r)
	}
	if _, err := exists(r.Path); err != nil {
		return err
	}
	return t.machine.Apply(ctx, r)
}

// Exports puts the records and what the machine has side by side.
func (t *Target) Exports(ctx context.Context) iter.Seq2[targets.Exported, error] {
	return func(yield func(targets.Exported, error) bool) {
		list, err := t.exports(ctx)
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(targets.Exported{}, t.fail("list exports", "", err))
		}
	}
}

func (t *Target) exports(ctx context.Context) ([]targets.Exported, error) {
	// The records last: an export that comes meanwhile has its record before it is live, and must not show as somebody else's.
	all, err := t.machine.All(ctx)
	if err != nil {
		return nil, err
	}
	live := map[string]targets.Exported{}
	for _, e := range all {
		live[e.Location.IQN] = e
	}
	names, err := t.store.names()
	if err != nil {
		return nil, t.stateError(err)
	}
	var list []targets.Exported
	for _, name := range names {
		r, found, err := t.store.load(name)
		if err != nil {
			return nil, t.stateError(err)
		}
		if !found {
			continue
		}
		e := r.exported()
		if l, ok := live[r.IQN]; ok {
			e.Live, e.Sessions = l.Live, l.Sessions
			delete(live, r.IQN)
		}
		list = append(list, e)
	}
	for iqn := range live {
		// One that was removed meanwhile is nobody's.
		e, err := t.machine.Live(ctx, iqn)
		if err != nil {
			return nil, err
		}
		if e != nil {
			list = append(list, *e)
		}
	}
	return list, ctx.Err()
}
