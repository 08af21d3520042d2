package apitest

import (
	"context"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

func (s *Store) schedule(name, projectID, id string, edit func(*models.BackupSchedule) error) (models.BackupSchedule, error) {
	leave, err := s.enter(name)
	if err != nil {
		return models.BackupSchedule{}, err
	}
	defer leave()
	b, ok := s.Schedules[id]
	if !ok || projectID != "" && b.ProjectID != projectID {
		return b, models.ErrNotFound
	}
	if edit != nil {
		if err := edit(&b); err != nil {
			return b, err
		}
		s.Schedules[id] = b
	}
	return b, nil
}

// CreateSchedule adds a row.
func (s *Store) CreateSchedule(_ context.Context, b models.BackupSchedule) (models.BackupSchedule, error) {
	leave, err := s.enter("CreateSchedule")
	if err != nil {
		return b, err
	}
	defer leave()
	b.CreatedAt, b.UpdatedAt = s.Now().UTC(), s.Now().UTC()
	if s.Schedules == nil {
		s.Schedules = map[string]models.BackupSchedule{}
	}
	s.Schedules[b.ID] = b
	return b, nil
}

// GetSchedule returns a row.
func (s *Store) GetSchedule(_ context.Context, projectID, id string) (models.BackupSchedule, error) {
	return s.schedule("GetSchedule", projectID, id, nil)
}

// ListSchedules lists by id, whatever order is asked for.
func (s *Store) ListSchedules(_ context.Context, q models.BackupScheduleQuery) ([]models.BackupSchedule, error) {
	leave, err := s.enter("ListSchedules")
	if err != nil {
		return nil, err
	}
	defer leave()
	var all []models.BackupSchedule
	for _, b := range s.Schedules {
		if (q.ProjectID == "" || b.ProjectID == q.ProjectID) && (q.Name == "" || b.Name == q.Name) && (q.VolumeID == "" || b.VolumeID == q.VolumeID) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b models.BackupSchedule) int { return strings.Compare(a.ID, b.ID) })
	return cut(all, q.Page, func(b models.BackupSchedule) string { return b.ID })
}

// UpdateSchedule changes a row; of what can be changed, what tests look at.
func (s *Store) UpdateSchedule(_ context.Context, projectID, id string, p models.BackupSchedulePatch) (models.BackupSchedule, error) {
	return s.schedule("UpdateSchedule", projectID, id, func(b *models.BackupSchedule) error {
		if p.Cron != nil {
			b.Cron = *p.Cron
		}
		if p.KeepDaily != nil {
			b.Keep.Daily = *p.KeepDaily
		}
		if p.Paused != nil {
			b.Paused = *p.Paused
		}
		return nil
	})
}

// DeleteSchedule removes a row.
func (s *Store) DeleteSchedule(_ context.Context, projectID, id string) error {
	_, err := s.schedule("DeleteSchedule", projectID, id, nil)
	if err == nil {
		delete(s.Schedules, id)
	}
	return err
}

// BeginScheduleRun gives the row to a flow, unless one has it.
func (s *Store) BeginScheduleRun(_ context.Context, projectID, id string, f models.Flow) error {
	_, err := s.schedule("BeginScheduleRun", projectID, id, func(b *models.BackupSchedule) error {
		if b.FlowID != "" {
			return &models.StatusError{Resource: "backup schedule " + id, Status: "running", Reason: "is being run by flow " + b.FlowID}
		}
		b.FlowID, b.LastFlowID = f.ID, f.ID
		b.Runs++
		s.Flows[f.ID] = f
		return nil
	})
	return err
}
