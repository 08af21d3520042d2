package apitest

import (
	"context"
	"maps"
	"slices"

	"github.com/clinker-storage/clinker/models"
)

// QuotaLimits are the project's, else the default class's, else the options.
func (o *Operators) QuotaLimits(_ context.Context, projectID string) (map[string]int64, error) {
	unlock, err := o.lock()
	defer unlock()
	return o.merged("class/default", "project/"+projectID), err
}

// ClassLimits are the class's, else the options.
func (o *Operators) ClassLimits(_ context.Context, class string) (map[string]int64, error) {
	unlock, err := o.lock()
	defer unlock()
	return o.merged("class/" + class), err
}

func (o *Operators) merged(scopes ...string) map[string]int64 {
	out := maps.Clone(o.Options)
	if out == nil {
		out = map[string]int64{}
	}
	for _, t := range o.Types {
		for _, r := range []string{models.QuotaVolumes, models.QuotaSnapshots, models.QuotaGigabytes} {
			out[r+"_"+t.Name] = models.Unlimited
		}
	}
	for _, s := range scopes {
		maps.Copy(out, o.Limits[s])
	}
	return out
}

// SetQuotaLimits merges into what is set.
func (o *Operators) SetQuotaLimits(_ context.Context, scope, name string, limits map[string]int64) error {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return err
	}
	if o.Limits == nil {
		o.Limits = map[string]map[string]int64{}
	}
	key := scope + "/" + name
	if o.Limits[key] == nil {
		o.Limits[key] = map[string]int64{}
	}
	maps.Copy(o.Limits[key], limits)
	return nil
}

// DeleteQuotaLimits forgets a project's limits.
func (o *Operators) DeleteQuotaLimits(_ context.Context, projectID string) error {
	unlock, err := o.lock()
	defer unlock()
	delete(o.Limits, "project/"+projectID)
	return err
}

// QuotaUsages tells what Usages says.
func (o *Operators) QuotaUsages(_ context.Context, projectID string) (map[string]models.QuotaUsage, error) {
	unlock, err := o.lock()
	defer unlock()
	return maps.Clone(o.Usages[projectID]), err
}

// ListMessages filters, sorts and pages.
func (o *Operators) ListMessages(_ context.Context, q models.MessageQuery) ([]models.Message, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	var out []models.Message
	for _, m := range o.Messages {
		if (q.ProjectID == "" || m.ProjectID == q.ProjectID) && contains(columns(m), q.Equal) {
			out = append(out, m)
		}
	}
	return page(out, q.Page, func(m models.Message, key string) string { return columns(m)[key] }, func(m models.Message) string { return m.ID })
}

func columns(m models.Message) map[string]string {
	return map[string]string{
		"id": m.ID, "resource_uuid": m.ResourceID, "resource_type": m.ResourceType, "event_id": m.EventID,
		"request_id": m.RequestID, "message_level": m.Level, "created_at": m.CreatedAt.Format("2006-01-02T15:04:05.000000"),
	}
}

// GetMessage finds a project's message.
func (o *Operators) GetMessage(_ context.Context, projectID, id string) (models.Message, error) {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return models.Message{}, err
	}
	for _, m := range o.Messages {
		if m.ID == id && (projectID == "" || m.ProjectID == projectID) {
			return m, nil
		}
	}
	return models.Message{}, models.ErrNotFound
}

// DeleteMessage deletes a project's message.
func (o *Operators) DeleteMessage(_ context.Context, projectID, id string) error {
	unlock, err := o.lock()
	defer unlock()
	if err != nil {
		return err
	}
	n := len(o.Messages)
	o.Messages = slices.DeleteFunc(o.Messages, func(m models.Message) bool {
		return m.ID == id && (projectID == "" || m.ProjectID == projectID)
	})
	if len(o.Messages) == n {
		return models.ErrNotFound
	}
	return nil
}
