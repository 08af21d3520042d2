package lvm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// wipeMark is how often a wipe writes down how far it is, so that after a kill it does not begin anew.
const wipeMark = 30 * time.Second

// condemn marks a thick volume for deletion and takes its name away: from here on it isn't listed, no export can be made
// of it, and whoever comes next goes on with it. A snapshot's store becomes a volume of its own.
func (s *step) condemn(ctx context.Context, lv lvmcmd.LV, length int64) (lvmcmd.LV, error) {
	switch lv.Tags[tagState] {
	case deleting:
		length = lv.Size // the mark says how much; this is in case it can't be read
	case temporary: // known for what it is by its mark, and by a name that no export bears
	default:
		mark := encode(map[string]string{tagState: deleting, tagWipe: fmt.Sprintf("0-%d", length)})
		if err := s.vg.Retag(ctx, lv.Name, mark, present(lv, tagState, tagWipe)); err != nil {
			return lv, err
		}
	}
	if lv.Tags[tagWipe] == "" {
		lv.Tags[tagWipe] = fmt.Sprintf("0-%d", length)
	}
	if lv.ThickSnapshot {
		if err := s.holding(lv, s.vg.Split(ctx, lv.Name)); err != nil {
			return lv, err
		}
	}
	if name := s.deletingLV(lv.Name, lv.UUID); lv.Tags[tagState] != temporary && !isDeletingName(lv.Name) {
		if err := s.vg.Rename(ctx, lv.Name, name); err != nil {
			return lv, err
		}
		lv.Name, lv.Path = name, s.vg.Path(name)
	}
	return lv, nil
}

// wipe clears what condemn marked, from where an earlier attempt stopped, and removes the volume.
func (s *step) wipe(ctx context.Context, lv lvmcmd.LV) error {
	var from, to int64
	if _, err := fmt.Sscanf(lv.Tags[tagWipe], "%d-%d", &from, &to); err != nil {
		from, to = 0, lv.Size // unreadable: all of it
	}
	to = min(to, lv.Size)
	if from < to && !lv.Active {
		if err := s.vg.Activate(ctx, lv.Name); err != nil {
			return err
		}
	}
	marked, tag := time.Now(), lv.Tags[tagWipe]
	err := blank{path: lv.Path, from: from, to: to, ioPrio: s.opts.ioPrio, pace: s.pace, progress: func(at int64) {
		if time.Since(marked) < wipeMark {
			return
		}
		marked = time.Now()
		next := fmt.Sprintf("%d-%d", at, to)
		if err := s.vg.Retag(ctx, lv.Name, encode(map[string]string{tagWipe: next}), encode(map[string]string{tagWipe: tag})); err == nil {
			tag = next
		}
	}}.run(ctx)
	if err != nil {
		return s.holding(lv, err)
	}
	return s.remove(ctx, lv)
}

// holding adds to a busy error what holds the device.
func (s *step) holding(lv lvmcmd.LV, err error) error {
	var own *hinted
	if !errors.Is(err, drivers.ErrBusy) || errors.As(err, &own) || lv.Path == "" {
		return err
	}
	return withHint(err, heldBy(lv.Path))
}

// storeLength is how much of a thick snapshot's store was written: exceptions fill it from its start. The report rounds,
// and the store's own tables come on top.
func storeLength(lv lvmcmd.LV) int64 {
	if lv.Invalid || lv.DataPercent < 0 {
		return lv.Size
	}
	const margin = 16 << 20
	used := int64(float64(lv.Size)*(lv.DataPercent+1)/100) + margin
	return min((used+page-1)/page*page, lv.Size)
}
