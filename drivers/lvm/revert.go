package lvm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// RevertToSnapshot merges the snapshot into its volume and makes it anew. LVM puts a merge off while the volume is open, and a
// later reboot would then wipe what the guest wrote since: so the volume is made inactive first, which nobody can prevent us
// from noticing, and activated again by us.
//
// What is under way is written on the volume as a tag, so that whoever comes after a kill goes on with it.
func (d *Driver) RevertToSnapshot(ctx context.Context, v drivers.Volume, snap drivers.Snapshot) error {
	return d.fail("revert to snapshot", v.Name, d.revert(ctx, v, snap))
}

func (d *Driver) revert(ctx context.Context, v drivers.Volume, snap drivers.Snapshot) error {
	if err := errors.Join(checkVolume(v), check("snapshot", snap.Name, snap.ID)); err != nil {
		return err
	}
	s, err := d.begin(ctx, drivers.Claim{ID: idOf(v.Name)}, drivers.Claim{ID: idOf(snap.Name)})
	if err != nil {
		return err
	}
	defer s.end()
	if err := s.sweep(ctx, idOf(v.Name), ""); err != nil {
		return err
	}
	lv, err := s.volume(v.Name)
	if err != nil {
		return err
	}
	if m, ok := parseMark(lv.Tags[tagRevert]); ok {
		return s.resumeRevert(ctx, lv, m, m.name == snapshotLV(snap.Name))
	}
	from, err := s.snapshot(snap)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", snap.Name, err)
	}
	switch {
	case from.Tags[tagVolume] != lv.Tags[tagVolume]:
		return fmt.Errorf("%w: the snapshot is of another volume", drivers.ErrInvalid)
	case from.Invalid:
		return errOverflown
	case lv.Open || from.Open:
		return withHint(fmt.Errorf("%w: it is open on its node", drivers.ErrBusy), heldBy(lv.Path))
	}
	return s.merge(ctx, lv, from)
}

// mark is what the tag of a revert says.
type mark struct {
	name string // of the snapshot's logical volume
	id   string // of the snapshot
	size int64  // the volume's size when the snapshot was made
	full int64  // the volume's size now, which it keeps
	sum  string // of the snapshot's bytes; "" for a thin one, which takes the volume's place as it is
}

func (m mark) String() string {
	return fmt.Sprintf("%s/%s/%d/%d/%s", m.name, m.id, m.size, m.full, m.sum)
}

func parseMark(text string) (m mark, ok bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 5 {
		return m, false
	}
	m.name, m.id, m.sum = parts[0], parts[1], parts[4]
	_, err := fmt.Sscanf(parts[2]+" "+parts[3], "%d %d", &m.size, &m.full)
	return m, err == nil
}

// merge does a whole revert.
func (s *step) merge(ctx context.Context, lv, from lvmcmd.LV) error {
	m := mark{name: from.Name, id: from.Tags[tagSnapshot], size: int64(snapshotSize(from)), full: lv.Size}
	if from.ThickSnapshot {
		if !from.Active {
			if err := s.vg.Activate(ctx, lv.Name); err != nil {
				return err
			}
		}
		var err error
		if m.sum, err = sum(ctx, from.Path, m.size, s.pace); err != nil {
			return err
		}
	}
	if err := s.vg.Retag(ctx, lv.Name, encode(map[string]string{tagRevert: m.String()}), nil); err != nil {
		return err
	}
	lv.Tags[tagRevert] = m.String()
	return s.mergeMarked(ctx, lv, m)
}

// mergeMarked goes on from the mark, the snapshot being there.
func (s *step) mergeMarked(ctx context.Context, lv lvmcmd.LV, m mark) error {
	names := []string{lv.Name}
	if lv.Thin() {
		names = append(names, m.name) // a thick snapshot goes with its origin
	}
	for _, name := range names {
		if err := s.holding(lv, s.vg.Deactivate(ctx, name)); err != nil {
			return errors.Join(err, s.unmark(ctx, lv))
		}
	}
	if err := s.vg.Merge(ctx, m.name); err != nil {
		return errors.Join(err, s.unmark(ctx, lv))
	}
	return s.afterMerge(ctx, lv, m)
}

// unmark takes a revert back that has not begun.
func (s *step) unmark(ctx context.Context, lv lvmcmd.LV) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	return errors.Join(s.vg.Activate(ctx, lv.Name), s.vg.Retag(ctx, lv.Name, nil, present(lv, tagRevert)))
}

// afterMerge activates the volume, which starts a thick merge, waits for it, compares, and makes the snapshot anew.
func (s *step) afterMerge(ctx context.Context, lv lvmcmd.LV, m mark) error {
	if err := s.vg.Activate(ctx, lv.Name); err != nil {
		return err
	}
	if err := s.awaitMerge(ctx, lv.Name, m); err != nil {
		return err
	}
	lv, ok := s.rep.LV(lv.Name)
	if !ok {
		return fmt.Errorf("%w: the volume is gone while it is reverted", drivers.ErrUnavailable)
	}
	if lv.Size < m.full {
		// A thin snapshot brings the size along that the volume had.
		if err := s.vg.Extend(ctx, lv.Name, m.full); err != nil {
			return err
		}
	}
	if m.sum != "" {
		got, err := sum(ctx, lv.Path, m.size, s.pace)
		if err != nil {
			return err
		}
		if got != m.sum {
			return withHint(fmt.Errorf("%w: after the merge the volume does not hold what the snapshot held", drivers.ErrUnavailable),
				fmt.Sprintf("look in the kernel log for errors of the disks below %s/%s before anybody uses the volume", s.opts.group, lv.Name))
		}
	}
	if !lv.Thin() {
		// What the volume has beyond the snapshot's end, the merge leaves as it is.
		if err := s.holding(lv, s.blank(ctx, lv, m.size)); err != nil {
			return err
		}
	}
	tags := s.tagsFor(lv.Tags[tagVolume], map[string]string{tagSnapshot: m.id, tagSize: number(m.size)}, "")
	if err := s.takeSnapshot(ctx, lv, m.name, tags); err != nil {
		return err
	}
	return s.vg.Retag(ctx, lv.Name, nil, present(lv, tagRevert))
}

const mergePoll = 300 * time.Millisecond

// awaitMerge waits until LVM has removed the snapshot, which it does when the merge has ended.
func (s *step) awaitMerge(ctx context.Context, volume string, m mark) error {
	for n := 1; ; n++ {
		if err := s.look(ctx); err != nil {
			return err
		}
		snap, there := s.rep.LV(m.name)
		lv, _ := s.rep.LV(volume)
		if !there && !lv.Merging {
			return nil
		}
		if there && !snap.Merging && !lv.Merging {
			return withHint(fmt.Errorf("%w: LVM did not begin the merge", drivers.ErrUnavailable), "repeat the revert")
		}
		drivers.ReportProgress(ctx, drivers.Bytes(n), drivers.Bytes(n+1))
		if n%30 == 0 {
			// Whoever supervised it may have been killed.
			if err := s.vg.Poll(ctx, volume); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(mergePoll):
		}
	}
}

// resumeRevert goes on with a revert that was cut off. again says that the same revert is asked for: where it had not begun
// it is then done, else taken back.
func (s *step) resumeRevert(ctx context.Context, lv lvmcmd.LV, m mark, again bool) error {
	snap, there := s.rep.LV(m.name)
	switch {
	case there && !snap.Merging && !lv.Merging && snap.Tags[tagSnapshot] != "" && (snap.Thin() || snap.ThickSnapshot):
		if !again {
			return s.unmark(ctx, lv)
		}
		// Maybe it is the one made anew, and only the mark was left: to merge it once more changes nothing.
		return s.mergeMarked(ctx, lv, m)
	case there && !snap.Merging && !lv.Merging:
		// lvcreate was killed while it made the snapshot anew.
		if err := s.remove(ctx, snap); err != nil {
			return err
		}
	}
	return s.afterMerge(ctx, lv, m)
}

// finishReverts ends what a killed revert of the volume left.
func (s *step) finishReverts(ctx context.Context, id string) error {
	for _, lv := range s.rep.LVs {
		if m, ok := parseMark(lv.Tags[tagRevert]); ok && s.ours(lv) && lv.Tags[tagVolume] == id && lv.Tags[tagSnapshot] == "" {
			if err := s.resumeRevert(ctx, lv, m, false); err != nil {
				return err
			}
			return s.look(ctx)
		}
	}
	return nil
}
