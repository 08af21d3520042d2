package namespace_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/clinker-storage/clinker/internal/namespace"
)

// frontend is a Temporal that knows one namespace, or none yet.
type frontend struct {
	workflowservice.WorkflowServiceClient
	operatorservice.OperatorServiceClient
	there     bool
	retention time.Duration
	attrs     map[string]enums.IndexedValueType
	stale     int  // so many calls find a cache that does not know the namespace yet
	race      bool // somebody else makes things between our look and our call
}

func (f *frontend) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest, ...grpc.CallOption) (*workflowservice.DescribeNamespaceResponse, error) {
	if !f.there {
		return nil, serviceerror.ToStatus(serviceerror.NewNamespaceNotFound("x")).Err()
	}
	return &workflowservice.DescribeNamespaceResponse{Config: &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(f.retention)}}, nil
}

func (f *frontend) RegisterNamespace(_ context.Context, r *workflowservice.RegisterNamespaceRequest, _ ...grpc.CallOption) (*workflowservice.RegisterNamespaceResponse, error) {
	f.there, f.retention = true, r.GetWorkflowExecutionRetentionPeriod().AsDuration()
	if f.race {
		return nil, serviceerror.ToStatus(serviceerror.NewNamespaceAlreadyExists("x")).Err()
	}
	return nil, nil
}

func (f *frontend) UpdateNamespace(_ context.Context, r *workflowservice.UpdateNamespaceRequest, _ ...grpc.CallOption) (*workflowservice.UpdateNamespaceResponse, error) {
	f.retention = r.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	return nil, nil
}

func (f *frontend) ListSearchAttributes(context.Context, *operatorservice.ListSearchAttributesRequest, ...grpc.CallOption) (*operatorservice.ListSearchAttributesResponse, error) {
	if f.stale--; f.stale >= 0 {
		return nil, serviceerror.ToStatus(serviceerror.NewNamespaceNotFound("x")).Err()
	}
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: f.attrs}, nil
}

func (f *frontend) AddSearchAttributes(_ context.Context, r *operatorservice.AddSearchAttributesRequest, _ ...grpc.CallOption) (*operatorservice.AddSearchAttributesResponse, error) {
	if f.attrs == nil {
		f.attrs = map[string]enums.IndexedValueType{}
	}
	for name, kind := range r.GetSearchAttributes() {
		f.attrs[name] = kind
	}
	if f.race {
		return nil, serviceerror.ToStatus(serviceerror.NewAlreadyExists("x")).Err()
	}
	return nil, nil
}

func TestEnsure(t *testing.T) {
	keyword, text := enums.INDEXED_VALUE_TYPE_KEYWORD, enums.INDEXED_VALUE_TYPE_TEXT
	want := map[string]enums.IndexedValueType{"Backend": keyword, "Operation": keyword}
	for name, c := range map[string]struct {
		f       frontend
		keep    time.Duration
		changed bool
		err     string
	}{
		"new":                      {frontend{}, 48 * time.Hour, true, ""},
		"new, default retention":   {frontend{}, 0, true, ""},
		"new, the cache is behind": {frontend{stale: 2}, 48 * time.Hour, true, ""},
		"another was first":        {frontend{race: true}, 48 * time.Hour, true, ""},
		"as it should be":          {frontend{there: true, retention: 48 * time.Hour, attrs: map[string]enums.IndexedValueType{"Backend": keyword, "Operation": keyword}}, 48 * time.Hour, false, ""},
		"other retention":          {frontend{there: true, retention: time.Hour, attrs: map[string]enums.IndexedValueType{"Backend": keyword, "Operation": keyword}}, 48 * time.Hour, true, ""},
		"one attribute missing":    {frontend{there: true, retention: 48 * time.Hour, attrs: map[string]enums.IndexedValueType{"Backend": keyword}}, 48 * time.Hour, true, ""},
		"one of another kind":      {frontend{there: true, retention: 48 * time.Hour, attrs: map[string]enums.IndexedValueType{"Backend": text}}, 48 * time.Hour, false, "Backend is there as Text, wanted as Keyword"},
	} {
		t.Run(name, func(t *testing.T) {
			s := namespace.Spec{Name: "clinker", Retention: c.keep, SearchAttributes: want}
			changed, err := namespace.Ensure(t.Context(), &c.f, &c.f, s)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.ErrorContains(t, err, `namespace "clinker"`)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.changed, changed)
			require.Equal(t, want, c.f.attrs)
			require.Equal(t, s.Keep(), c.f.retention)
			changed, err = namespace.Ensure(t.Context(), &c.f, &c.f, s)
			require.NoError(t, err)
			require.False(t, changed, "the second time nothing is left to do")
		})
	}
}

func TestEnsureStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f := &frontend{stale: 1 << 30}
	_, err := namespace.Ensure(ctx, f, f, namespace.Spec{Name: "clinker"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
