package apitest

import (
	"context"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// PutBackup adds or replaces a backup and returns it with what was left out filled in.
func (s *Store) PutBackup(b models.Backup) models.Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	b = s.completeBackup(b)
	s.Backups[b.ID] = b
	return b
}

func (s *Store) completeBackup(b models.Backup) models.Backup {
	if b.ProjectID == "" {
		b.ProjectID = Project
	}
	if b.Status == "" {
		b.Status = models.BackupAvailable
	}
	if b.SizeGiB == 0 {
		b.SizeGiB = 1
	}
	if b.CreatedAt.IsZero() {
		b.CreatedAt = s.Now().UTC()
	}
	if b.UpdatedAt.IsZero() {
		b.UpdatedAt = b.CreatedAt
	}
	if b.DataTimestamp.IsZero() {
		b.DataTimestamp = b.CreatedAt
	}
	return b
}

func (s *Store) backup(projectID, id string) (models.Backup, error) {
	b, ok := s.Backups[id]
	if !ok || projectID != "" && b.ProjectID != projectID {
		return b, models.ErrNotFound
	}
	b.Dependents = 0
	for _, other := range s.Backups {
		if other.ParentID == id {
			b.Dependents++
		}
	}
	return b, nil
}

// GetBackup returns a row.
func (s *Store) GetBackup(_ context.Context, projectID, id string) (models.Backup, error) {
	leave, err := s.enter("GetBackup")
	if err != nil {
		return models.Backup{}, err
	}
	defer leave()
	return s.backup(projectID, id)
}

// ListBackups lists the newest first, by the default order whatever is asked; of the filters it knows name, status and volume, and metadata.
func (s *Store) ListBackups(_ context.Context, q models.BackupQuery) ([]models.Backup, error) {
	leave, err := s.enter("ListBackups")
	if err != nil {
		return nil, err
	}
	defer leave()
	var all []models.Backup
	for id := range s.Backups {
		b, err := s.backup(q.ProjectID, id)
		if err == nil && contains(b.Metadata, q.Metadata) && selects(q.Equal, q.Like, func(key string) string { return backupColumn(b, key) }) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b models.Backup) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	page := q.Page
	if q.Limit < 0 {
		page.Limit = len(all)
	}
	return cut(all, page, func(b models.Backup) string { return b.ID })
}

func backupColumn(b models.Backup, key string) string {
	switch key {
	case "name":
		return b.Name
	case "status":
		return string(b.Status)
	case "volume_id":
		return b.VolumeID
	}
	panic("no column " + key)
}

// CountBackups counts what ListBackups would list.
func (s *Store) CountBackups(ctx context.Context, q models.BackupQuery) (int64, error) {
	q.Limit = -1
	all, err := s.ListBackups(ctx, q)
	return int64(len(all)), err
}

func (s *Store) editBackup(projectID, id string, edit func(*models.Backup) error) (models.Backup, error) {
	leave, err := s.enter("editBackup")
	if err != nil {
		return models.Backup{}, err
	}
	defer leave()
	b, err := s.backup(projectID, id)
	if err == nil {
		err = edit(&b)
	}
	if err == nil {
		s.Backups[id] = b
	}
	return b, err
}

// UpdateBackup changes a row.
func (s *Store) UpdateBackup(_ context.Context, projectID, id string, p models.BackupPatch) (models.Backup, error) {
	return s.editBackup(projectID, id, func(b *models.Backup) error {
		if p.Name != nil {
			b.Name = *p.Name
		}
		if p.Description != nil {
			b.Description = *p.Description
		}
		if p.Metadata != nil {
			b.Metadata = p.Metadata
		}
		return nil
	})
}

// ResetBackup writes the status and drops the flow's ownership.
func (s *Store) ResetBackup(_ context.Context, id string, status models.BackupStatus) (models.Backup, error) {
	return s.editBackup("", id, func(b *models.Backup) error {
		b.Status, b.FlowID = status, ""
		return nil
	})
}

// BeginBackupRemoval moves a row to deleting by the rules of the transition table.
func (s *Store) BeginBackupRemoval(_ context.Context, projectID, id, operation string, record func(models.Backup) (models.Flow, error)) (models.Backup, error) {
	return s.editBackup(projectID, id, func(b *models.Backup) error {
		rule := models.BackupTransition(operation)
		refused := &models.StatusError{Resource: "backup " + id, Status: string(b.Status), Allowed: rule.Legal(false)}
		if !rule.Allows(b.Status) {
			return refused
		}
		if b.Dependents > 0 {
			refused.Reason = "can't be deleted: incremental backups exist for this backup"
			return refused
		}
		f, err := record(*b)
		if err != nil {
			return err
		}
		b.Status, b.FlowID, s.Flows[f.ID] = rule.To, f.ID, f
		return nil
	})
}

// BeginFlow inserts a record.
func (s *Store) BeginFlow(_ context.Context, f models.Flow) error {
	leave, err := s.enter("BeginFlow")
	if err != nil {
		return err
	}
	defer leave()
	s.Flows[f.ID] = f
	return nil
}
