//go:build !noembed

package devserver

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/tests/pgtest"
)

func TestPostgres(t *testing.T) {
	u, err := url.Parse(pgtest.Start(t))
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	password, _ := u.User.Password()
	// A database of its own each time: the server under pgtest may be shared.
	name := fmt.Sprintf("temporal_%d", time.Now().UnixNano())
	pg := PostgresOptions{
		Host: u.Hostname(), Port: port, User: u.User.Username(), Password: password,
		Database: name, VisibilityDatabase: name + "_visibility",
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	o := testOptions(t, "")
	o.Postgres = &pg
	_, err = Start(ctx, o)
	require.ErrorContains(t, err, "clinkerd temporal setup", "before the schemas are there")

	require.NoError(t, SetupPostgres(ctx, pg))
	require.NoError(t, SetupPostgres(ctx, pg), "again")

	s := start(t, o)
	require.Equal(t, "postgresql", s.Durability())
	c := dial(t, s.Addr())
	skeletonWorkers(t, c)
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "flow", TaskQueue: controlQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("ResourceId").ValueSet("vol-1")),
	}, deleteSkeleton)
	require.NoError(t, err)
	require.NoError(t, run.Get(ctx, nil))
	h, err := create(ctx, c, "volume-create:1")
	require.NoError(t, err)
	require.NoError(t, h.Get(ctx, nil))
}

func TestSetupPostgresUnreachable(t *testing.T) {
	ports, err := freePorts(1)
	require.NoError(t, err)
	err = SetupPostgres(t.Context(), PostgresOptions{Host: "127.0.0.1", Port: ports[0], User: "u", Password: "secret"})
	require.ErrorContains(t, err, `temporal database "temporal" on 127.0.0.1`)
	require.NotContains(t, err.Error(), "secret")
}
