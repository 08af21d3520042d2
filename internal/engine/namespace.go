package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	enums "go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// EnsureNamespace makes a namespace with its retention and search attributes, or brings it to them. Attributes that
// are there already stay. It waits for the server's namespace cache.
func (e *Engine) EnsureNamespace(ctx context.Context, name string, retention time.Duration, attrs map[string]enums.IndexedValueType) error {
	api := e.flows.WorkflowService()
	keep := durationpb.New(retention)
	_, err := api.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{Namespace: name, WorkflowExecutionRetentionPeriod: keep})
	var there *serviceerror.NamespaceAlreadyExists
	if errors.As(err, &there) {
		_, err = api.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
			Namespace: name, Config: &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: keep},
		})
	}
	if err != nil {
		return fmt.Errorf("namespace %s: %w", name, err)
	}
	if err := eventually(ctx, func() error { return e.ensureAttributes(ctx, name, attrs) }); err != nil {
		return fmt.Errorf("search attributes of namespace %s: %w", name, err)
	}
	return nil
}

func (e *Engine) ensureAttributes(ctx context.Context, namespace string, attrs map[string]enums.IndexedValueType) error {
	api := e.flows.OperatorService()
	have, err := api.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	missing := maps.Clone(attrs)
	maps.DeleteFunc(missing, func(name string, _ enums.IndexedValueType) bool {
		_, there := have.GetCustomAttributes()[name]
		return there
	})
	if len(missing) == 0 {
		return nil
	}
	_, err = api.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	return err
}

// eventually tries for as long as a namespace that was just made may not be known everywhere (10 s by default).
func eventually(ctx context.Context, try func() error) error {
	deadline := time.Now().Add(15 * time.Second)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}
