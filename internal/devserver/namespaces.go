//go:build !noembed

package devserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

// cacheRefresh is how long the services of the server may go on with what
// they knew of a namespace (system.namespaceCacheRefreshInterval).
const cacheRefresh = 2 * time.Second

// seedNamespaces writes the namespaces into the file of a server that doesn't
// run yet: they are then known from its first moment.
func seedNamespaces(o Options) error {
	var configs []*sqliteschema.NamespaceConfig
	for _, ns := range o.Namespaces {
		c, err := sqliteschema.NewNamespaceConfig(clusterName, ns.Name, false, ns.SearchAttributes)
		if err != nil {
			return fmt.Errorf("namespace %q: %w", ns.Name, err)
		}
		c.Detail.Config.Retention = durationpb.New(retention(ns))
		configs = append(configs, c)
	}
	return stateError(databaseFile(o.StateDir), sqliteschema.CreateNamespaces(sqliteConfig(databaseFile(o.StateDir)), configs...))
}

// ensureNamespaces brings the namespaces of a running server to what is asked
// for, and returns when every service has seen it.
func ensureNamespaces(ctx context.Context, conn *grpc.ClientConn, wanted []Namespace) error {
	changed := false
	for _, ns := range wanted {
		made, err := ensureNamespace(ctx, conn, ns)
		if err != nil {
			return fmt.Errorf("namespace %q: %w", ns.Name, err)
		}
		added, err := ensureAttributes(ctx, conn, ns)
		if err != nil {
			return fmt.Errorf("search attributes of namespace %q: %w", ns.Name, err)
		}
		changed = changed || made || added
	}
	if !changed {
		return nil
	}
	// History and matching keep caches of their own, which no call asks.
	return sleep(ctx, 2*cacheRefresh)
}

func ensureNamespace(ctx context.Context, conn *grpc.ClientConn, ns Namespace) (changed bool, err error) {
	api := workflowservice.NewWorkflowServiceClient(conn)
	keep := durationpb.New(retention(ns))
	got, err := api.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: ns.Name})
	err = serviceerror.FromStatus(serviceerror.ToStatus(err))
	var absent *serviceerror.NamespaceNotFound
	switch {
	case errors.As(err, &absent):
		_, err := api.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace: ns.Name, WorkflowExecutionRetentionPeriod: keep,
		})
		return true, err
	case err != nil:
		return false, err
	case got.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == keep.AsDuration():
		return false, nil
	}
	_, err = api.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: ns.Name,
		Config:    &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: keep},
	})
	return true, err
}

func ensureAttributes(ctx context.Context, conn *grpc.ClientConn, ns Namespace) (changed bool, err error) {
	api := operatorservice.NewOperatorServiceClient(conn)
	var got *operatorservice.ListSearchAttributesResponse
	// A namespace just made is not found until the cache is refreshed.
	err = retry(ctx, func() (err error) {
		got, err = api.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: ns.Name})
		return err
	})
	if err != nil {
		return false, err
	}
	missing := map[string]enums.IndexedValueType{}
	for _, name := range slices.Sorted(maps.Keys(ns.SearchAttributes)) {
		want := ns.SearchAttributes[name]
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
		_, err := api.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: ns.Name, SearchAttributes: missing,
		})
		return err
	})
}

// retry calls again for as long as a cache may be behind.
func retry(ctx context.Context, call func() error) error {
	for deadline := time.Now().Add(3 * cacheRefresh); ; {
		err := call()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if ctxErr := sleep(ctx, 100*time.Millisecond); ctxErr != nil {
			return ctxErr
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
