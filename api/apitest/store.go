package apitest

import (
	"context"
	"maps"
	"sync"
	"time"

	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/models"
)

// Store is a catalogue in memory. Change its fields directly to set a scene before requests are sent.
type Store struct {
	*Operators
	// Attachments are tested on the real catalogue; here there are none, and what works on them must not be called.
	v3.AttachmentStore
	mu        sync.Mutex
	Volumes   map[string]models.Volume
	Snapshots map[string]models.Snapshot
	Backups   map[string]models.Backup
	Schedules map[string]models.BackupSchedule
	Checks    []models.AttachmentCheck      // the latest first
	Found     []models.AttachmentDifference // by checks
	Flows     map[string]models.Flow
	Keys      map[string]models.IdempotencyKey
	// Fail, when set, may answer any call with an error; it gets the method's name.
	Fail func(method string) error
	Now  func() time.Time
}

// NewStore returns an empty catalogue with the type gold.
func NewStore() *Store {
	return &Store{
		Operators: &Operators{Types: []models.VolumeType{{ID: Gold, Name: "gold", IsPublic: true}}},
		Volumes:   map[string]models.Volume{}, Snapshots: map[string]models.Snapshot{}, Backups: map[string]models.Backup{}, Flows: map[string]models.Flow{}, Keys: map[string]models.IdempotencyKey{}, Now: time.Now,
	}
}

// Gold is the id of the type gold.
const Gold = "11111111-2222-4333-8444-555555555555"

func (s *Store) enter(method string) (func(), error) {
	s.mu.Lock()
	if s.Fail != nil {
		if err := s.Fail(method); err != nil {
			s.mu.Unlock()
			return nil, err
		}
	}
	return s.mu.Unlock, nil
}

// AttachedTo finds nothing: a volume that says that it is attached was set so by the test.
func (s *Store) AttachedTo(context.Context, []string) (map[string][]models.Attachment, error) {
	return nil, nil
}

// GetAttachment finds none.
func (s *Store) GetAttachment(context.Context, string, string) (models.Attachment, error) {
	return models.Attachment{}, models.ErrNotFound
}

// Put adds or replaces a volume and returns it with what was left out filled in.
func (s *Store) Put(v models.Volume) models.Volume {
	s.mu.Lock()
	defer s.mu.Unlock()
	v = s.complete(v)
	s.Volumes[v.ID] = v
	return v
}

func (s *Store) complete(v models.Volume) models.Volume {
	if v.ProjectID == "" {
		v.ProjectID = Project
	}
	if v.Status == "" {
		v.Status = models.VolumeAvailable
	}
	if v.AttachStatus == "" {
		v.AttachStatus = models.AttachDetached
	}
	if v.SizeGiB == 0 {
		v.SizeGiB = 1
	}
	if v.VolumeTypeID == "" {
		v.VolumeTypeID = Gold
	}
	if v.CreatedAt.IsZero() {
		v.CreatedAt = s.Now().UTC()
	}
	if v.UpdatedAt.IsZero() {
		v.UpdatedAt = v.CreatedAt
	}
	v.ConsumesQuota = true
	return v
}

// VolumeCount tells how many rows there are.
func (s *Store) VolumeCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.Volumes)
}

// FlowStates counts the records by state.
func (s *Store) FlowStates() map[models.FlowState]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[models.FlowState]int{}
	for _, f := range s.Flows {
		n[f.State]++
	}
	return n
}

func (s *Store) get(projectID, id string) (models.Volume, error) {
	v, ok := s.Volumes[id]
	if !ok || projectID != "" && v.ProjectID != projectID {
		return v, models.ErrNotFound
	}
	return v, nil
}

// GetVolume returns a row.
func (s *Store) GetVolume(_ context.Context, projectID, id string) (models.Volume, error) {
	leave, err := s.enter("GetVolume")
	if err != nil {
		return models.Volume{}, err
	}
	defer leave()
	return s.get(projectID, id)
}

// UpdateVolume changes a row.
func (s *Store) UpdateVolume(_ context.Context, projectID, id string, p models.VolumePatch) (models.Volume, error) {
	return s.edit(projectID, id, func(v *models.Volume) error {
		if v.Status == models.VolumeMaintenance {
			return &models.StatusError{Resource: "volume " + id, Status: string(v.Status), Reason: "is in maintenance"}
		}
		if p.Name != nil {
			v.Name = *p.Name
		}
		if p.Description != nil {
			v.Description = *p.Description
		}
		if p.Bootable != nil {
			v.Bootable = *p.Bootable
		}
		if p.Readonly != nil {
			v.Readonly, v.ReadonlySet = *p.Readonly, true
		}
		if p.Metadata != nil {
			v.Metadata = maps.Clone(p.Metadata)
		}
		return nil
	})
}

func (s *Store) edit(projectID, id string, edit func(*models.Volume) error) (models.Volume, error) {
	leave, err := s.enter("edit")
	if err != nil {
		return models.Volume{}, err
	}
	defer leave()
	v, err := s.get(projectID, id)
	if err != nil {
		return v, err
	}
	if err := edit(&v); err != nil {
		return v, err
	}
	v.UpdatedAt = s.Now().UTC()
	s.Volumes[id] = v
	return v, nil
}

// EditVolumeMetadata changes the metadata of a row.
func (s *Store) EditVolumeMetadata(_ context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	v, err := s.edit(projectID, id, func(v *models.Volume) error {
		m, err := edit(maps.Clone(v.Metadata))
		v.Metadata = m
		return err
	})
	return v.Metadata, err
}

// ResetVolume writes statuses and drops the flow's ownership.
func (s *Store) ResetVolume(_ context.Context, id string, r models.StatusReset) (models.Volume, error) {
	return s.edit("", id, func(v *models.Volume) error {
		v.FlowID = ""
		if r.Status != nil {
			v.Status = *r.Status
		}
		if r.AttachStatus != nil {
			v.AttachStatus = *r.AttachStatus
		}
		if r.MigrationStatus != nil {
			v.MigrationStatus = *r.MigrationStatus
		}
		return nil
	})
}

// BeginDelete moves a row to deleting by the rules of the transition table.
func (s *Store) BeginDelete(_ context.Context, projectID, id string, force bool, f models.Flow) (models.Volume, error) {
	return s.beginRemoval(projectID, id, deleteRule(force), false, f)
}

// BeginDeleteCascade takes the snapshots along, which must all be ones that can be deleted.
func (s *Store) BeginDeleteCascade(_ context.Context, projectID, id string, force bool, f models.Flow) (models.Volume, error) {
	return s.beginRemoval(projectID, id, deleteRule(force), true, f)
}

// BeginUnmanage moves a row to unmanaging.
func (s *Store) BeginUnmanage(_ context.Context, projectID, id string, f models.Flow) (models.Volume, error) {
	return s.beginRemoval(projectID, id, models.Transition(models.OpVolumeUnmanage), false, f)
}

func deleteRule(force bool) models.Rule {
	if force {
		return models.Transition(models.OpVolumeForceDelete)
	}
	return models.Transition(models.OpVolumeDelete)
}

func (s *Store) beginRemoval(projectID, id string, rule models.Rule, cascade bool, f models.Flow) (was models.Volume, err error) {
	_, err = s.edit(projectID, id, func(v *models.Volume) error {
		was = *v
		snapshots := s.snapshotsOf(id)
		refused := &models.StatusError{Resource: "volume " + id, Status: string(v.Status), Allowed: rule.Legal(false)}
		switch {
		case v.AttachStatus == models.AttachAttached:
			refused.Reason = "has attachments"
			return refused
		case !rule.Allows(v.Status):
			return refused
		case len(snapshots) > 0 && !cascade:
			refused.Reason = "has snapshots"
			return refused
		}
		for _, n := range snapshots {
			if !models.SnapshotTransition(models.OpSnapshotDelete).Allows(n.Status) {
				return &models.StatusError{Resource: "snapshot " + n.ID, Status: string(n.Status), Allowed: []string{"available", "error"}}
			}
			n.Status, n.FlowID = models.SnapshotDeleting, f.ID
			s.Snapshots[n.ID] = n
		}
		v.PreviousStatus, v.Status, v.FlowID = v.Status, rule.To, f.ID
		s.Flows[f.ID] = f
		return nil
	})
	return was, err
}

// UndoBeginDelete takes BeginDelete back.
func (s *Store) UndoBeginDelete(_ context.Context, id, flowID string) error {
	_, err := s.edit("", id, func(v *models.Volume) error {
		if v.FlowID != flowID {
			return models.ErrNotFound
		}
		v.Status, v.PreviousStatus, v.FlowID = v.PreviousStatus, "", ""
		delete(s.Flows, flowID)
		return nil
	})
	return err
}
