package store

import (
	"context"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// backendOf is the part of a pool's name that names its service: "host@backend" of "host@backend#pool".
func backendOf(pool string) string {
	backend, _, _ := strings.Cut(pool, "#")
	return backend
}

// PlaceEntry lets place choose a pool for a flow's volume, and takes the capacity at once: the next placement sees it as
// claimed, whatever the pool reports. All pools are locked meanwhile, so that a burst can't over-fill one. A flow has one
// claim; placing again replaces it. The error of place is returned as it is, and then nothing changes. A volume that
// belongs to the flow no more is a *StatusError.
func (s *Store) PlaceEntry(ctx context.Context, volumeID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error) {
	return s.place(ctx, volumeID, flowID, gib, place, func(tx *gorm.DB, pool string) error {
		n, err := changed(tx.Exec("UPDATE volumes SET host = ?, updated_at = ? WHERE id = ? AND flow_id = ?",
			pool, toMicros(s.now()), volumeID, flowID))
		if err == nil && n == 0 {
			return lostVolume(tx, volumeID, flowID)
		}
		return err
	})
}

// PlaceSnapshot is PlaceEntry for a snapshot, whose place is its volume's: place looks whether it has the room.
func (s *Store) PlaceSnapshot(ctx context.Context, snapshotID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error) {
	return s.place(ctx, snapshotID, flowID, gib, place, func(tx *gorm.DB, _ string) error {
		sn, err := lockSnapshot(tx, "", snapshotID)
		if err == nil && sn.FlowID != flowID {
			return lostSnapshot(tx, snapshotID, flowID)
		}
		return err
	})
}

// place claims gib of the pool that choose answers; own writes the place to the row, which must be the flow's.
func (s *Store) place(ctx context.Context, id, flowID string, gib int64, choose func([]models.PoolView) (string, error), own func(tx *gorm.DB, pool string) error) (string, error) {
	var pool string
	var refused error
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		refused = nil
		old, err := claimOf(tx, flowID)
		if err != nil {
			return err
		}
		views, err := s.poolViews(tx.Clauses(forUpdate), tx, old)
		if err != nil {
			return err
		}
		if pool, refused = choose(views); refused != nil {
			return refused
		}
		if err := own(tx, pool); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE flows SET backend = ? WHERE id = ?", backendOf(pool), flowID).Error; err != nil {
			return err
		}
		if err := countClaim(tx, old, -1); err != nil {
			return err
		}
		return addClaim(tx, models.Claim{FlowID: flowID, VolumeID: id, Pool: pool, GiB: gib, CreatedAt: s.now()})
	})
	if refused != nil {
		return "", refused
	}
	if err != nil {
		return "", err
	}
	return pool, nil
}

// ReleaseClaim gives back what a flow claimed of a pool; without a claim it does nothing.
func (s *Store) ReleaseClaim(ctx context.Context, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error { return s.dropClaim(tx, flowID) })
}

func (s *Store) dropClaim(tx *gorm.DB, flowID string) error {
	_, err := s.dropClaims(tx, "flow_id = ?", flowID)
	return err
}

// dropClaims ends claims; gib is how much they were. What the report of a pool may count though it is gone is in doubt until the next one.
func (s *Store) dropClaims(tx *gorm.DB, where string, args ...any) (gib int64, err error) {
	var ended []models.Claim
	if err := tx.Clauses(forUpdate).Where("gib > 0 AND "+where, args...).Find(&ended).Error; err != nil {
		return 0, err
	}
	for _, c := range ended {
		gib += c.GiB
		if err := forgetClaim(tx, c); err != nil {
			return 0, err
		}
		if !c.Doubtful && !c.Reported {
			continue
		}
		c.GiB, c.Doubtful, c.Reported, c.SettledAt = -c.GiB, true, false, s.now()
		if err := addClaim(tx, c); err != nil {
			return 0, err
		}
	}
	return gib, nil
}

func addClaim(tx *gorm.DB, c models.Claim) error {
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&c).Error; err != nil {
		return err
	}
	return countClaim(tx, c, 1)
}

func forgetClaim(tx *gorm.DB, c models.Claim) error {
	if n, err := changed(tx.Exec("DELETE FROM claims WHERE flow_id = ?", c.FlowID)); err != nil || n == 0 {
		return err
	}
	return countClaim(tx, c, -1)
}

// giveBack lets placements have the room of a volume that a delete has removed, before the pool reports it: a claim below zero, which goes
// with the next report that must show it. Only what the present report counts comes back: it must have been gathered after the volume was
// made, and before the delete began, which it may else have seen done; then it is in doubt. gib is without what the volume claimed.
func (s *Store) giveBack(tx *gorm.DB, v models.Volume, f models.Flow, gib int64) error {
	if f.Operation != models.OpVolumeDelete || v.LaunchedAt.IsZero() || gib <= 0 {
		return nil
	}
	var certain int64
	if err := tx.Table("pools").Where("name = ? AND gathered_at > ? AND gathered_at < ?", v.Host, toMicros(v.LaunchedAt), toMicros(f.CreatedAt)).Count(&certain).Error; err != nil {
		return err
	}
	now := s.now()
	return addClaim(tx, models.Claim{
		FlowID: f.ID, VolumeID: v.ID, Pool: v.Host, GiB: -gib, Doubtful: certain == 0, SettledAt: now, CreatedAt: now,
	})
}

// countClaim adds a claim to the sums of its pool, or with times -1 takes it out of them; a pool that is gone has none.
func countClaim(tx *gorm.DB, c models.Claim, times int64) error {
	var gib, count, doubt int64
	switch {
	case c.Pool == "" || c.Reported:
		return nil
	case c.Doubtful && c.GiB < 0: // the room may not be there yet
		doubt = -c.GiB
	case c.Doubtful:
		gib, count, doubt = c.GiB, 1, c.GiB
	case c.GiB < 0:
		gib, count = c.GiB, -1
	default:
		gib, count = c.GiB, 1
	}
	return tx.Exec("UPDATE pools SET claimed_gib = claimed_gib + ?, claimed_count = claimed_count + ?, claimed_in_doubt = claimed_in_doubt + ? WHERE name = ?",
		times*gib, times*count, times*doubt, c.Pool).Error
}

// claimOf reads a flow's claim; the zero value if it has none.
func claimOf(tx *gorm.DB, flowID string) (models.Claim, error) {
	var c models.Claim
	return c, tx.Where("flow_id = ?", flowID).Limit(1).Find(&c).Error
}

// settleClaim marks a claim whose volume is there: a report of the pool that is begun from now on contains it.
func (s *Store) settleClaim(tx *gorm.DB, flowID string) error {
	return tx.Exec("UPDATE claims SET settled_at = ? WHERE flow_id = ? AND settled_at = 0", toMicros(s.now()), flowID).Error
}
