package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// messageTTL is how long a message is kept that says nothing of it (Cinder's message_ttl).
const messageTTL = 30 * 24 * time.Hour

var messageColumns = map[string]string{
	"id": "id", "event_id": "event_id", "resource_uuid": "resource_id", "resource_type": "resource_type", "request_id": "request_id",
	"message_level": "level", "project_id": "project_id", "created_at": "created_at", "guaranteed_until": "expires_at",
}

var messageList = listing{kind: "message", table: "messages", sort: newestFirst, keys: messageColumns}

// AddMessage leaves a message to a user. An id or times that are not set are made; a message that is there already stays.
func (s *Store) AddMessage(ctx context.Context, m models.Message) error {
	return s.write(ctx, func(tx *gorm.DB) error { return s.addMessage(tx, m) })
}

func (s *Store) addMessage(tx *gorm.DB, m models.Message) error {
	if m.ID == "" {
		m.ID = uuid.NewString()
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = s.now()
	}
	if m.ExpiresAt.IsZero() {
		m.ExpiresAt = m.CreatedAt.Add(messageTTL)
	}
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&m).Error
}

// ListMessages reads the messages of a query, newest first where it names no order.
func (s *Store) ListMessages(ctx context.Context, q models.MessageQuery) ([]models.Message, error) {
	db := visible(s.read(ctx), q.ProjectID)
	for _, key := range slices.Sorted(maps.Keys(q.Equal)) {
		column, ok := messageColumns[key]
		if !ok {
			return nil, fmt.Errorf("filter %q %w", key, models.ErrInvalid)
		}
		db = db.Where(column+" = ?", q.Equal[key])
	}
	db, err := messageList.page(db, visible(s.read(ctx), q.ProjectID), q.Page)
	if err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.Message
	return all, translate(db.Find(&all).Error)
}

// GetMessage reads one message; projectID "" finds it in any project.
func (s *Store) GetMessage(ctx context.Context, projectID, id string) (models.Message, error) {
	var m models.Message
	err := visible(s.read(ctx), projectID).Where("id = ?", id).Take(&m).Error
	return m, missing(err, "message", id)
}

// DeleteMessage removes one message; ErrNotFound if it is not there.
func (s *Store) DeleteMessage(ctx context.Context, projectID, id string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		n, err := changed(visible(tx, projectID).Where("id = ?", id).Delete(&models.Message{}))
		if err == nil && n == 0 {
			return fmt.Errorf("message %s: %w", id, models.ErrNotFound)
		}
		return err
	})
}
