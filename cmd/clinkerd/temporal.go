package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enums "go.temporal.io/api/enums/v1"

	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/devserver"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/namespace"
	"github.com/clinker-storage/clinker/internal/nodeauth"
	"github.com/clinker-storage/clinker/internal/tlsfile"
)

// systemRetention is how long the histories of Clinker's own upkeep are kept.
const systemRetention = 24 * time.Hour

// namespaces are what Clinker needs of a Temporal: one for the flows, one for its own upkeep.
func namespaces(cfg *config.Config) []namespace.Spec {
	attrs := map[string]enums.IndexedValueType{}
	for _, name := range flow.Attributes() {
		attrs[name] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	return []namespace.Spec{
		{Name: cfg.Temporal.Namespace, Retention: cfg.Flows.Retention, SearchAttributes: attrs},
		{Name: cfg.Temporal.Namespace + flow.SystemNamespaceSuffix, Retention: systemRetention},
	}
}

// startTemporal runs a Temporal in this process and names the flag that changes an address that is taken.
func startTemporal(ctx context.Context, cfg *config.Config, o devserver.Options) (*devserver.Server, error) {
	o.Namespaces = namespaces(cfg)
	if err := guardTemporal(cfg, &o); err != nil {
		return nil, err
	}
	t, err := devserver.Start(ctx, o)
	var taken *devserver.AddrInUseError
	if errors.As(err, &taken) {
		flag := "--temporal-addr"
		if taken.What == devserver.WhatUI {
			flag = "--ui-addr"
		}
		return nil, fmt.Errorf("%w; choose another address with %s", err, flag)
	}
	return t, err
}

// guardTemporal has the embedded server tell its callers apart where there are some to tell apart.
func guardTemporal(cfg *config.Config, o *devserver.Options) (err error) {
	t := cfg.Temporal
	if t.ServerCert != "" {
		if err := tlsfile.Private(t.ServerKey); err != nil {
			return fmt.Errorf("temporal server_key: %w", err)
		}
		o.TLS = &devserver.ServerTLS{CertFile: t.ServerCert, KeyFile: t.ServerKey, ClientCAFile: t.ServerClientCA}
	}
	beyond := func(addr string) bool { return addr != "" && !engine.Loopback(addr) }
	// A server that stands alone is told: the API and the control workers need tokens then, and those of before have none.
	alone := o.Postgres != nil
	if t.Authorize == "auto" && alone && beyond(o.FrontendAddr) {
		o.Logger.Warn("whoever reaches Temporal may do everything with it: set authorize = yes in [temporal], and give each part a token (clinkerd node token create)", "address", o.FrontendAddr)
	}
	if t.Authorize == "no" || t.Authorize == "auto" && alone {
		return nil
	}
	if beyond(o.UIAddr) {
		return usageError{fmt.Errorf("temporal's Web UI asks nobody who they are, and can be reached from other machines at %s: leave --ui-addr on loopback and come by ssh -L, or set authorize = no in [temporal]", o.UIAddr)}
	}
	if beyond(o.FrontendAddr) && o.TLS == nil {
		return usageError{fmt.Errorf("temporal would listen at %s without TLS, where no client of ours shows its token: set server_cert and server_key in [temporal] (docs/deploy.md, A rack with clinkerd up), "+
			"leave --temporal-addr on loopback, or set authorize = no in [temporal]", o.FrontendAddr)}
	}
	if t.Authorize == "yes" || beyond(o.FrontendAddr) {
		o.Callers, err = nodeauth.OpenRegistry(filepath.Join(cfg.StatePath, nodeauth.FileName))
	}
	return err
}

func temporalCommand() *cobra.Command {
	c := &cobra.Command{Use: "temporal", Short: "The workflow engine: set up a namespace, or run Temporal in a process of its own"}
	c.AddCommand(temporalSetupCommand(), temporalSchemaCommand(), temporalServerCommand(), payloadKeyCommand())
	return c
}

func temporalSetupCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "setup",
		Short: "Make the namespaces and search attributes in the Temporal of the configuration",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			e, err := dial(cmd.Context(), cfg, log, true)
			if err != nil {
				return err
			}
			defer e.Close()
			for _, ns := range namespaces(cfg) {
				if err := e.EnsureNamespace(cmd.Context(), ns); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "namespace %s is ready\n", ns.Name)
			}
			return nil
		},
	}
	s.register(c)
	return c
}

// postgresFlag is where Temporal's own two databases are: they stand beside the catalogue or elsewhere.
func postgresFlag(c *cobra.Command, dsn *string) {
	c.Flags().StringVar(dsn, "postgres", "", "postgresql://user:password@host:port/database for Temporal's state; its visibility goes to <database>_visibility. "+
		"Better given as CLINKER_TEMPORAL_POSTGRES, which no process list shows")
}

func temporalSchemaCommand() *cobra.Command {
	var dsn string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Create or upgrade Temporal's PostgreSQL databases",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pg, err := postgresOptions(dsn)
			if err != nil {
				return err
			}
			return devserver.SetupPostgres(cmd.Context(), *pg)
		},
	}
	postgresFlag(c, &dsn)
	return c
}

func temporalServerCommand() *cobra.Command {
	var s settings
	var dsn, addr, ui string
	c := &cobra.Command{
		Use:   "server",
		Short: "Run Temporal with its Web UI on PostgreSQL, in a process of its own",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			pg, err := postgresOptions(dsn)
			if err != nil {
				return err
			}
			t, err := startTemporal(cmd.Context(), cfg, devserver.Options{Postgres: pg, FrontendAddr: addr, UIAddr: ui, Logger: log})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Temporal %s, Web UI %s\n", t.Addr(), t.UIURL())
			<-cmd.Context().Done()
			stopTemporal(t, log)
			return nil
		},
	}
	s.register(c)
	postgresFlag(c, &dsn)
	c.Flags().StringVar(&addr, "temporal-addr", devserver.DefaultFrontendAddr, "address to listen on")
	c.Flags().StringVar(&ui, "ui-addr", devserver.DefaultUIAddr, "address of the Web UI; empty for none")
	return c
}

func postgresOptions(dsn string) (*devserver.PostgresOptions, error) {
	if dsn == "" {
		dsn = os.Getenv("CLINKER_TEMPORAL_POSTGRES")
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgresql" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, usageError{errors.New("--postgres must be postgresql://user:password@host:port/database")}
	}
	pg := &devserver.PostgresOptions{Host: u.Hostname(), User: u.User.Username(), Database: strings.Trim(u.Path, "/")}
	pg.Password, _ = u.User.Password()
	pg.VisibilityDatabase = pg.Database + "_visibility"
	if u.Port() != "" {
		if pg.Port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, usageError{fmt.Errorf("--postgres: port %s is not a number", u.Port())}
		}
	}
	return pg, nil
}
