package lvm

import (
	"context"
	"strings"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

func isDeletingName(name string) bool { return strings.HasPrefix(name, "_deleting-") }

// sweep finishes or removes what killed steps on a volume left, but for what is called keep; the caller holds the volume's
// lock. The report is new afterwards.
func (s *step) sweep(ctx context.Context, id, keep string) error {
	found := false
	for _, lv := range s.rep.LVs {
		if !s.ours(lv) || lv.Hidden || lv.Tags[tagVolume] != id || lv.Tags[tagState] == "" || lv.Name == keep {
			continue
		}
		found = true
		s.log.Info("removing what a killed step left", "logical_volume", lv.Name, "state", lv.Tags[tagState])
		if err := s.sweepOne(ctx, lv); err != nil {
			return err
		}
	}
	if !found {
		return nil
	}
	return s.look(ctx)
}

func (s *step) sweepOne(ctx context.Context, lv lvmcmd.LV) error {
	switch lv.Tags[tagState] {
	case building:
		return s.remove(ctx, lv)
	case adopting:
		// It has its former name still: taking the tags off gives it back untouched.
		return s.vg.Retag(ctx, lv.Name, nil, present(lv, tagCloud, tagVolume, tagState, tagAdopted, "clinker.flow"))
	case temporary:
		return s.discard(ctx, lv, s.clearStore(lv))
	case deleting:
		lv, err := s.condemn(ctx, lv, lv.Size)
		if err != nil {
			return err
		}
		return s.wipe(ctx, lv)
	}
	return s.discard(ctx, lv, s.clearLength(lv.Size))
}

// cleaner clears in the background what killed steps left: wiping takes hours, and a start must not wait for it.
type cleaner struct {
	mu      sync.Mutex
	running bool
	again   bool
	ctx     context.Context //nolint:containedctx // ends with the driver, not with a call
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

func (c *cleaner) init() { c.ctx, c.cancel = context.WithCancel(context.Background()) }

// start runs a round, or one more when one runs.
func (c *cleaner) start(d *Driver) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return
	}
	if c.running {
		c.again = true
		return
	}
	c.running = true
	c.wg.Go(func() {
		for {
			d.sweepAll(c.ctx)
			if !c.next() {
				return
			}
		}
	})
}

// next tells whether another round was asked for.
func (c *cleaner) next() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = c.again && c.ctx.Err() == nil
	c.again = false
	return c.running
}

func (c *cleaner) close() {
	c.mu.Lock()
	c.cancel()
	c.mu.Unlock()
	c.wg.Wait()
}

// sweepAll goes through all volumes with leftovers. One that is locked belongs to a step that lives.
func (d *Driver) sweepAll(ctx context.Context) {
	rep, err := d.vg.Report(ctx, lvmcmd.Select{})
	if err != nil {
		d.log.Warn("what killed steps left is not cleared away", "error", err, "hint", drivers.Hint(d.fail("clean", "", err)))
		return
	}
	surplus := (&step{Driver: d, rep: rep}).surplus()
	seen := map[string]bool{}
	for _, lv := range rep.LVs {
		id := lv.Tags[tagVolume]
		if !d.ours(lv) || seen[id] || lv.Tags[tagState] == "" && lv.Tags[tagRevert] == "" && !(surplus && isBase(lv)) {
			continue
		}
		seen[id] = true
		if err := d.sweepVolume(ctx, id); err != nil && ctx.Err() == nil {
			d.log.Warn("what a killed step left is not cleared away", "volume", id, "error", err, "hint", drivers.Hint(d.fail("clean", "", err)))
		}
	}
}

func (d *Driver) sweepVolume(ctx context.Context, id string) error {
	f, err := d.openLocks()
	if err != nil {
		return err
	}
	free, err := drivers.TryLock(f, drivers.Claim{ID: id})
	s := &step{Driver: d, locks: f, sel: lvmcmd.Select{Key: tagVolume, IDs: []string{id}}}
	defer s.end()
	if err != nil || !free {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.sweep(ctx, id, ""); err != nil {
		return err
	}
	if err := s.finishReverts(ctx, id); err != nil {
		return err
	}
	if s.surplus() {
		return s.dropBases(ctx, id, "")
	}
	return nil
}
