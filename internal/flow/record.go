package flow

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// Record makes the row that a flow is born with. Input, where it is set, lets the flow be started again from its row.
func (s Start) Record(state models.FlowState, now time.Time) (models.Flow, error) {
	h := s.Header
	f := models.Flow{
		ID: h.FlowID, Operation: string(s.Operation), ResourceKind: s.Kind, ResourceID: h.ResourceID, ProjectID: h.ProjectID,
		RequestID: h.RequestID, Backend: s.Backend, Summary: h.Summary, State: state, CreatedAt: now.UTC(), UpdatedAt: now.UTC(),
	}
	if s.Input != nil {
		var err error
		if f.Input, err = json.Marshal(s.Input); err != nil {
			return f, fmt.Errorf("flow %s: %w", h.FlowID, err)
		}
	}
	for _, name := range h.Tasks {
		f.Tasks = append(f.Tasks, models.Task{Name: name, State: models.TaskPending})
	}
	if !state.Open() {
		f.FinishedAt = f.CreatedAt
	}
	return f, nil
}
