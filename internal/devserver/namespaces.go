//go:build !noembed

package devserver

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/clinker-storage/clinker/internal/namespace"
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
		c.Detail.Config.Retention = durationpb.New(ns.Keep())
		configs = append(configs, c)
	}
	return stateError(databaseFile(o.StateDir), sqliteschema.CreateNamespaces(sqliteConfig(databaseFile(o.StateDir)), configs...))
}

// ensureNamespaces brings the namespaces of a running server to what is asked
// for, and returns when every service has seen it.
func ensureNamespaces(ctx context.Context, conn *grpc.ClientConn, wanted []Namespace) error {
	api, operator := workflowservice.NewWorkflowServiceClient(conn), operatorservice.NewOperatorServiceClient(conn)
	changed := false
	for _, ns := range wanted {
		c, err := namespace.Ensure(ctx, api, operator, ns)
		if err != nil {
			return err
		}
		changed = changed || c
	}
	if !changed {
		return nil
	}
	// History and matching keep caches of their own, which no call asks.
	return sleep(ctx, 2*cacheRefresh)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
