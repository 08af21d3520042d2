// Package namespace makes the namespaces that Clinker needs in a Temporal, embedded or not.
package namespace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// DefaultRetention is taken where Spec names none.
const DefaultRetention = 24 * time.Hour

// Spec is a namespace as it must be.
type Spec struct {
	Name string
	// Retention is how long a closed workflow's history is kept; DefaultRetention when 0.
	Retention time.Duration
	// SearchAttributes by name. Those there already are never removed.
	SearchAttributes map[string]enums.IndexedValueType
}

// Keep returns the retention, or the default.
func (s Spec) Keep() time.Duration {
	if s.Retention == 0 {
		return DefaultRetention
	}
	return s.Retention
}

// patience is how long a server may go on with what it knew of its namespaces (10 s by default).
const patience = 15 * time.Second

// Ensure brings a namespace to what is asked for; changed tells whether it was not so before, and a server's caches may
// be behind for a while.
func Ensure(ctx context.Context, api workflowservice.WorkflowServiceClient, operator operatorservice.OperatorServiceClient, s Spec) (changed bool, err error) {
	made, err := ensure(ctx, api, s)
	if err != nil {
		return false, fmt.Errorf("namespace %q: %w", s.Name, err)
	}
	added, err := ensureAttributes(ctx, operator, s)
	if err != nil {
		return false, fmt.Errorf("search attributes of namespace %q: %w", s.Name, err)
	}
	return made || added, nil
}

func ensure(ctx context.Context, api workflowservice.WorkflowServiceClient, s Spec) (changed bool, err error) {
	got, err := api.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: s.Name})
	err = serviceerror.FromStatus(serviceerror.ToStatus(err))
	var absent *serviceerror.NamespaceNotFound
	switch {
	case errors.As(err, &absent):
		_, err := api.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace: s.Name, WorkflowExecutionRetentionPeriod: durationpb.New(s.Keep()),
		})
		var there *serviceerror.NamespaceAlreadyExists
		if err = serviceerror.FromStatus(serviceerror.ToStatus(err)); errors.As(err, &there) {
			return true, nil // another process was first, with the same settings
		}
		return true, err
	case err != nil:
		return false, err
	case got.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == s.Keep():
		return false, nil
	}
	_, err = api.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: s.Name, Config: &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(s.Keep())},
	})
	return true, err
}

func ensureAttributes(ctx context.Context, api operatorservice.OperatorServiceClient, s Spec) (changed bool, err error) {
	var got *operatorservice.ListSearchAttributesResponse
	// A namespace just made is not found until the caches are refreshed.
	err = retry(ctx, func() (err error) {
		got, err = api.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: s.Name})
		return err
	})
	if err != nil {
		return false, err
	}
	missing := map[string]enums.IndexedValueType{}
	for _, name := range slices.Sorted(maps.Keys(s.SearchAttributes)) {
		want := s.SearchAttributes[name]
		switch have, ok := got.GetCustomAttributes()[name]; {
		case !ok:
			missing[name] = want
		case have != want:
			return false, fmt.Errorf("%s is there as %v, wanted as %v", name, have, want)
		}
	}
	if len(missing) == 0 {
		return false, nil
	}
	return true, retry(ctx, func() error {
		_, err := api.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: s.Name, SearchAttributes: missing})
		var there *serviceerror.AlreadyExists
		if errors.As(serviceerror.FromStatus(serviceerror.ToStatus(err)), &there) {
			return nil // another process was first
		}
		return err
	})
}

// retry calls again for as long as a cache may be behind.
func retry(ctx context.Context, call func() error) error {
	for deadline := time.Now().Add(patience); ; {
		err := call()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
