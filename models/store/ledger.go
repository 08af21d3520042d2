package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// ReserveQuota takes deltas of a project's quota for a flow, all or none. A refusal is *OverQuotaError, of the first resource in
// alphabetical order; of per_volume_gigabytes if volumeSizeGiB alone is too much. A flow that has reserved, or even committed, takes
// nothing twice. What is neither committed nor rolled back within ttl is released by Purge. Less of something needs no
// room and counts from the commit on.
func (s *Store) ReserveQuota(ctx context.Context, flowID, projectID string, deltas []models.QuotaDelta, volumeSizeGiB int64, ttl time.Duration) error {
	deltas = byResource(deltas)
	return s.write(ctx, func(tx *gorm.DB) error {
		limits, err := s.limitsFor(tx, projectID, deltas)
		if err != nil {
			return err
		}
		if most := limits[models.QuotaPerVolumeGigabyte]; most >= 0 && volumeSizeGiB > most {
			return &models.OverQuotaError{Resource: models.QuotaPerVolumeGigabyte, Requested: volumeSizeGiB, Left: most, Limit: most}
		}
		isNew, err := s.addReservations(tx, flowID, projectID, deltas, ttl)
		if err != nil || !isNew {
			return err
		}
		for _, d := range deltas {
			if d.Delta <= 0 {
				continue
			}
			if err := reserve(tx, projectID, d, limits[d.Resource]); err != nil {
				return err
			}
		}
		return nil
	})
}

// addReservations writes a flow's reservations, and tells whether they are still to be counted.
func (s *Store) addReservations(tx *gorm.DB, flowID, projectID string, deltas []models.QuotaDelta, ttl time.Duration) (bool, error) {
	if len(deltas) == 0 {
		return false, nil
	}
	rows := make([]models.Reservation, len(deltas))
	for i, d := range deltas {
		rows[i] = models.Reservation{
			FlowID: flowID, Resource: d.Resource, ProjectID: projectID, Delta: d.Delta,
			State: models.ReservationHeld, ExpiresAt: s.now().Add(ttl),
		}
	}
	n, err := changed(tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows))
	if err != nil || n == int64(len(rows)) {
		return err == nil, err
	}
	// The flow was here before. What it gave back it may take once more; else it has what it asks for.
	n, err = changed(tx.Table("reservations").Where("flow_id = ? AND state = ?", flowID, models.ReservationReleased).
		Updates(map[string]any{"state": models.ReservationHeld, "expires_at": toMicros(s.now().Add(ttl))}))
	return n > 0, err
}

// reserve adds to what is reserved of one resource if the limit leaves room: one conditional statement, so that those who
// ask at the same time can't both find the last place free.
func reserve(tx *gorm.DB, projectID string, d models.QuotaDelta, limit int64) error {
	for range 2 {
		q := tx.Table("quota_usages").Where("project_id = ? AND resource = ?", projectID, d.Resource)
		if limit >= 0 {
			q = q.Where("in_use + reserved <= ?", limit-d.Delta)
		}
		if n, err := changed(q.Update("reserved", gorm.Expr("reserved + ?", d.Delta))); err != nil || n == 1 {
			return err
		}
		// Either there is no room or there is no row yet, or another flow has just made it: the second look tells.
		row := models.QuotaUsage{ProjectID: projectID, Resource: d.Resource}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
	}
	var u models.QuotaUsage
	if err := tx.Where("project_id = ? AND resource = ?", projectID, d.Resource).Take(&u).Error; err != nil {
		return err
	}
	taken := u.InUse + u.Reserved
	return &models.OverQuotaError{Resource: d.Resource, Requested: d.Delta, InUse: taken, Left: max(0, limit-taken), Limit: limit}
}

// CommitQuota turns what a flow reserved into what is in use. Without a reservation, or after it was committed or given back, it does
// nothing.
func (s *Store) CommitQuota(ctx context.Context, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error { return s.commitQuota(tx, flowID) })
}

func (s *Store) commitQuota(tx *gorm.DB, flowID string) error {
	return s.moveReservations(tx, flowID, models.ReservationHeld, models.ReservationCommitted)
}

// RollbackQuota gives back what a flow reserved and has not committed; done before it does nothing.
func (s *Store) RollbackQuota(ctx context.Context, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return s.moveReservations(tx, flowID, models.ReservationHeld, models.ReservationReleased)
	})
}

// moveReservations takes a flow's reservations from one state to another, and the usages with them.
func (s *Store) moveReservations(tx *gorm.DB, flowID string, from, to models.ReservationState) error {
	var moved []models.Reservation
	err := tx.Raw("UPDATE reservations SET state = ? WHERE flow_id = ? AND state = ? RETURNING flow_id, resource, project_id, delta",
		to, flowID, from).Scan(&moved).Error
	if err != nil {
		return err
	}
	slices.SortFunc(moved, func(a, b models.Reservation) int { return cmp.Compare(a.Resource, b.Resource) })
	for _, r := range moved {
		inUse, reserved := weight(to, r.Delta), heldWeight(to, r.Delta)
		if err := s.count(tx, r.ProjectID, r.Resource, inUse-weight(from, r.Delta), reserved-heldWeight(from, r.Delta)); err != nil {
			return err
		}
	}
	return nil
}

// weight is what a reservation in a state adds to in_use, heldWeight what it adds to reserved.
func weight(st models.ReservationState, delta int64) int64 {
	if st == models.ReservationCommitted {
		return delta
	}
	return 0
}

func heldWeight(st models.ReservationState, delta int64) int64 {
	if st == models.ReservationHeld {
		return max(0, delta)
	}
	return 0
}

// count adds to a usage. It never goes below zero: should the ledger hold less than is given back, the figure becomes 0
// and an operator is told, because something counted wrong before.
func (s *Store) count(tx *gorm.DB, projectID, resource string, inUse, reserved int64) error {
	if inUse == 0 && reserved == 0 {
		return nil
	}
	n, err := changed(tx.Exec("UPDATE quota_usages SET in_use = in_use + ?, reserved = reserved + ? "+
		"WHERE project_id = ? AND resource = ? AND in_use >= ? AND reserved >= ?",
		inUse, reserved, projectID, resource, -inUse, -reserved))
	if err != nil || n == 1 {
		return err
	}
	u := models.QuotaUsage{ProjectID: projectID, Resource: resource}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&u).Error; err != nil {
		return err
	}
	if err := tx.Clauses(forUpdate).Where("project_id = ? AND resource = ?", projectID, resource).Take(&u).Error; err != nil {
		return err
	}
	if u.InUse+inUse < 0 || u.Reserved+reserved < 0 {
		s.opts.Logger.Warn("quota usage would fall below zero; it is set to zero, and a quota check will show what the rows say",
			"project", projectID, "resource", resource, "in_use", u.InUse, "reserved", u.Reserved, "add_in_use", inUse, "add_reserved", reserved)
	}
	return tx.Table("quota_usages").Where("project_id = ? AND resource = ?", projectID, resource).
		Updates(map[string]any{"in_use": max(0, u.InUse+inUse), "reserved": max(0, u.Reserved+reserved)}).Error
}
