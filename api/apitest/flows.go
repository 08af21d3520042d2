package apitest

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/clinker-storage/clinker/models"
)

// GetFlow returns a record.
func (s *Store) GetFlow(_ context.Context, projectID, id string) (models.Flow, error) {
	leave, err := s.enter("GetFlow")
	if err != nil {
		return models.Flow{}, err
	}
	defer leave()
	f, ok := s.Flows[id]
	if !ok || projectID != "" && f.ProjectID != projectID {
		return f, models.ErrNotFound
	}
	return f, nil
}

// ListFlows lists records, newest first.
func (s *Store) ListFlows(_ context.Context, q models.FlowQuery) ([]models.Flow, error) {
	leave, err := s.enter("ListFlows")
	if err != nil {
		return nil, err
	}
	defer leave()
	is := func(want, have string) bool { return want == "" || want == have }
	var out []models.Flow
	for _, f := range s.Flows {
		if is(q.ProjectID, f.ProjectID) && is(q.ResourceID, f.ResourceID) && is(q.Operation, f.Operation) && is(q.RequestID, f.RequestID) &&
			is(q.Backend, f.Backend) && (len(q.States) == 0 || slices.Contains(q.States, f.State)) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b models.Flow) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return bytes.Compare([]byte(b.ID), []byte(a.ID))
	})
	return cut(out, q.Page, func(f models.Flow) string { return f.ID })
}

// AbandonFlow inserts a record unless there is one.
func (s *Store) AbandonFlow(_ context.Context, f models.Flow) error {
	leave, err := s.enter("AbandonFlow")
	if err != nil {
		return err
	}
	defer leave()
	if _, ok := s.Flows[f.ID]; ok {
		return models.ErrExists
	}
	f.State = models.FlowAbandoned
	s.Flows[f.ID] = f
	return nil
}

// ClaimKey takes a key or returns who has it.
func (s *Store) ClaimKey(_ context.Context, k models.IdempotencyKey) (models.IdempotencyKey, bool, error) {
	leave, err := s.enter("ClaimKey")
	if err != nil {
		return k, false, err
	}
	defer leave()
	id := k.ProjectID + "/" + k.Key
	if first, ok := s.Keys[id]; ok && first.ExpiresAt.After(k.CreatedAt) {
		return first, false, nil
	}
	s.Keys[id] = k
	return k, true, nil
}

// ReleaseKey gives a key up.
func (s *Store) ReleaseKey(_ context.Context, projectID, key, flowID string) error {
	leave, err := s.enter("ReleaseKey")
	if err != nil {
		return err
	}
	defer leave()
	if id := projectID + "/" + key; s.Keys[id].FlowID == flowID {
		delete(s.Keys, id)
	}
	return nil
}

// ErrBroken is an error that no client may ever read.
var ErrBroken = errors.New(`pq: relation "volumes" does not exist`)
