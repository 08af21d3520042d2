package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) snapshotSet() *cobra.Command {
	var name, description string
	var properties cli.Properties
	var all bool
	cmd := &cobra.Command{
		Use:               "set SNAPSHOT",
		Short:             "Change a snapshot",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.snapshotNames()),
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "new name")
	f.StringVar(&description, "description", "", "new description")
	f.Var(&properties, "property", "property to add or change; may be repeated")
	snapshotsOfAll(cmd, &all)
	cmd.MarkFlagsOneRequired("name", "description", "property")
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.SnapshotID(ctx, args[0], all)
		if err != nil {
			return err
		}
		return c.SetSnapshot(ctx, id, given(cmd, "name", "description"), properties)
	})
	return cmd
}

func (a *app) snapshotUnset() *cobra.Command {
	var properties []string
	var all bool
	cmd := &cobra.Command{
		Use:               "unset SNAPSHOT",
		Short:             "Remove properties of a snapshot",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.snapshotNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.SnapshotID(ctx, args[0], all)
			if err != nil {
				return err
			}
			return c.UnsetSnapshot(ctx, id, properties)
		}),
	}
	cmd.Flags().StringArrayVar(&properties, "property", nil, "key of the property; may be repeated")
	snapshotsOfAll(cmd, &all)
	cmd.MarkFlagsOneRequired("property")
	return cmd
}

func (a *app) snapshotResetStatus() *cobra.Command {
	var status string
	var all bool
	cmd := &cobra.Command{
		Use:   "reset-status SNAPSHOT...",
		Short: "Overwrite the recorded status of snapshots (administrators)",
		Long: `Overwrite what the catalogue says of snapshots' status. Nothing is done to their data, and nothing checks
that the new status is true: it is for snapshots that you have looked at yourself.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.snapshotNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return each(args, func(arg string) error {
				id, err := c.SnapshotID(ctx, arg, all)
				if err != nil {
					return err
				}
				return c.ResetSnapshot(ctx, id, status)
			})
		}),
	}
	cmd.Flags().StringVar(&status, "status", "available", "status to record")
	snapshotsOfAll(cmd, &all)
	return cmd
}
