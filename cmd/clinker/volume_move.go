package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volumeRetype() *cobra.Command {
	var w waiting
	var all bool
	var policy string
	cmd := &cobra.Command{
		Use:   "retype VOLUME TYPE",
		Short: "Give a volume another type, and move it where the type needs that",
		Long: `Gives a volume another type. Where its pool can't meet the type, --migration-policy on-demand lets the volume be moved to one that can; with
never, the default, such a retype fails and the volume stays as it is.`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.changeVolume(ctx, c, args[0], all, w, func(id string) (string, error) {
				return c.RetypeVolume(ctx, id, args[1], policy)
			})
		}),
	}
	cmd.Flags().StringVar(&policy, "migration-policy", "never", "whether the volume may be moved: never or on-demand")
	allProjects(cmd, &all)
	w.flags(cmd)
	return cmd
}

func (a *app) volumeMigrate() *cobra.Command {
	var w waiting
	var all, lock bool
	var host string
	cmd := &cobra.Command{
		Use:               "migrate VOLUME --host HOST",
		Short:             "Move a volume to another pool",
		Long:              "Moves a volume to another pool (HOST is host@backend#pool, as `clinker pool list` shows it), or to any pool of host@backend. For administrators.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.changeVolume(ctx, c, args[0], all, w, func(id string) (string, error) { return c.MigrateVolume(ctx, id, host, lock) })
		}),
	}
	cmd.Flags().StringVar(&host, "host", "", "where to: host@backend#pool or host@backend")
	cmd.Flags().BoolVar(&lock, "lock-volume", false, "show the volume as in maintenance meanwhile")
	_ = cmd.MarkFlagRequired("host")
	allProjects(cmd, &all)
	w.flags(cmd)
	return cmd
}

// changeVolume starts a flow that changes a volume, and shows it and its end where that is waited for.
func (a *app) changeVolume(ctx context.Context, c *cli.Client, volume string, all bool, w waiting, start func(id string) (string, error)) error {
	id, err := c.VolumeID(ctx, volume, all)
	if err != nil {
		return err
	}
	flowID, err := start(id)
	if err != nil {
		return err
	}
	if err := a.finish(ctx, c, job{"volume", id, flowID}, w, false); err != nil || !w.wait {
		return err
	}
	return a.showVolume(ctx, c, id, flowID)
}
