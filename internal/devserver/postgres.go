//go:build !noembed

package devserver

import (
	"context"
	"fmt"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

// SetupPostgres makes Temporal's two databases and brings their schemas to
// what this server wants. It may be run again at any time, before the servers
// of a new version start. The user needs the right to create databases, unless
// both are there.
//
// It calls the tasks under temporal-sql-tool, not its RunTool, which ends the
// process on an error.
func SetupPostgres(ctx context.Context, p PostgresOptions) error {
	p = p.withDefaults()
	for _, db := range []struct{ name, schema string }{
		{p.Database, "postgresql/v12/temporal"},
		{p.VisibilityDatabase, "postgresql/v12/visibility"},
	} {
		// The tasks take no context: between them is where to stop.
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := setupDatabase(p, db.name, db.schema); err != nil {
			return fmt.Errorf("temporal database %q on %s:%d: %w", db.name, p.Host, p.Port, err)
		}
	}
	return nil
}

func setupDatabase(p PostgresOptions, name, schemaName string) error {
	logger := log.NewNoopLogger()
	conn, err := connect(p, name)
	if err != nil {
		// Most often it is not there yet; if it is something else, this fails
		// of the same cause.
		if err := sql.DoCreateDatabase(postgresConfig(p, name), "postgres", logger); err != nil {
			return fmt.Errorf("can't be made: %w", err)
		}
		if conn, err = connect(p, name); err != nil {
			return fmt.Errorf("can't be reached: %w", err)
		}
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil {
		if err := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
			return fmt.Errorf("version table: %w", err)
		}
	}
	if err := schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{SchemaName: schemaName}, logger).Run(); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

// connect asks the database something: NewConnection alone succeeds on one that
// isn't there.
func connect(p PostgresOptions, name string) (*sql.Connection, error) {
	conn, err := sql.NewConnection(postgresConfig(p, name), log.NewNoopLogger())
	if err != nil {
		return nil, err
	}
	if _, err := conn.ListTables(); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
