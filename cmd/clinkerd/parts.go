package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/keystone"
	"github.com/clinker-storage/clinker/internal/nova"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/internal/tlsfile"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
	"github.com/clinker-storage/clinker/workers"
)

// openStore opens the catalogue and brings its schema up to date when migrate is set.
func openStore(ctx context.Context, cfg *config.Config, log *slog.Logger, migrate bool) (*store.Store, error) {
	db := cfg.Database
	dsn := db.URL.Reveal()
	if db.Engine == "sqlite" {
		path, err := filepath.Abs(db.File)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		dsn = "sqlite://" + path
	}
	q := cfg.Quota
	s, err := store.Open(ctx, dsn, store.Options{
		QuotaDefaults: map[string]int64{
			models.QuotaVolumes: int64(q.Volumes), models.QuotaSnapshots: int64(q.Snapshots), models.QuotaGigabytes: int64(q.Gigabytes),
			models.QuotaBackups: int64(q.Backups), models.QuotaBackupGigabytes: int64(q.BackupGigabytes), models.QuotaGroups: int64(q.Groups),
			models.QuotaPerVolumeGigabyte: int64(q.PerVolumeGigabytes),
		},
		UseDefaultClass: q.UseDefaultClass, ServiceDownTime: cfg.Service.DownTime, RelaxedDurability: db.RelaxedDurability,
		MaxConns: db.MaxOpen, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if migrate {
		err = s.Migrate(ctx)
		if err == nil {
			err = s.EnsureDefaultType(ctx, cfg.Volumes.DefaultType)
		}
	} else {
		err = checkSchema(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("catalogue: %w", err), s.Close())
	}
	return s, nil
}

func checkSchema(ctx context.Context, s *store.Store) error {
	have, want, err := s.MigrationVersion(ctx)
	switch {
	case err != nil:
		return err
	case have < want:
		return fmt.Errorf("its schema is version %d and this binary needs %d: run `clinkerd db migrate`", have, want)
	case have > want:
		return fmt.Errorf("its schema is version %d, newer than the %d that this binary knows: use the newer clinkerd", have, want)
	}
	return nil
}

func dial(ctx context.Context, cfg *config.Config, log *slog.Logger, lazy bool) (*engine.Engine, error) {
	t := cfg.Temporal
	for option, path := range map[string]string{"api_key_file": t.APIKeyFile, "tls_key": t.TLSKey} {
		if path == "" {
			continue
		}
		if err := tlsfile.Private(path); err != nil {
			return nil, fmt.Errorf("[temporal] %s: %w", option, err)
		}
	}
	return engine.Dial(ctx, engine.Options{
		Address: t.Address, Namespace: t.Namespace, CAFile: t.TLSCA, CertFile: t.TLSCert, KeyFile: t.TLSKey, ServerName: t.ServerName,
		APIKeyFile: t.APIKeyFile, PayloadKeysFile: t.PayloadKeys, Identity: fmt.Sprintf("clinkerd@%s/%d", cfg.Host, os.Getpid()), Logger: log.With("part", "temporal-sdk"),
	}, lazy)
}

func startControl(ctx context.Context, cfg *config.Config, e *engine.Engine, s *store.Store, log *slog.Logger, known, knownData []string) (*workers.Control, error) {
	v := cfg.Volumes
	zone := v.DefaultAvailabilityZone
	if zone == "" {
		zone = v.AvailabilityZone
	}
	compute, err := openNova(cfg.Nova)
	if err != nil {
		return nil, err
	}
	return workers.StartControl(ctx, e, s, workers.ControlOptions{
		Host: cfg.Host, Zone: v.AvailabilityZone, Known: known, KnownData: knownData, DefaultType: v.DefaultType, DefaultZone: zone, ZoneFallback: v.ZoneFallback,
		Names: flow.Names{Volume: v.VolumeName, Snapshot: v.SnapshotName}, NoSnapshotGB: cfg.Quota.NoSnapshotGB, MessageTTL: cfg.API.MessageTTL, FlowRecords: cfg.Flows.RecordAge, ReportInterval: cfg.Service.ReportInterval,
		BackendWait: cfg.Flows.BackendWait, HoldHours: int(cfg.Flows.Hold / time.Hour),
		ServiceDown: cfg.Service.DownTime, BackupService: backupService(cfg.Backup), Compute: compute,
		Scheduler: scheduler.Options{
			Filters: cfg.Scheduler.Filters, Weighers: cfg.Scheduler.Weighers, Multipliers: cfg.Scheduler.Multipliers, Handler: cfg.Scheduler.Handler,
		},
		Logger: log,
	})
}

// openNova does not ask anybody yet; nil where no Nova is configured.
func openNova(n config.Nova) (activities.ComputeService, error) {
	if n.AuthURL == "" {
		return nil, nil
	}
	return nova.New(keystone.Options{
		AuthURL: n.AuthURL, Username: n.Username, Password: n.Password.Reveal(), UserDomainID: n.UserDomainID, UserDomainName: n.UserDomainName,
		Project: n.ProjectName, ProjectDomainID: n.ProjectDomainID, ProjectDomainName: n.ProjectDomainName, Region: n.Region, Interface: n.Interface,
		CAFile: n.CAFile, Insecure: n.Insecure, Timeout: n.Timeout,
	})
}

func backendHosts(cfg *config.Config) []string {
	var out []string
	for _, b := range cfg.Backends {
		out = append(out, b.Service())
	}
	return out
}

func backendNames(cfg *config.Config) string {
	var out []string
	for _, b := range cfg.Backends {
		out = append(out, b.Name)
	}
	return strings.Join(out, ", ")
}

// within gives a step of shutting down so much time.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
