package main

import (
	"context"
	"maps"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) quota() *cobra.Command {
	return group("quota", "Quotas of projects and classes", a.quotaShow(), a.quotaSet(), a.quotaDelete())
}

func (a *app) quotaShow() *cobra.Command {
	var class, usage, defaults bool
	cmd := &cobra.Command{
		Use:   "show [PROJECT|CLASS]",
		Short: "Show the quotas of a project (your own, if none is named) or of a class",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			if class {
				quota, err := c.ClassQuota(ctx, classOf(args))
				if err != nil {
					return err
				}
				return a.showQuota(quota)
			}
			project, err := projectOf(c, args)
			if err != nil {
				return err
			}
			if usage {
				rows, err := c.QuotaUsage(ctx, project)
				if err != nil {
					return err
				}
				return a.printer.List(cli.NewTable(cli.QuotaColumns, rows))
			}
			kind := ""
			if defaults {
				kind = "defaults"
			}
			quota, err := c.Quota(ctx, project, kind)
			if err != nil {
				return err
			}
			return a.showQuota(quota)
		}),
	}
	cmd.Flags().BoolVar(&class, "class", false, `the argument is a quota class ("default" if none is named)`)
	cmd.Flags().BoolVar(&usage, "usage", false, "with what is in use and reserved")
	cmd.Flags().BoolVar(&defaults, "default", false, "what holds for projects whose quotas were not set")
	cmd.MarkFlagsMutuallyExclusive("class", "usage", "default")
	return cmd
}

func (a *app) quotaSet() *cobra.Command {
	var class bool
	var volumeType string
	limits := map[string]*int64{}
	cmd := &cobra.Command{
		Use:     "set PROJECT|CLASS",
		Short:   "Change quotas of a project or a class (administrators); -1 is no limit",
		Example: "  clinker quota set --volumes 50 --gigabytes 2000 4f3c...\n  clinker quota set --class --volume-type gold --gigabytes 500 default",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&class, "class", false, "the argument is a quota class")
	cmd.Flags().StringVar(&volumeType, "volume-type", "", "set volumes, gigabytes and snapshots of this type, not of all")
	for _, l := range cli.QuotaLimits {
		limits[l.Resource] = cmd.Flags().Int64(l.Flag, 0, l.Help)
	}
	completes(cmd, "volume-type", a.typeNames())
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		quotas, err := cli.NewQuotas(cmd.Flags().Changed, limits, volumeType)
		if err != nil {
			return err
		}
		change := c.SetQuota
		if class {
			change = c.SetClassQuota
		}
		quota, err := change(ctx, args[0], quotas)
		if err != nil {
			return err
		}
		return a.showQuota(quota)
	})
	return cmd
}

func (a *app) quotaDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete PROJECT",
		Short: "Give a project the default quotas again (administrators)",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return c.DeleteQuota(ctx, args[0])
		}),
	}
}

func (a *app) showQuota(quota cli.Object) error {
	quota = maps.Clone(quota)
	delete(quota, "id") // only some answers have it
	return a.printer.Show(cli.NewRecord(quota, nil))
}

func classOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "default"
}

func projectOf(c *cli.Client, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if c.Project() == "" {
		return "", cli.Errorf(cli.Usage, "name the project: only the token knows which one this is")
	}
	return c.Project(), nil
}
