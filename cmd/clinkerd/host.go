package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/iscsi"
	"github.com/clinker-storage/clinker/drivers/connectors/local"
	"github.com/clinker-storage/clinker/drivers/connectors/share"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/drivers/hypervisors/libvirt"
	"github.com/clinker-storage/clinker/drivers/hypervisors/none"
	"github.com/clinker-storage/clinker/drivers/hypervisors/qmp"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/workers"
)

// guests are the settings of a host's hypervisor.
type guests struct {
	kind, sockets, libvirt string
	direct                 []string
}

func hostCommand() *cobra.Command {
	var s settings
	var g guests
	c := &cobra.Command{
		Use:   "host",
		Short: "Take volumes in on this compute host and hand them to its guests; needs Temporal and no database",
		Long: `Runs the steps of attaching on this host: logs in to exports and mounts shares, and plugs the disks into guests.

--hypervisor says what the guests run on: none (the device on this host is what its user gets), libvirt (its domains, running or not), or
qmp (QEMUs that were each started with -qmp unix:DIR/NAME.sock,server=on,wait=off; DIR is --qmp-sockets, NAME the instance).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			h, err := g.hypervisor(cfg.StatePath, log)
			if err != nil {
				return usageError{err}
			}
			w, err := newHost(cfg, h) // before Temporal is asked, which may be away
			if err != nil {
				return err
			}
			e, err := dial(ctx, cfg, log, false)
			if err != nil {
				return err
			}
			defer e.Close()
			if err := startHost(ctx, cfg, e, w, h, log); err != nil {
				return err
			}
			<-ctx.Done()
			w.Stop()
			return nil
		},
	}
	s.register(c)
	fl := c.Flags()
	fl.StringVar(&g.kind, "hypervisor", none.Kind, "what the guests of this host run on: none, qmp, libvirt")
	fl.StringVar(&g.libvirt, "libvirt-socket", "/run/libvirt/libvirt-sock", "socket of libvirtd; of virtqemud it is /run/libvirt/virtqemud-sock")
	fl.StringVar(&g.sockets, "qmp-sockets", "/run/clinker/qmp", "folder of the QEMUs' monitors")
	fl.StringSliceVar(&g.direct, "direct", nil, "protocols that QEMU speaks itself, so that this host takes nothing in: iscsi, glusterfs")
	return c
}

func (g guests) hypervisor(state string, log *slog.Logger) (hypervisors.Hypervisor, error) {
	for _, protocol := range g.direct {
		if protocol != "iscsi" && protocol != "glusterfs" {
			return nil, fmt.Errorf("--direct %s: QEMU speaks iscsi and glusterfs", protocol)
		}
	}
	switch g.kind {
	case none.Kind:
		return none.Hypervisor{}, nil
	case qmp.Kind:
		return qmp.New(qmp.Options{Sockets: g.sockets, Direct: g.direct, Logger: log}), nil
	case libvirt.Kind:
		return libvirt.New(libvirt.Options{Socket: g.libvirt, StateDir: state, Direct: g.direct, Logger: log}), nil
	}
	return nil, fmt.Errorf("--hypervisor %s: want none, qmp or libvirt", g.kind)
}

// hostConnectors are the ways in which this host takes volumes in.
func hostConnectors(cfg *config.Config, log *slog.Logger) (connectors.Set, error) {
	machine, state := connectors.Machine(cfg.Host, cfg.MyIP), filepath.Join(cfg.StatePath, "connectors")
	set := connectors.Set{local.Protocol: local.New(machine)}
	var err error
	if set[iscsi.Protocol], err = iscsi.New(iscsi.Options{Machine: machine, StateDir: state, Logger: log}); err != nil {
		return nil, err
	}
	for _, kind := range []mounts.Kind{mounts.GlusterFS(), mounts.NFS()} {
		o := share.Options{Kind: kind, Machine: machine, StateDir: filepath.Join(state, kind.Name), Logger: log}
		if kind.Name == "glusterfs" {
			o.Stale = share.GlusterStale
		}
		if set[kind.Name], err = share.New(o); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// hostKey is what the passwords of connections to this host are sealed to.
func hostKey(cfg *config.Config) (seal.Key, error) {
	key, err := seal.LoadKey(filepath.Join(cfg.StatePath, "host.key"))
	if err != nil {
		return key, fmt.Errorf("key of this host: %w", err)
	}
	return key, nil
}

func newHost(cfg *config.Config, h hypervisors.Hypervisor) (*workers.Host, error) {
	w, err := workers.NewHost(h, filepath.Join(cfg.StatePath, "attached"))
	if err != nil {
		return nil, fmt.Errorf("host worker: %w", err)
	}
	return w, nil
}

// startHost serves this host as one that volumes are attached to, and says what it has for that.
func startHost(ctx context.Context, cfg *config.Config, e *engine.Engine, w *workers.Host, h hypervisors.Hypervisor, log *slog.Logger) error {
	set, err := hostConnectors(cfg, log)
	if err != nil {
		return err
	}
	key, err := hostKey(cfg)
	if err != nil {
		return err
	}
	p, err := set.Properties(ctx)
	if err != nil {
		return err
	}
	about, err := h.Properties(ctx)
	if err != nil {
		return err
	}
	for _, c := range p.Clients {
		if !c.Ready {
			log.Info("no client for a protocol", "protocol", c.Protocol, "reason", c.Reason, "hint", c.Hint)
		}
	}
	if err := w.Start(e, workers.HostOptions{Host: cfg.Host, Connectors: set, Key: key, Logger: log}); err != nil {
		return fmt.Errorf("host worker: %w", err)
	}
	log.Info("host worker runs", "host", cfg.Host, "initiator", p.Connector.Initiator, "hypervisor", about.Kind, "reason", about.Reason, "hint", about.Hint)
	return nil
}
