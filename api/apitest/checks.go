package apitest

import (
	"cmp"
	"context"
	"slices"

	"github.com/clinker-storage/clinker/models"
)

// BeginCheck adds a row.
func (s *Store) BeginCheck(_ context.Context, c models.AttachmentCheck) error {
	leave, err := s.enter("BeginCheck")
	if err != nil {
		return err
	}
	defer leave()
	s.Checks = append([]models.AttachmentCheck{c}, s.Checks...)
	return nil
}

// EndCheck writes how a check ended.
func (s *Store) EndCheck(_ context.Context, c models.AttachmentCheck) error {
	leave, err := s.enter("EndCheck")
	if err != nil {
		return err
	}
	defer leave()
	for i := range s.Checks {
		if s.Checks[i].ID == c.ID {
			s.Checks[i].State, s.Checks[i].Error, s.Checks[i].EndedAt = c.State, c.Error, s.Now().UTC()
		}
	}
	return nil
}

// GetCheck returns a row.
func (s *Store) GetCheck(_ context.Context, id string) (models.AttachmentCheck, error) {
	leave, err := s.enter("GetCheck")
	if err != nil {
		return models.AttachmentCheck{}, err
	}
	defer leave()
	for _, c := range s.Checks {
		if c.ID == id {
			return c, nil
		}
	}
	return models.AttachmentCheck{}, models.ErrNotFound
}

// ListChecks lists the latest first, whatever order is asked for.
func (s *Store) ListChecks(_ context.Context, p models.Page) ([]models.AttachmentCheck, error) {
	leave, err := s.enter("ListChecks")
	if err != nil {
		return nil, err
	}
	defer leave()
	return slices.Clone(s.Checks[:min(len(s.Checks), p.Limit)]), nil
}

// Differences lists by id.
func (s *Store) Differences(_ context.Context, q models.DifferenceQuery) ([]models.AttachmentDifference, error) {
	leave, err := s.enter("Differences")
	if err != nil {
		return nil, err
	}
	defer leave()
	var all []models.AttachmentDifference
	for _, d := range s.Found {
		if d.CheckID == q.CheckID && d.ID > q.After {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(x, y models.AttachmentDifference) int { return cmp.Compare(x.ID, y.ID) })
	return all[:min(len(all), q.Limit)], nil
}
