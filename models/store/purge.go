package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// purgeBatch bounds one transaction of a purge, so that nobody waits long behind it.
const purgeBatch = 500

// settledGrace is how long a settled claim may wait for a report of its pool before the pool counts as gone.
const settledGrace = 24 * time.Hour

// Purge removes what has served its time, and answers how many rows of each table: expired messages, idempotency keys and revocations of tokens,
// reservations of flows that are closed and expired ones that no open flow owns (what they had reserved goes back), claims of flows that are
// not open any more, and records of flows that ended longer than flowRecords ago.
func (s *Store) Purge(ctx context.Context, now time.Time, flowRecords time.Duration) (map[string]int64, error) {
	removed := map[string]int64{}
	noOpenFlow := "NOT EXISTS (SELECT 1 FROM flows AS f WHERE f.id = flow_id AND f.state IN ?)"
	if err := s.releaseStale(ctx, now); err != nil {
		return removed, err
	}
	n, err := s.purgeClaims(ctx, now)
	if removed["claims"] += n; err != nil {
		return removed, err
	}
	for _, step := range []struct {
		table, where string
		args         []any
	}{
		{"messages", "expires_at <= ?", []any{toMicros(now)}},
		{"idempotency_keys", "expires_at <= ?", []any{toMicros(now)}},
		{"identity_revocations", "expires_at <= ?", []any{toMicros(now)}},
		{
			"reservations", "state <> ? AND " + noOpenFlow + " AND (expires_at <= ? OR EXISTS (SELECT 1 FROM flows AS f WHERE f.id = flow_id))",
			[]any{models.ReservationHeld, openStates, toMicros(now)},
		},
		{"flows", "finished_at > 0 AND finished_at <= ? AND state NOT IN ?", []any{toMicros(now.Add(-flowRecords)), openStates}},
	} {
		n, err := s.deleteRows(ctx, step.table, step.where, step.args...)
		removed[step.table] += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// releaseStale gives back what is still reserved for flows that are closed, or that never began and whose time is over.
func (s *Store) releaseStale(ctx context.Context, now time.Time) error {
	var stale []string
	err := s.read(ctx).Raw(`SELECT DISTINCT r.flow_id FROM reservations AS r LEFT JOIN flows AS f ON f.id = r.flow_id
		WHERE r.state = ? AND ((f.id IS NULL AND r.expires_at <= ?) OR f.state NOT IN ?)`,
		models.ReservationHeld, toMicros(now), openStates).Scan(&stale).Error
	if err != nil {
		return translate(err)
	}
	for _, id := range stale {
		if err := s.RollbackQuota(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// purgeClaims drops the claims of flows that will never settle them, and settled ones whose pool reports no more.
func (s *Store) purgeClaims(ctx context.Context, now time.Time) (int64, error) {
	var stale []models.Claim
	err := s.read(ctx).Raw(`SELECT * FROM claims AS c WHERE (settled_at = 0 AND NOT EXISTS
		(SELECT 1 FROM flows AS f WHERE f.id = c.flow_id AND f.state IN ?)) OR (settled_at > 0 AND settled_at <= ?)`,
		openStates, toMicros(now.Add(-settledGrace))).Find(&stale).Error
	if err != nil {
		return 0, translate(err)
	}
	for i, c := range stale {
		if err := s.write(ctx, func(tx *gorm.DB) error { return forgetClaim(tx, c) }); err != nil {
			return int64(i), err
		}
	}
	return int64(len(stale)), nil
}

func (s *Store) deleteRows(ctx context.Context, table, where string, args ...any) (int64, error) {
	key := map[string]string{"reservations": "flow_id", "idempotency_keys": "idempotency_key"}[table]
	if key == "" {
		key = "id"
	}
	var total int64
	for {
		var n int64
		err := s.write(ctx, func(tx *gorm.DB) (err error) {
			n, err = changed(tx.Exec("DELETE FROM "+table+" WHERE "+where+" AND "+key+" IN (SELECT "+key+" FROM "+table+" WHERE "+where+" LIMIT ?)",
				append(append(append([]any{}, args...), args...), purgeBatch)...))
			return err
		})
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}
