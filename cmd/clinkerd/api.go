package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/api"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/tlsfile"
	"github.com/clinker-storage/clinker/models/store"
)

func apiCommand() *cobra.Command {
	var s settings
	var addr string
	var remote bool
	c := &cobra.Command{
		Use:   "api",
		Short: "Serve the Block Storage API; run as many as you like",
		Long: "Serves the Block Storage API v3 against the catalogue and the Temporal of the configuration.\n" +
			"Stateless: run as many as you like. The schema must be up to date: `clinkerd db migrate`.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			if addr == "" {
				addr = cfg.API.Addr()
			}
			return runAPI(cmd.Context(), cfg, log, addr, remote)
		},
	}
	s.register(c)
	c.Flags().StringVar(&addr, "api-addr", "", "address to listen on (default: osapi_volume_listen and osapi_volume_listen_port)")
	remoteFlag(c, &remote)
	return c
}

const remoteFlagName = "--allow-remote-noauth"

func remoteFlag(c *cobra.Command, remote *bool) {
	c.Flags().BoolVar(remote, remoteFlagName[2:], false, "with auth_strategy noauth, listen beyond loopback all the same: anybody who reaches it is administrator")
}

func runAPI(ctx context.Context, cfg *config.Config, log *slog.Logger, addr string, remote bool) error {
	l, err := listenAPI(cfg, addr, remote)
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := openStore(ctx, cfg, log, false)
	if err != nil {
		return err
	}
	defer s.Close()
	e, err := dial(ctx, cfg, log, true)
	if err != nil {
		return err
	}
	defer e.Close()
	rules, err := loadPolicy(ctx, cfg, log)
	if err != nil {
		return err
	}
	who, err := openCallers(ctx, cfg, s, publicBase(cfg, l))
	if err != nil {
		return err
	}
	log.Info("api listens", "address", addr, "auth_strategy", cfg.API.AuthStrategy)
	return serve(ctx, l, handler(cfg, e, s, rules, who, log), log)
}

// listenAPI refuses to let the whole network be administrator by accident.
func listenAPI(cfg *config.Config, addr string, remote bool) (net.Listener, error) {
	if strings.HasPrefix(cfg.API.AuthStrategy, "noauth") && !remote && !engine.Loopback(addr) {
		return nil, usageError{fmt.Errorf("auth_strategy is noauth and %s can be reached from other machines: everybody there would be administrator; "+
			"listen on 127.0.0.1, or say %s if a proxy or firewall guards it", addr, remoteFlagName)}
	}
	l, err := listen(addr, "--api-addr", "the API")
	if err != nil || !cfg.API.UseTLS {
		return l, err
	}
	conf, err := tlsfile.Server(cfg.API.CertFile, cfg.API.KeyFile, cfg.API.CAFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("[ssl]: %w", err), l.Close())
	}
	conf.NextProtos = []string{"http/1.1"}
	return tls.NewListener(l, conf), nil
}

func handler(cfg *config.Config, e *engine.Engine, s *store.Store, rules v3.Policy, who callers, log *slog.Logger) http.Handler {
	o := api.Options{
		Deps: v3.Deps{
			Store: s, Starter: e, Flows: e, Policy: rules,
			Settings: v3.Settings{
				PublicEndpoint: cfg.API.PublicEndpoint, MaxLimit: cfg.API.MaxLimit, DefaultType: cfg.Volumes.DefaultType,
				HoldHours: int(cfg.Flows.Hold / time.Hour), MaxAttempts: cfg.Scheduler.MaxAttempts,
				VolumeNameTemplate: cfg.Volumes.VolumeName, SnapshotNameTemplate: cfg.Volumes.SnapshotName,
				StorageZone: cfg.Volumes.AvailabilityZone, ServiceDownTime: cfg.Service.DownTime, KeyTTL: cfg.API.IdempotencyKeyAge,
				ServiceTokenRoles: cfg.Keystone.ServiceTokenRoles,
				BackupContainer:   backupContainer(cfg.Backup),
			},
		},
		Auth:    who.auth,
		People:  who.people,
		Health:  health(e, s),
		MaxBody: cfg.API.MaxRequestBodySize,

		ProjectRate: cfg.API.ProjectRate, AddressRate: cfg.API.AddressRate, Proxies: cfg.API.TrustedProxies,
		Log: log,
	}
	if !strings.HasPrefix(cfg.API.AuthStrategy, "noauth") {
		o.ProjectID = cfg.API.ProjectID // with noauth a project may have any name
	}
	return api.New(o)
}

// health is well while both the catalogue and Temporal answer.
func health(e *engine.Engine, s *store.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		if s.Ping(ctx) != nil {
			return errors.New("the catalogue does not answer")
		}
		if e.Healthy(ctx) != nil {
			return errors.New("temporal does not answer")
		}
		return nil
	}
}

// serve answers until ctx ends, then lets requests under way finish.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := api.NewServer(h, log)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("the API stopped: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := within(10 * time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		log.Warn("requests were cut off at shutdown", "error", err)
	}
	return nil
}
