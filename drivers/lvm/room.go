package lvm

import (
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// Past these nothing new is made (data-safety rule 11): a thin pool that runs full fails the writes of every guest in it, and
// one whose tables run full goes read-only.
const (
	fullData     = 90.0 // percent
	fullMetadata = 75.0
	// leastGroupMetadata is what the volume group's description must have left: some 60 tagged volumes' worth, so that
	// what is there can still be renamed, tagged and removed.
	leastGroupMetadata = 32 << 10
)

// room refuses to make anything more where the group or the pool is near its end.
func (s *step) room() error {
	if err := groupTrouble(s.rep); err != nil {
		return err
	}
	if s.rep.VG.MetadataFree < leastGroupMetadata {
		return withHint(fmt.Errorf("%w: the volume group's own metadata area is nearly full with %d logical volumes", drivers.ErrNoSpace, s.rep.VG.Count),
			"delete volumes or snapshots, or move to physical volumes made with a larger --metadatasize (docs/backends/lvm.md)")
	}
	if !s.opts.thin {
		return nil
	}
	pool, err := s.poolLV()
	if err != nil {
		return err
	}
	if what := poolFull(pool); what != "" {
		return withHint(fmt.Errorf("%w: %s", drivers.ErrNoSpace, what), fmt.Sprintf(
			"extend the pool: `lvextend -L +10G %[1]s/%[2]s` or `lvextend --poolmetadatasize +1G %[1]s/%[2]s`; then `clinker flow retry <flow>`", s.opts.group, pool.Name))
	}
	return nil
}

// poolLV finds the thin pool, well.
func (s *step) poolLV() (lvmcmd.LV, error) {
	pool, ok := s.rep.LV(s.opts.pool())
	if !ok || !pool.IsPool {
		return pool, withHint(fmt.Errorf("%w: the thin pool is not there", drivers.ErrUnavailable),
			fmt.Sprintf("volume group %s has no thin pool %s; it is made at the first start only: look what became of it", s.opts.group, s.opts.pool()))
	}
	if what := poolTrouble(pool); what != "" {
		return pool, withHint(fmt.Errorf("%w: %s", drivers.ErrUnavailable, what),
			fmt.Sprintf("see lvmthin(7): deactivate %[1]s/%[2]s and activate it again; `lvconvert --repair %[1]s/%[2]s` if that fails", s.opts.group, pool.Name))
	}
	return pool, nil
}

func groupTrouble(rep lvmcmd.Report) error {
	if n := rep.VG.MissingPVs; n > 0 {
		return withHint(fmt.Errorf("%w: the volume group lacks disks", drivers.ErrUnavailable), fmt.Sprintf("%d physical volumes of %s are missing: `pvs` shows which", n, rep.VG.Name))
	}
	return nil
}

// poolTrouble says what ails a pool, "" when it is well.
func poolTrouble(pool lvmcmd.LV) string {
	switch {
	case pool.NeedsCheck:
		return "the thin pool's tables need a check"
	case pool.Health != "" && pool.Health != "out_of_data":
		return "the thin pool is not well: " + pool.Health
	}
	return ""
}

// poolFull says which limit a pool has passed, "" when none.
func poolFull(pool lvmcmd.LV) string {
	switch {
	case pool.DataPercent >= fullData:
		return fmt.Sprintf("the thin pool's data is at %.0f %%; from %.0f %% on nothing new is made", pool.DataPercent, fullData)
	case pool.MetadataPercent >= fullMetadata:
		return fmt.Sprintf("the thin pool's tables are at %.0f %%; from %.0f %% on nothing new is made", pool.MetadataPercent, fullMetadata)
	}
	return ""
}
