package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
	"github.com/clinker-storage/clinker/workers"
)

// backendDrivers are the drivers that this binary holds.
func backendDrivers() drivers.Registry {
	return drivers.Registry{dir.Name: dir.New}
}

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
	return engine.Dial(ctx, engine.Options{
		Address: t.Address, Namespace: t.Namespace, CAFile: t.TLSCA, CertFile: t.TLSCert, KeyFile: t.TLSKey, ServerName: t.ServerName,
		APIKeyFile: t.APIKeyFile, Identity: fmt.Sprintf("clinkerd@%s/%d", cfg.Host, os.Getpid()), Logger: log.With("part", "temporal-sdk"),
	}, lazy)
}

func startControl(ctx context.Context, cfg *config.Config, e *engine.Engine, s *store.Store, log *slog.Logger, known []string) (*workers.Control, error) {
	v := cfg.Volumes
	zone := v.DefaultAvailabilityZone
	if zone == "" {
		zone = v.AvailabilityZone
	}
	return workers.StartControl(ctx, e, s, workers.ControlOptions{
		Host: cfg.Host, Zone: v.AvailabilityZone, Known: known, DefaultType: v.DefaultType, DefaultZone: zone, ZoneFallback: v.ZoneFallback,
		Names: flow.Names{Volume: v.VolumeName, Snapshot: v.SnapshotName}, NoSnapshotGB: cfg.Quota.NoSnapshotGB, MessageTTL: cfg.API.MessageTTL, FlowRecords: cfg.Flows.RecordAge, ReportInterval: cfg.Service.ReportInterval,
		Scheduler: scheduler.Options{
			Filters: cfg.Scheduler.Filters, Weighers: cfg.Scheduler.Weighers, Multipliers: cfg.Scheduler.Multipliers, Handler: cfg.Scheduler.Handler,
		},
		Logger: log,
	})
}

// storageNode is the backends of this machine with their workers.
type storageNode struct {
	drivers []drivers.Driver
	workers []*workers.Storage
}

// startStorage opens each enabled backend and serves its queue. A backend that is broken is served too: its
// statistics tell what is wrong with it, and its flows wait.
func startStorage(ctx context.Context, cfg *config.Config, e *engine.Engine, log *slog.Logger, only []string) (_ *storageNode, err error) {
	n := &storageNode{}
	defer func() {
		if err != nil {
			n.stop()
		}
	}()
	cloud, err := cloudID(cfg.StatePath)
	if err != nil {
		return nil, err
	}
	for _, b := range cfg.Backends {
		if len(only) > 0 && !slices.Contains(only, b.Name) {
			continue
		}
		d, err := openDriver(ctx, cfg, b, cloud, log)
		if err != nil {
			return nil, err
		}
		n.drivers = append(n.drivers, d)
		if err := d.Check(ctx); err != nil {
			log.Warn("backend is not usable yet", "backend", b.Service(), "error", err, "hint", drivers.Hint(err))
		}
		w, err := workers.StartStorage(e, d, workers.StorageOptions{Backend: b.Service(), Zone: b.AvailabilityZone, CloudID: cloud, Logger: log})
		if err != nil {
			return nil, fmt.Errorf("backend %s: %w", b.Service(), err)
		}
		n.workers = append(n.workers, w)
	}
	if len(n.workers) == 0 {
		return nil, fmt.Errorf("no backend to serve: enabled_backends names %s", backendNames(cfg))
	}
	return n, nil
}

func openDriver(ctx context.Context, cfg *config.Config, b config.Backend, cloud string, log *slog.Logger) (drivers.Driver, error) {
	return backendDrivers().Open(ctx, b.Driver, drivers.Config{
		Backend: b.Name, Host: b.Host, BackendName: b.BackendName, Options: b.Options, ReservedPercentage: b.ReservedPercentage,
		MaxOverSubscription: b.MaxOverSubscription.Ratio, Provisioning: b.ProvType, StateDir: cfg.StatePath, CloudID: cloud, Logger: log,
	})
}

// stop ends the workers, all at once, then closes the drivers.
func (n *storageNode) stop() {
	var wg sync.WaitGroup
	for _, w := range n.workers {
		wg.Go(w.Stop)
	}
	wg.Wait()
	for _, d := range n.drivers {
		if err := d.Close(); err != nil {
			slog.Warn("driver not closed", "error", err)
		}
	}
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

// cloudID is the id of this installation, made on first use and kept in the state folder.
func cloudID(state string) (string, error) {
	path := filepath.Join(state, "cloud-id")
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("installation id: %w", err)
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return "", fmt.Errorf("state folder: %w", err)
	}
	id := uuid.NewString()
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("installation id: %w", err)
	}
	return id, nil
}

// within gives a step of shutting down so much time.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
