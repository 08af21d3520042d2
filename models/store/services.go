package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// Heartbeat notes that a service is alive, and how its backend is. Whether an operator disabled it, and why, stays as it is.
// A beat older than the last one known changes nothing.
func (s *Store) Heartbeat(ctx context.Context, sv models.Service) error {
	if sv.UpdatedAt.IsZero() {
		sv.UpdatedAt = s.now()
	}
	if sv.CreatedAt.IsZero() {
		sv.CreatedAt = s.now()
	}
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "binary"}, {Name: "host"}},
			DoUpdates: clause.AssignmentColumns([]string{"availability_zone", "backend_state", "backend_error", "updated_at"}),
			Where:     clause.Where{Exprs: []clause.Expression{gorm.Expr("services.updated_at <= excluded.updated_at")}},
		}).Create(&sv).Error
	})
}

// ListServices reads services by binary and host; "" is any.
func (s *Store) ListServices(ctx context.Context, binary, host string) ([]models.Service, error) {
	where := map[string]any{}
	if binary != "" {
		where["binary"] = binary
	}
	if host != "" {
		where["host"] = host
	}
	var all []models.Service
	err := s.read(ctx).Where(where).Order(`"binary", host`).Find(&all).Error
	return all, translate(err)
}

// SetServiceDisabled is service-enable and service-disable: a disabled service gets no new volumes.
func (s *Store) SetServiceDisabled(ctx context.Context, binary, host string, disabled bool, reason string) (models.Service, error) {
	var sv models.Service
	err := s.write(ctx, func(tx *gorm.DB) error {
		key := map[string]any{"binary": binary, "host": host}
		n, err := changed(tx.Model(&models.Service{}).Where(key).Updates(map[string]any{"disabled": disabled, "disabled_reason": reason}))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("service %s on %s: %w", binary, host, models.ErrNotFound)
		}
		sv = models.Service{}
		return tx.Where(key).Take(&sv).Error
	})
	return sv, err
}
