package lvm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// Check looks for the volume group and the programs, makes the thin pool at the very first start, and has what killed steps
// left cleared away in the background.
func (d *Driver) Check(ctx context.Context) error {
	return d.fail("check", "", d.check(ctx))
}

func (d *Driver) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	first, err := d.locate(ctx)
	if err != nil {
		return err
	}
	// Of several starts at once, one makes the pool.
	f, err := d.openLocks()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := drivers.Lock(ctx, f, drivers.Claim{ID: "check " + d.opts.group}); err != nil {
		return err
	}
	rep, err := d.vg.Report(ctx, lvmcmd.Select{})
	if err != nil {
		return err
	}
	if err := groupTrouble(rep); err != nil {
		return err
	}
	if d.opts.thin {
		if err := d.checkPool(ctx, rep, first); err != nil {
			return err
		}
	}
	if first {
		if err := d.remember(rep.VG.UUID); err != nil {
			return err
		}
	}
	d.resume(ctx, rep)
	d.warn(rep)
	d.cleaner.start(d)
	return nil
}

const (
	// poolShare is how much of the free space the pool takes, as Cinder does; the rest is for its tables to grow, and
	// for repairs.
	poolShare = 95
	// tableShare: LVM's tables take 64 bytes a block of 64 KiB, a thousandth; snapshots need as much again for what differs.
	tableShare = 500
	leastTable = 4 << 20
	mostTable  = 15 << 30 // LVM's limit is just below 16 GiB
)

// checkPool sees to it that there is a pool, and that it can be worked with.
func (d *Driver) checkPool(ctx context.Context, rep lvmcmd.Report, first bool) error {
	s := &step{Driver: d, rep: rep}
	if _, ok := rep.LV(d.opts.pool()); !ok && first {
		tables := min(max(rep.VG.Free*poolShare/100/tableShare, leastTable), mostTable)
		if err := d.vg.CreatePool(ctx, d.opts.pool(), poolShare, tables); err != nil {
			return err
		}
		d.log.Info("thin pool made", "pool", d.opts.pool(), "volume_group", d.opts.group)
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	pool, err := s.poolLV()
	if err != nil {
		return err
	}
	if !pool.Active {
		if err := d.vg.Activate(ctx, pool.Name); err != nil {
			return err
		}
		if err := s.look(ctx); err != nil {
			return err
		}
		if pool, err = s.poolLV(); err != nil {
			return err
		}
	}
	if !pool.Zeroes {
		return withHint(fmt.Errorf("%w: the thin pool gives out blocks with what others wrote (zero=n)", drivers.ErrInvalid),
			fmt.Sprintf("lvchange -Z y %s/%s", d.opts.group, pool.Name))
	}
	return d.releaseStale(ctx, pool)
}

// releaseStale lets go of a snapshot of the pool's tables that a killed comparison left: a pool has one.
func (d *Driver) releaseStale(ctx context.Context, pool lvmcmd.LV) error {
	f, err := d.openLocks()
	if err != nil {
		return err
	}
	defer f.Close()
	free, err := drivers.TryLock(f, tablesClaim(pool))
	if err != nil || !free {
		return err // a comparison runs
	}
	held, err := d.vg.MetadataHeld(ctx, pool.Name)
	if err != nil || !held {
		return err
	}
	d.log.Info("releasing the snapshot of the pool's tables that a killed comparison left", "pool", pool.Name)
	return d.vg.ReleaseMetadata(ctx, pool.Name)
}

// resume wakes devices that an LVM command left suspended when it was killed: who reads them hangs.
func (d *Driver) resume(ctx context.Context, rep lvmcmd.Report) {
	suspended := func(rep lvmcmd.Report) map[string]lvmcmd.LV {
		found := map[string]lvmcmd.LV{}
		for _, lv := range rep.LVs {
			if lv.Suspended && !lv.Hidden {
				found[lv.UUID] = lv
			}
		}
		return found
	}
	before := suspended(rep)
	if len(before) == 0 {
		return
	}
	// A command that is at work suspends devices for a moment.
	select {
	case <-ctx.Done():
		return
	case <-time.After(2 * time.Second):
	}
	now, err := d.vg.Report(ctx, lvmcmd.Select{})
	for uuid, lv := range suspended(now) {
		if _, still := before[uuid]; still {
			d.log.Warn("resuming a device that a killed command left suspended", "logical_volume", lv.Name)
			err = errors.Join(err, d.vg.Refresh(ctx, lv.Name))
		}
	}
	if err != nil {
		d.log.Warn("suspended devices are not all resumed", "error", err)
	}
}

// warn says what works but not well.
func (d *Driver) warn(rep lvmcmd.Report) {
	log := d.log.With("volume_group", d.opts.group)
	if !d.opts.thin {
		switch {
		case !d.opts.clear:
			log.Warn("volume_clear = none: what deleted volumes held stays on the disks until the space is given out again, blanked")
		case d.opts.clearSize > 0:
			log.Warn("volume_clear_size: only the start of deleted volumes is wiped", "bytes", d.opts.clearSize)
		}
	}
	if rep.VG.MetadataSize < 8<<20 {
		log.Warn("the volume group's own metadata area is small: about 1,100 volumes fit into 1 MiB; physical volumes made with --metadatasize 128m take more", "bytes", rep.VG.MetadataSize)
	}
	if pool, ok := rep.LV(d.opts.pool()); ok && d.opts.thin {
		if what := poolFull(pool); what != "" {
			log.Warn(what)
		}
	}
}
