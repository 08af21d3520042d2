package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "The configuration file"}
	c.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Say what of a configuration file is used, what is accepted but not needed, and what is unknown",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := config.Check(args[0])
			if err != nil {
				return err
			}
			if _, err := report.WriteTo(cmd.OutOrStdout()); err != nil {
				return err
			}
			if report.Err() != nil {
				return errors.New("the configuration has errors")
			}
			return nil
		},
	})
	return c
}

func driverCommand() *cobra.Command {
	c := &cobra.Command{Use: "driver", Short: "This node's backends"}
	var s settings
	check := &cobra.Command{
		Use:   "check",
		Short: "Open each enabled backend and say whether it can be used",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			cloud, err := cloudID(cfg.StatePath)
			if err != nil {
				return err
			}
			bad := 0
			for _, b := range cfg.Backends {
				d, err := openDriver(cmd.Context(), cfg, b, cloud, log)
				if err == nil {
					err = d.Check(cmd.Context())
				}
				if err != nil {
					bad++
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %v\n", b.Service(), err)
					if hint := drivers.Hint(err); hint != "" {
						fmt.Fprintf(cmd.OutOrStdout(), "  %s\n", hint)
					}
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok (driver %s)\n", b.Service(), b.Driver)
			}
			if bad > 0 {
				return fmt.Errorf("%d of %d backends can't be used", bad, len(cfg.Backends))
			}
			return nil
		},
	}
	s.register(check)
	c.AddCommand(check)
	return c
}
