package engine

import (
	"context"

	"github.com/clinker-storage/clinker/internal/namespace"
)

// EnsureNamespace makes a namespace with its retention and search attributes, or brings it to them.
func (e *Engine) EnsureNamespace(ctx context.Context, s namespace.Spec) error {
	_, err := namespace.Ensure(ctx, e.flows.WorkflowService(), e.flows.OperatorService(), s)
	return err
}
