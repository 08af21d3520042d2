package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) limits() *cobra.Command {
	show := &cobra.Command{
		Use:   "show",
		Short: "Show what the project may use and uses",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			limits, err := c.Limits(ctx)
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(limits, nil))
		}),
	}
	return group("limits", "Limits of the project", show)
}

func (a *app) zone() *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "List availability zones",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			zones, err := c.Zones(ctx)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.ZoneColumns, zones))
		}),
	}
	return group("availability-zone", "Availability zones", list)
}
