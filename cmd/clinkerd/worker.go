package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/config"
)

func workerCommand() *cobra.Command {
	c := &cobra.Command{Use: "worker", Short: "Run a worker: control (workflows, database), storage (disks), data (copies, backups) or host (attaching; all three without a database)"}
	c.AddCommand(controlCommand(), storageCommand(), dataCommand(), hostCommand())
	return c
}

func controlCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "control",
		Short: "Run the workflows and the steps that use the catalogue",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			st, err := openStore(ctx, cfg, log, false)
			if err != nil {
				return err
			}
			defer st.Close()
			e, err := dial(ctx, cfg, log, false)
			if err != nil {
				return err
			}
			defer e.Close()
			w, err := startControl(ctx, cfg, e, st, log, nil, nil)
			if err != nil {
				return err
			}
			log.Info("control worker runs", "host", cfg.Host)
			<-ctx.Done()
			w.Stop()
			return nil
		},
	}
	s.register(c)
	return c
}

func storageCommand() *cobra.Command {
	var s settings
	var only []string
	c := &cobra.Command{
		Use:   "storage",
		Short: "Serve this node's backends; needs Temporal and no database",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			for _, name := range only {
				if !slices.ContainsFunc(cfg.Backends, func(b config.Backend) bool { return b.Name == name }) {
					return usageError{fmt.Errorf("--backend %s: enabled_backends has %s", name, backendNames(cfg))}
				}
			}
			e, err := dial(ctx, cfg, log, false)
			if err != nil {
				return err
			}
			defer e.Close()
			n, err := startStorage(ctx, cfg, e, log, only)
			if err != nil {
				return err
			}
			log.Info("storage worker runs", "backends", backendHosts(cfg))
			<-ctx.Done()
			n.stop()
			return nil
		},
	}
	s.register(c)
	c.Flags().StringSliceVar(&only, "backend", nil, "serve only these of enabled_backends")
	return c
}
