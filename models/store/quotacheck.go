package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

type usageKey struct{ project, resource string }

// CheckQuota compares the ledger's in_use with the rows, in every project, for volumes, snapshots and gigabytes, all of them per type, and backups. What
// flows under way have reserved is no drift. The answer is from one moment and sorted.
func (s *Store) CheckQuota(ctx context.Context) ([]models.QuotaDrift, error) {
	var drifts []models.QuotaDrift
	err := s.read(ctx).Transaction(func(tx *gorm.DB) error {
		drifts = nil
		rows := map[usageKey]int64{}
		if err := addVolumes(tx, rows); err != nil {
			return err
		}
		if err := addSnapshots(tx, rows); err != nil {
			return err
		}
		if err := addBackups(tx, rows); err != nil {
			return err
		}
		if err := addChanges(tx, rows); err != nil {
			return err
		}
		var usages []models.QuotaUsage
		if err := tx.Find(&usages).Error; err != nil {
			return err
		}
		for _, u := range usages {
			key := usageKey{u.ProjectID, u.Resource}
			if checked(u.Resource) && u.InUse != rows[key] {
				drifts = append(drifts, models.QuotaDrift{ProjectID: u.ProjectID, Resource: u.Resource, InUse: u.InUse, Rows: rows[key]})
			}
			delete(rows, key)
		}
		for key, n := range rows {
			if n != 0 {
				drifts = append(drifts, models.QuotaDrift{ProjectID: key.project, Resource: key.resource, Rows: n})
			}
		}
		return nil
	}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	slices.SortFunc(drifts, func(a, b models.QuotaDrift) int {
		return cmp.Or(cmp.Compare(a.ProjectID, b.ProjectID), cmp.Compare(a.Resource, b.Resource))
	})
	return drifts, translate(err)
}

// checked tells whether the rows say what is in use of a resource.
func checked(r string) bool {
	return r == models.QuotaBackups || r == models.QuotaBackupGigabytes || slices.ContainsFunc(perType, func(base string) bool { return r == base || strings.HasPrefix(r, base+"_") })
}

// rowSum is what the rows of one project and type add up to.
type rowSum struct {
	ProjectID, TypeName string
	Count, GiB          int64
}

// addVolumes adds up the rows that count: all that consume quota but those whose create has not committed yet.
func addVolumes(tx *gorm.DB, into map[usageKey]int64) error {
	sums, err := sumRows(tx, "volumes", "size_gib", models.QuotaVolumes)
	for _, sum := range sums {
		sum.add(into, models.VolumeDeltas(sum.TypeName, sum.Count, sum.GiB))
	}
	return err
}

func addSnapshots(tx *gorm.DB, into map[usageKey]int64) error {
	sums, err := sumRows(tx, "snapshots", "quota_gib", models.QuotaSnapshots)
	for _, sum := range sums {
		sum.add(into, models.SnapshotDeltas(sum.TypeName, sum.Count, sum.GiB))
	}
	return err
}

func addBackups(tx *gorm.DB, into map[usageKey]int64) error {
	var sums []rowSum
	err := tx.Raw(`SELECT b.project_id AS project_id, COUNT(*) AS count, CAST(SUM(b.size_gib) AS BIGINT) AS gi_b FROM backups AS b
		WHERE NOT EXISTS (SELECT 1 FROM reservations AS r WHERE r.flow_id = b.flow_id AND r.resource = ? AND r.state <> ?)
		GROUP BY b.project_id`, models.QuotaBackups, models.ReservationCommitted).Scan(&sums).Error
	for _, sum := range sums {
		sum.add(into, models.BackupDeltas(sum.Count, sum.GiB))
	}
	return err
}

func (r rowSum) add(into map[usageKey]int64, deltas []models.QuotaDelta) {
	for _, d := range deltas {
		into[usageKey{r.ProjectID, d.Resource}] += d.Delta
	}
}

func sumRows(tx *gorm.DB, table, size, resource string) ([]rowSum, error) {
	var sums []rowSum
	return sums, tx.Raw(`SELECT v.project_id AS project_id, COALESCE(t.name, '') AS type_name, COUNT(*) AS count, CAST(SUM(v.`+size+`) AS BIGINT) AS gi_b
		FROM `+table+` AS v LEFT JOIN volume_types AS t ON t.id = v.volume_type_id
		WHERE v.consumes_quota AND NOT EXISTS (
			SELECT 1 FROM reservations AS r WHERE r.flow_id = v.flow_id AND r.resource = ? AND r.state <> ?)
		GROUP BY v.project_id, t.name`, resource, models.ReservationCommitted).Scan(&sums).Error
}

// addChanges adds what flows have committed of a change that their rows don't show yet: an extend between its commit and its end.
func addChanges(tx *gorm.DB, into map[usageKey]int64) error {
	var sums []struct {
		ProjectID, Resource string
		Delta               int64
	}
	err := tx.Raw(`SELECT r.project_id AS project_id, r.resource AS resource, CAST(SUM(r.delta) AS BIGINT) AS delta
		FROM reservations AS r JOIN flows AS f ON f.id = r.flow_id
		WHERE r.state = ? AND f.operation NOT IN ? AND f.state IN ?
		GROUP BY r.project_id, r.resource`, models.ReservationCommitted, rowMakers, openStates).Scan(&sums).Error
	for _, sum := range sums {
		into[usageKey{sum.ProjectID, sum.Resource}] += sum.Delta
	}
	return err
}
