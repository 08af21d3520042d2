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
		claim := models.Claim{FlowID: flowID, VolumeID: id, Pool: pool, GiB: gib, CreatedAt: s.now()}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&claim).Error; err != nil {
			return err
		}
		if err := countClaim(tx, old.Pool, -old.GiB, -1); err != nil {
			return err
		}
		return countClaim(tx, pool, gib, 1)
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
	return s.write(ctx, func(tx *gorm.DB) error { return dropClaim(tx, flowID) })
}

func dropClaim(tx *gorm.DB, flowID string) error {
	_, err := dropClaims(tx, "flow_id = ?", flowID)
	return err
}

// dropClaims removes claims and takes them out of their pools' sums; gib is how much they were.
func dropClaims(tx *gorm.DB, where string, args ...any) (gib int64, err error) {
	var gone []models.Claim
	if err := tx.Raw("DELETE FROM claims WHERE "+where+" RETURNING pool, gib", args...).Scan(&gone).Error; err != nil {
		return 0, err
	}
	for _, c := range gone {
		gib += c.GiB
		if err := countClaim(tx, c.Pool, -c.GiB, -1); err != nil {
			return 0, err
		}
	}
	return gib, nil
}

// giveBack lets placements have the room of a volume that a delete has removed, before the pool reports it: a claim below zero, which goes
// with the next report. Only what the present report counts comes back: it must have been gathered after the volume was made, and
// before the delete began, which it may else have seen done. gib is without what the volume claimed.
func (s *Store) giveBack(tx *gorm.DB, v models.Volume, f models.Flow, gib int64) error {
	if f.Operation != models.OpVolumeDelete || v.LaunchedAt.IsZero() || gib <= 0 {
		return nil
	}
	n, err := changed(tx.Exec("UPDATE pools SET claimed_gib = claimed_gib - ?, claimed_count = claimed_count - 1 WHERE name = ? AND gathered_at > ? AND gathered_at < ?",
		gib, v.Host, toMicros(v.LaunchedAt), toMicros(f.CreatedAt)))
	if err != nil || n == 0 {
		return err
	}
	now := s.now()
	return tx.Create(&models.Claim{FlowID: f.ID, VolumeID: v.ID, Pool: v.Host, GiB: -gib, SettledAt: now, CreatedAt: now}).Error
}

// countClaim adds to what is claimed of a pool; "" is none. A pool that is gone has no sum to keep.
func countClaim(tx *gorm.DB, pool string, gib, count int64) error {
	if pool == "" {
		return nil
	}
	return tx.Exec("UPDATE pools SET claimed_gib = claimed_gib + ?, claimed_count = claimed_count + ? WHERE name = ?", gib, count, pool).Error
}

// claimOf reads a flow's claim; the zero value if it has none.
func claimOf(tx *gorm.DB, flowID string) (models.Claim, error) {
	var c models.Claim
	return c, tx.Where("flow_id = ?", flowID).Limit(1).Find(&c).Error
}

// settleClaim marks a claim whose volume is there: the next report of the pool contains it.
func (s *Store) settleClaim(tx *gorm.DB, flowID string) error {
	return tx.Exec("UPDATE claims SET settled_at = ? WHERE flow_id = ? AND settled_at = 0", toMicros(s.now()), flowID).Error
}
