package apitest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/clinker-storage/clinker/models"
)

// Operators is a catalogue in memory of what operators look after: types, quotas, services, pools, messages. It keeps the
// promises that models/store makes to the API. Fill its fields before the first request.
type Operators struct {
	mu       sync.Mutex
	Types    []models.VolumeType
	Access   map[string][]string // projects by type id
	InUse    map[string]bool     // type ids that volumes have
	Options  map[string]int64    // limits by resource where nobody set any
	Limits   map[string]map[string]int64
	Usages   map[string]map[string]models.QuotaUsage // by project
	Services []models.Service
	Pools    []models.PoolView
	Messages []models.Message
	// Err is what every call answers, if it is set.
	Err error
}

// lock guards a call; calls that begin with an error stop there.
func (o *Operators) lock() (unlock func(), err error) {
	o.mu.Lock()
	return o.mu.Unlock, o.Err
}

func (o *Operators) find(id string) (int, error) {
	for i, t := range o.Types {
		if t.ID == id || t.Name == id {
			return i, nil
		}
	}
	return 0, models.ErrNotFound
}

func (o *Operators) visible(t models.VolumeType, project string) bool {
	return project == "" || t.IsPublic || slices.Contains(o.Access[t.ID], project)
}

// GetVolumeType finds by name or id.
func (o *Operators) GetVolumeType(_ context.Context, projectID, nameOrID string) (models.VolumeType, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return models.VolumeType{}, err
	}
	i, err := o.find(nameOrID)
	if err != nil || !o.visible(o.Types[i], projectID) {
		return models.VolumeType{}, models.ErrNotFound
	}
	return o.Types[i], nil
}

// ListVolumeTypes sorts by name or creation and pages by marker.
func (o *Operators) ListVolumeTypes(_ context.Context, q models.TypeQuery) ([]models.VolumeType, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	var out []models.VolumeType
	for _, t := range o.Types {
		if o.visible(t, q.ProjectID) && (q.IsPublic == nil || *q.IsPublic == t.IsPublic) && contains(t.ExtraSpecs, q.ExtraSpecs) {
			out = append(out, t)
		}
	}
	return page(out, q.Page, func(t models.VolumeType, key string) string {
		if key == "name" {
			return t.Name
		}
		return t.CreatedAt.Format("2006-01-02T15:04:05.000000")
	}, func(t models.VolumeType) string { return t.ID })
}

// CreateVolumeType refuses names that are taken.
func (o *Operators) CreateVolumeType(_ context.Context, t models.VolumeType, projects []string) (models.VolumeType, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return t, err
	}
	if _, err := o.find(t.Name); err == nil {
		return t, models.ErrExists
	}
	o.Types = append(o.Types, t)
	if o.Access == nil {
		o.Access = map[string][]string{}
	}
	o.Access[t.ID] = projects
	return t, nil
}

// UpdateVolumeType refuses names that are taken.
func (o *Operators) UpdateVolumeType(_ context.Context, id string, p models.TypePatch) (models.VolumeType, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return models.VolumeType{}, err
	}
	i, err := o.find(id)
	if err != nil {
		return models.VolumeType{}, err
	}
	t := &o.Types[i]
	if p.Name != nil {
		if j, err := o.find(*p.Name); err == nil && j != i {
			return *t, models.ErrExists
		}
		t.Name = *p.Name
	}
	if p.Description != nil {
		t.Description = *p.Description
	}
	if p.IsPublic != nil {
		t.IsPublic = *p.IsPublic
	}
	return *t, nil
}

// DeleteVolumeType refuses types that are in use.
func (o *Operators) DeleteVolumeType(_ context.Context, id string) error {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return err
	}
	i, err := o.find(id)
	if err != nil {
		return err
	}
	if o.InUse[id] {
		return models.ErrInUse
	}
	o.Types = slices.Delete(o.Types, i, i+1)
	return nil
}

// EditExtraSpecs replaces the specs by what edit makes of them.
func (o *Operators) EditExtraSpecs(_ context.Context, typeID string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	i, err := o.find(typeID)
	if err != nil {
		return nil, err
	}
	specs, err := edit(maps.Clone(o.Types[i].ExtraSpecs))
	if err == nil {
		o.Types[i].ExtraSpecs = specs
	}
	return specs, err
}

// TypeInUse tells what InUse says.
func (o *Operators) TypeInUse(_ context.Context, typeID string) (bool, error) {
	unlock, err := o.lock()
	defer unlock()
	return o.InUse[typeID], err
}

// ListTypeAccess lists projects in the order they were added.
func (o *Operators) ListTypeAccess(_ context.Context, typeID string) ([]string, error) {
	unlock, err := o.lock()
	defer unlock()
	return slices.Clone(o.Access[typeID]), err
}

// AddTypeAccess refuses a project that has it already.
func (o *Operators) AddTypeAccess(_ context.Context, typeID, projectID string) error {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return err
	}
	if slices.Contains(o.Access[typeID], projectID) {
		return models.ErrExists
	}
	if o.Access == nil {
		o.Access = map[string][]string{}
	}
	o.Access[typeID] = append(o.Access[typeID], projectID)
	return nil
}

// RemoveTypeAccess refuses a project that doesn't have it.
func (o *Operators) RemoveTypeAccess(_ context.Context, typeID, projectID string) error {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return err
	}
	i := slices.Index(o.Access[typeID], projectID)
	if i < 0 {
		return models.ErrNotFound
	}
	o.Access[typeID] = slices.Delete(o.Access[typeID], i, i+1)
	return nil
}

// ListServices filters by binary and exact host.
func (o *Operators) ListServices(_ context.Context, binary, host string) ([]models.Service, error) {
	unlock, err := o.lock()
	defer unlock()
	var out []models.Service
	for _, s := range o.Services {
		if (binary == "" || s.Binary == binary) && (host == "" || s.Host == host) {
			out = append(out, s)
		}
	}
	return out, err
}

// SetServiceDisabled forgets the reason when the service is enabled.
func (o *Operators) SetServiceDisabled(_ context.Context, binary, host string, disabled bool, reason string) (models.Service, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return models.Service{}, err
	}
	for i, s := range o.Services {
		if s.Binary == binary && s.Host == host {
			o.Services[i].Disabled, o.Services[i].DisabledReason = disabled, reason
			return o.Services[i], nil
		}
	}
	return models.Service{}, models.ErrNotFound
}

// ListPools lists all pools.
func (o *Operators) ListPools(context.Context) ([]models.PoolView, error) {
	unlock, err := o.lock()
	defer unlock()
	return slices.Clone(o.Pools), err
}

// contains tells whether have has all the pairs of want.
func contains(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// page sorts and cuts as the store does: by the keys, then by id, after the marker.
func page[T any](rows []T, p models.Page, value func(T, string) string, id func(T) string) ([]T, error) {
	slices.SortStableFunc(rows, func(a, b T) int {
		for _, k := range p.Sort {
			n := cmp.Compare(value(a, k.Key), value(b, k.Key))
			if k.Desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return cmp.Compare(id(a), id(b))
	})
	if p.Marker != "" {
		i := slices.IndexFunc(rows, func(r T) bool { return id(r) == p.Marker })
		if i < 0 {
			return nil, models.ErrNotFound
		}
		rows = rows[i+1:]
	}
	rows = rows[min(p.Offset, len(rows)):]
	if p.Limit >= 0 {
		rows = rows[:min(p.Limit, len(rows))]
	}
	return rows, nil
}
