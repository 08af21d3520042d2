package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/glusterfs"
	"github.com/clinker-storage/clinker/drivers/lvm"
	"github.com/clinker-storage/clinker/drivers/nfs"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/lio"
	"github.com/clinker-storage/clinker/drivers/targets/local"
	"github.com/clinker-storage/clinker/drivers/targets/tgt"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/durable"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/workers"
)

// backendDrivers are the drivers that this binary holds.
func backendDrivers() drivers.Registry {
	return drivers.Registry{dir.Name: dir.New, lvm.Name: lvm.New, glusterfs.Name: glusterfs.New, nfs.Name: nfs.New}
}

// targetHelpers are the ways to export volumes that this binary holds.
func targetHelpers() targets.Registry {
	return targets.Registry{lio.Name: lio.Factory, tgt.Name: tgt.Factory, local.Name: local.Factory}
}

// storageNode is the backends of this machine with their workers.
type storageNode struct {
	drivers map[string]drivers.Driver // by host@backend
	targets []targets.Target
	workers []*workers.Storage
}

// startStorage opens each enabled backend and serves its queue. A backend that is broken is served too: its
// statistics tell what is wrong with it, and its flows wait.
func startStorage(ctx context.Context, cfg *config.Config, e *engine.Engine, log *slog.Logger, only []string) (_ *storageNode, err error) {
	n := &storageNode{drivers: map[string]drivers.Driver{}}
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
		n.drivers[b.Service()] = d
		if err := checkBackend(ctx, d, checkPatience); err != nil {
			log.Warn("backend is not usable yet", "backend", b.Service(), "error", err, "hint", drivers.Hint(err))
		}
		o := workers.StorageOptions{Backend: b.Service(), Zone: b.AvailabilityZone, CloudID: cloud, Logger: log}
		o.Discard, _ = strconv.ParseBool(b.Options["report_discard_supported"]) // checked where the file is read
		t, err := openTarget(ctx, cfg, b, d, log)
		if err != nil {
			return nil, err
		}
		if t != nil {
			n.targets = append(n.targets, t)
			o.Target = t
		}
		w, err := workers.StartStorage(e, d, o)
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

// checkPatience is how long a backend may take to say how it is before the others are served without waiting for it.
const checkPatience = 30 * time.Second

// checkBackend is Check with a bound that holds whatever the backend does: a call into a dead mount comes back for no context, and must
// not keep the node's other backends from their users. The call goes on then.
func checkBackend(ctx context.Context, d drivers.Driver, patience time.Duration) error {
	checked := make(chan error, 1)
	go func() { checked <- d.Check(ctx) }()
	select {
	case err := <-checked:
		return err
	case <-time.After(patience):
		return fmt.Errorf("%w: no answer within %s", drivers.ErrUnavailable, patience)
	}
}

func openDriver(ctx context.Context, cfg *config.Config, b config.Backend, cloud string, log *slog.Logger) (drivers.Driver, error) {
	return backendDrivers().Open(ctx, b.Driver, drivers.Config{
		Backend: b.Name, Host: b.Host, BackendName: b.BackendName, Options: b.Options, ReservedPercentage: b.ReservedPercentage,
		MaxOverSubscription: b.MaxOverSubscription.Ratio, Provisioning: b.ProvType, StateDir: cfg.StatePath, CloudID: cloud, Logger: log,
	})
}

// openTarget makes what exports a backend's volumes; nil for one whose volumes are files that hosts mount.
func openTarget(ctx context.Context, cfg *config.Config, b config.Backend, d drivers.Driver, log *slog.Logger) (targets.Target, error) {
	if d.Capabilities().Protocol != "iSCSI" {
		return nil, nil
	}
	c, err := targets.Configure(b.Name, b.Options, cfg.StatePath, log)
	if err != nil {
		return nil, err
	}
	return targetHelpers().Open(ctx, c)
}

// stop ends the workers, all at once, then closes the drivers.
func (n *storageNode) stop() {
	var wg sync.WaitGroup
	for _, w := range n.workers {
		wg.Go(w.Stop)
	}
	wg.Wait()
	closeDrivers(n.drivers)
	for _, t := range n.targets {
		if err := t.Close(); err != nil {
			slog.Warn("target not closed", "error", err)
		}
	}
}

func closeDrivers(all map[string]drivers.Driver) {
	for _, d := range all {
		if err := d.Close(); err != nil {
			slog.Warn("driver not closed", "error", err)
		}
	}
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
	if err := durable.Create(path, []byte(uuid.NewString()+"\n")); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("installation id: %w", err)
	}
	b, err = os.ReadFile(path) // of two that make one at once, the first one's
	if err != nil {
		return "", fmt.Errorf("installation id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
