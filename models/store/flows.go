package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

var flowList = listing{kind: "flow", table: "flows", sort: newestFirst, keys: map[string]string{
	"id": "id", "operation": "operation", "state": "state", "resource_id": "resource_id", "project_id": "project_id",
	"request_id": "request_id", "backend": "backend", "created_at": "created_at", "updated_at": "updated_at", "finished_at": "finished_at",
}}

// GetFlow reads the record of one flow; projectID "" finds it in any project.
func (s *Store) GetFlow(ctx context.Context, projectID, id string) (models.Flow, error) {
	return getFlow(s.read(ctx), projectID, id)
}

// ListFlows reads the records of a query, newest first where it names no order.
func (s *Store) ListFlows(ctx context.Context, q models.FlowQuery) ([]models.Flow, error) {
	db := visible(s.read(ctx), q.ProjectID)
	for _, c := range []struct{ column, value string }{
		{"resource_id", q.ResourceID}, {"operation", q.Operation}, {"request_id", q.RequestID}, {"backend", q.Backend},
	} {
		if c.value != "" {
			db = db.Where(c.column+" = ?", c.value)
		}
	}
	if len(q.States) > 0 {
		db = db.Where("state IN ?", q.States)
	}
	db, err := flowList.page(db, visible(s.read(ctx), q.ProjectID), q.Page)
	if err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.Flow
	return all, translate(db.Find(&all).Error)
}

// OpenFlows reads flows that have work before them and neither changed nor were checked since before, those checked longest
// ago first: what reconcile looks at.
func (s *Store) OpenFlows(ctx context.Context, before time.Time, limit int) ([]models.Flow, error) {
	var all []models.Flow
	err := s.read(ctx).Where("state IN ? AND checked_at < ? AND updated_at < ?", openStates, toMicros(before), toMicros(before)).
		Order("checked_at, id").Limit(limit).Find(&all).Error
	return all, translate(err)
}

// CheckFlow notes when it was looked whether a flow still runs; an earlier time than the one known changes nothing. The record's
// updated_at, by which people and scripts see that a flow moved, stays.
func (s *Store) CheckFlow(ctx context.Context, flowID string, at time.Time) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE flows SET checked_at = ? WHERE id = ? AND checked_at < ?", toMicros(at), flowID, toMicros(at)).Error
	})
}

// AbandonFlow marks a flow whose client was told to come again, so that it writes nothing any more. A flow that has its row already
// is ErrExists: what it was asked for is there.
func (s *Store) AbandonFlow(ctx context.Context, f models.Flow) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		now := s.now()
		f.State, f.CreatedAt, f.UpdatedAt, f.FinishedAt = models.FlowAbandoned, now, now, now
		n, err := changed(tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&f))
		if err != nil || n == 1 {
			return err
		}
		old, err := getFlow(tx, "", f.ID)
		if err != nil || old.State == models.FlowAbandoned {
			return err
		}
		return fmt.Errorf("flow %s: %w", f.ID, models.ErrExists)
	})
}
