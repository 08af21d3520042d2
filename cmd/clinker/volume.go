package main

import (
	"context"
	"maps"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volume() *cobra.Command {
	return group("volume", "Volumes",
		a.volumeList(), a.volumeShow(), a.volumeCreate(), a.volumeDelete(), a.volumeSet(), a.volumeUnset(),
		a.volumeExtend(), a.volumeRetype(), a.volumeMigrate(), a.volumeRevert(), a.volumeResetStatus(), a.volumeSummary(), a.volumeManage(), a.volumeUnmanage(),
		a.volumeAttach(), a.volumeDetach(),
	)
}

func (a *app) volumeList() *cobra.Command {
	var filter cli.VolumeFilter
	var manageable string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List volumes, or with --manageable what a backend holds",
		Example: `  clinker volume list --status error --long
  clinker volume list --manageable node1@lvm#lvm --long`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			if manageable != "" {
				found, err := c.ManageableVolumes(ctx, cli.ManageableFilter{Host: manageable, Sort: filter.Sort, Limit: filter.Limit})
				if err != nil {
					return err
				}
				return a.printer.List(cli.NewTable(cli.ManageableColumns, found))
			}
			volumes, err := c.Volumes(ctx, filter)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.VolumeColumns, volumes))
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&filter.All, "all-projects", false, "volumes of all projects (administrators)")
	f.StringVar(&filter.Name, "name", "", "only volumes of this name")
	f.StringVar(&filter.Status, "status", "", "only volumes in this status")
	f.Var(&filter.Properties, "property", "only volumes with this property; may be repeated")
	f.StringVar(&filter.Sort, "sort", "", "order, KEY[:asc|desc],... (size, name, status, created_at ...)")
	f.StringVar(&filter.Marker, "marker", "", "begin after this volume")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	manageableFlag(cmd, &manageable)
	completes(cmd, "marker", a.volumeNames())
	return cmd
}

func (a *app) volumeShow() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "show VOLUME",
		Short:             "Show a volume",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.VolumeID(ctx, args[0], all)
			if err != nil {
				return err
			}
			return a.showVolume(ctx, c, id, "")
		}),
	}
	allProjects(cmd, &all)
	return cmd
}

func (a *app) volumeDelete() *cobra.Command {
	var force, cascade, all bool
	var w waiting
	cmd := &cobra.Command{
		Use:               "delete VOLUME...",
		Short:             "Delete volumes",
		Example:           "  clinker volume delete --cascade --wait db01",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.volumeNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.startEach(ctx, c, args, w, func(arg string) (job, error) {
				id, err := c.VolumeID(ctx, arg, all)
				if err != nil {
					return job{}, err
				}
				flow, err := c.DeleteVolume(ctx, id, force, cascade)
				return job{kind: "volume", id: id, flow: flow}, err
			})
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "whatever the volume's status (administrators)")
	cmd.Flags().BoolVar(&cascade, "cascade", false, "its snapshots too; without it a volume that has some is not deleted")
	allProjects(cmd, &all)
	w.flags(cmd)
	return cmd
}

func (a *app) volumeSummary() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "summary",
		Short: "Count volumes and their GiB",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			summary, err := c.VolumeSummary(ctx, all)
			if err != nil {
				return err
			}
			summary = maps.Clone(summary)
			delete(summary, "metadata")
			return a.printer.Show(cli.NewRecord(summary, nil))
		}),
	}
	allProjects(cmd, &all)
	return cmd
}

func allProjects(cmd *cobra.Command, all *bool) {
	cmd.Flags().BoolVar(all, "all-projects", false, "find volumes of all projects by name (administrators)")
}

// showVolume prints a volume as it is now.
func (a *app) showVolume(ctx context.Context, c *cli.Client, id, flow string) error {
	volume, err := c.Volume(ctx, id)
	if err != nil {
		return err
	}
	return a.printer.Show(cli.VolumeRecord(volume, flow))
}
