package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// SavePools keeps a backend's latest report. Pools of that backend that stats doesn't name go away; so do claims whose work was done
// before the node began to gather, since the report contains them. Those that it names are in it, and count again once one doesn't. The others are
// in doubt from now on: it may contain them or not. They count until the next one, since to promise room twice is worse than to promise it late;
// what deletes gave back does not. A report older than the one kept is ignored. Compare clocks first: gatheredAt must be on the clock of this process.
func (s *Store) SavePools(ctx context.Context, backend, az string, stats []models.PoolStats, gatheredAt time.Time) error {
	gatheredAt = cut(gatheredAt)
	return s.write(ctx, func(tx *gorm.DB) error {
		var old []models.Pool
		prefix := backend + "#"
		if err := tx.Clauses(forUpdate).Where("substr(name, 1, ?) = ?", len(prefix), prefix).Order("name").Find(&old).Error; err != nil {
			return err
		}
		for _, p := range old {
			if p.GatheredAt.After(gatheredAt) {
				return nil
			}
		}
		pools := make([]models.Pool, 0, len(stats))
		for _, st := range stats {
			pools = append(pools, models.Pool{Name: prefix + st.Pool, AvailabilityZone: az, Stats: st, GatheredAt: gatheredAt})
		}
		for _, p := range old {
			if !slices.ContainsFunc(pools, func(n models.Pool) bool { return n.Name == p.Name }) {
				if err := tx.Delete(&p).Error; err != nil {
					return err
				}
			}
		}
		if len(pools) > 0 {
			if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&pools).Error; err != nil {
				return err
			}
		}
		if err := tx.Exec("DELETE FROM claims WHERE settled_at > 0 AND settled_at < ? AND substr(pool, 1, ?) = ?",
			toMicros(gatheredAt), len(prefix), prefix).Error; err != nil {
			return err
		}
		making := []string{""} // IN of nothing is NULL
		for _, st := range stats {
			making = append(making, st.Making...)
		}
		if err := tx.Exec("UPDATE claims SET doubtful = ?, reported = (gib > 0 AND flow_id IN ?) WHERE substr(pool, 1, ?) = ?", true, making, len(prefix), prefix).Error; err != nil {
			return err
		}
		// Added up anew rather than subtracted, so that a sum that was wrong is right again with the next report.
		const of = " FROM claims AS c WHERE c.pool = pools.name AND NOT c.reported"
		return tx.Exec("UPDATE pools SET claimed_gib = (SELECT COALESCE(SUM(c.gib), 0)"+of+" AND c.gib > 0), "+
			"claimed_count = (SELECT COUNT(*)"+of+" AND c.gib > 0), "+
			"claimed_in_doubt = (SELECT COALESCE(SUM(ABS(c.gib)), 0)"+of+") WHERE substr(name, 1, ?) = ?",
			len(prefix), prefix).Error
	})
}

// ListPools reads all pools by name, each with what is claimed of it and how its service is.
func (s *Store) ListPools(ctx context.Context) ([]models.PoolView, error) {
	db := s.read(ctx)
	views, err := s.poolViews(db, db, models.Claim{})
	return views, translate(err)
}

// poolRow is a pool with the sums of its claims, which no report carries.
type poolRow struct {
	models.Pool  `gorm:"embedded"`
	ClaimedGiB   int64 `gorm:"column:claimed_gib"`
	ClaimedCount int64
	InDoubt      int64 `gorm:"column:claimed_in_doubt"`
}

// TableName is gorm's way to ask.
func (poolRow) TableName() string { return "pools" }

// poolViews reads pools through one query and their services through another, which isn't locked. A flow's own claim doesn't
// count against it.
func (s *Store) poolViews(pools, rest *gorm.DB, own models.Claim) ([]models.PoolView, error) {
	var rows []poolRow
	if err := pools.Order("name").Find(&rows).Error; err != nil {
		return nil, err
	}
	var services []models.Service
	if err := rest.Where(map[string]any{"binary": models.BinaryVolume}).Find(&services).Error; err != nil {
		return nil, err
	}

	views := make([]models.PoolView, len(rows))
	for i, p := range rows {
		v := models.PoolView{Pool: p.Pool, ClaimedGiB: p.ClaimedGiB, ClaimedCount: p.ClaimedCount, InDoubtGiB: p.InDoubt}
		if p.Name == own.Pool && own.GiB > 0 && !own.Reported {
			v.ClaimedGiB, v.ClaimedCount = v.ClaimedGiB-own.GiB, v.ClaimedCount-1
			if own.Doubtful {
				v.InDoubtGiB -= own.GiB
			}
		}
		v.ServiceReason = "no service has reported for it"
		for _, sv := range services {
			if sv.Host == backendOf(p.Name) {
				v.Disabled = sv.Disabled
				v.ServiceReason = s.whyDown(sv)
			}
		}
		v.ServiceUp = v.ServiceReason == ""
		views[i] = v
	}
	return views, nil
}

// whyDown says why a service can't be given work; "" if it can.
func (s *Store) whyDown(sv models.Service) string {
	if age := s.now().Sub(sv.UpdatedAt); age > s.opts.ServiceDownTime {
		return fmt.Sprintf("no sign of life for %s (service_down_time is %s)", age.Round(time.Second), s.opts.ServiceDownTime)
	}
	if sv.BackendState == "down" {
		if sv.BackendError == "" {
			return "the backend is down"
		}
		return "the backend is down: " + sv.BackendError
	}
	return ""
}
