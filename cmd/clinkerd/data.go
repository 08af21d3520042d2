package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors/none"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/workers"
)

func dataCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "data",
		Short: "Move bytes for this host's backends: copies of volumes, backups, restores; needs Temporal and no database",
		Long: `Runs the steps that move bytes, for hours: copies of volumes from one backend to another, backups and restores. It reads
the same file as the storage worker and opens the volumes of every backend in it. Several may run beside each other, with one state folder.

A volume on its way to or from another host is taken in like on a compute host: over iSCSI with open-iscsi, or by mounting its share. The
host worker's key (host.key in the state folder) and connections are shared with it.

Told to stop, it hands over at once: whoever goes on begins at the last checkpoint.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			e, err := dial(ctx, cfg, log, false)
			if err != nil {
				return err
			}
			defer e.Close()
			backends, err := openBackends(ctx, cfg, log)
			defer closeDrivers(backends)
			if err != nil {
				return err
			}
			w, err := startData(cfg, e, log, backends)
			if err != nil {
				return err
			}
			log.Info("data worker runs", "hosts", dataHosts(cfg), "backends", backendHosts(cfg))
			<-ctx.Done()
			w.Stop()
			return nil
		},
	}
	s.register(c)
	return c
}

// openBackends makes the driver of each enabled backend, by host@backend. They are not checked, as what a killed step left is for
// the storage worker to clear away.
func openBackends(ctx context.Context, cfg *config.Config, log *slog.Logger) (map[string]drivers.Driver, error) {
	all := map[string]drivers.Driver{}
	cloud, err := cloudID(cfg.StatePath)
	if err != nil {
		return all, err
	}
	for _, b := range cfg.Backends {
		d, err := openDriver(ctx, cfg, b, cloud, log)
		if err != nil {
			return all, err
		}
		all[b.Service()] = d
	}
	return all, nil
}

// dataHosts are the hosts that the data worker answers for.
func dataHosts(cfg *config.Config) []string {
	hosts := []string{cfg.Host}
	for _, b := range cfg.Backends {
		hosts = append(hosts, b.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func startData(cfg *config.Config, e *engine.Engine, log *slog.Logger, backends map[string]drivers.Driver) (*workers.Data, error) {
	steps, err := dataActivities(cfg, e, log, backends)
	if err != nil {
		return nil, err
	}
	slots := cfg.Backup.MaxOperations
	if slots == 0 {
		slots = 1000 // no limit, as the SDK has it
	}
	w, err := workers.StartData(e, workers.DataOptions{Hosts: dataHosts(cfg), Slots: slots, Activities: steps, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("data worker: %w", err)
	}
	return w, nil
}

// dataActivities are the steps of the data worker: its movers, and how it takes in what is on another host.
func dataActivities(cfg *config.Config, e *engine.Engine, log *slog.Logger, backends map[string]drivers.Driver) ([]any, error) {
	opener := &activities.LocalOpener{Host: cfg.Host, Backends: backends}
	mover := activities.Mover{Beats: e.Flows()}
	set, err := hostConnectors(cfg, log)
	if err != nil {
		return nil, err
	}
	key, err := hostKey(cfg)
	if err != nil {
		return nil, err
	}
	far := &activities.FarOpener{Connectors: set, Key: key, StateDir: cfg.StatePath}
	saved, err := backupActivities(cfg, mover, opener, far, log)
	if err != nil {
		return nil, err
	}
	return []any{
		&activities.Copies{Mover: mover, Opener: opener, Far: far, StateDir: cfg.StatePath}, saved,
		&activities.Host{Connectors: set, Hypervisor: none.Hypervisor{}, Key: key},
	}, nil
}
