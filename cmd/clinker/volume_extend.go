package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volumeExtend() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:               "extend VOLUME SIZE",
		Short:             "Grow a volume to SIZE GiB",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			var size cli.Size
			if err := size.Set(args[1]); err != nil {
				return err
			}
			return a.changeVolume(ctx, c, args[0], all, w, func(id string) (string, error) { return c.ExtendVolume(ctx, id, size.GiB) })
		}),
	}
	allProjects(cmd, &all)
	w.flags(cmd)
	return cmd
}
