package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

// storageBinary is the part of the service that holds volumes, by Cinder's name for it.
const storageBinary = "cinder-volume"

func (a *app) service() *cobra.Command {
	return group("service", "Parts of the service and where they run (administrators)",
		a.serviceList(), a.serviceEnable(), a.serviceDisable())
}

func (a *app) serviceList() *cobra.Command {
	var host, binary, sort string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List services",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			services, err := c.Services(ctx, host, binary)
			if err != nil {
				return err
			}
			return a.list(cli.ServiceColumns, services, sort)
		}),
	}
	cmd.Flags().StringVar(&host, "host", "", "only services of this host (HOST or HOST@BACKEND)")
	cmd.Flags().StringVar(&binary, "binary", "", "only services of this kind (cinder-volume ...)")
	a.listFlags(cmd, &sort)
	return cmd
}

func (a *app) serviceEnable() *cobra.Command {
	return &cobra.Command{
		Use:   "enable HOST [BINARY]",
		Short: "Let new volumes go to a host again",
		Args:  cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			service, err := c.EnableService(ctx, args[0], binaryOf(args))
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(service, nil))
		}),
	}
}

func (a *app) serviceDisable() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "disable HOST [BINARY]",
		Short: "Keep new volumes away from a host (HOST@BACKEND); those that are there go on",
		Args:  cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			service, err := c.DisableService(ctx, args[0], binaryOf(args), reason)
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(service, nil))
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to read in service list --long")
	return cmd
}

func binaryOf(args []string) string {
	if len(args) > 1 {
		return args[1]
	}
	return storageBinary
}
