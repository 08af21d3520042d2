package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// ClaimKey takes an Idempotency-Key for a request. true: it is ours, the request goes on. false: an earlier request has it,
// whose key is returned, so that its resource can be answered again, or refused if its body was another. An expired
// key is free.
func (s *Store) ClaimKey(ctx context.Context, k models.IdempotencyKey) (models.IdempotencyKey, bool, error) {
	if k.CreatedAt.IsZero() {
		k.CreatedAt = s.now()
	}
	k.CreatedAt, k.ExpiresAt = cut(k.CreatedAt), cut(k.ExpiresAt)
	found, ours := k, false
	err := s.write(ctx, func(tx *gorm.DB) error {
		found, ours = k, true
		n, err := changed(tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "project_id"}, {Name: "idempotency_key"}},
			DoUpdates: clause.AssignmentColumns([]string{"body_hash", "resource_id", "flow_id", "created_at", "expires_at"}),
			Where:     clause.Where{Exprs: []clause.Expression{gorm.Expr("idempotency_keys.expires_at <= ?", toMicros(s.now()))}},
		}).Create(&k))
		if err != nil || n == 1 {
			return err
		}
		found, ours = models.IdempotencyKey{}, false
		return tx.Where("project_id = ? AND idempotency_key = ?", k.ProjectID, k.Key).Take(&found).Error
	})
	return found, ours && err == nil, err
}

// ReleaseKey frees a key whose request made nothing, if it is still that flow's; else it does nothing.
func (s *Store) ReleaseKey(ctx context.Context, projectID, key, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM idempotency_keys WHERE project_id = ? AND idempotency_key = ? AND flow_id = ?", projectID, key, flowID).Error
	})
}
