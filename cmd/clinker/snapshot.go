package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) snapshot() *cobra.Command {
	return group("snapshot", "Snapshots of volumes",
		a.snapshotList(), a.snapshotShow(), a.snapshotCreate(), a.snapshotDelete(), a.snapshotSet(), a.snapshotUnset(),
		a.snapshotRevert(), a.snapshotResetStatus(), a.snapshotManage(), a.snapshotUnmanage(),
	)
}

func (a *app) snapshotList() *cobra.Command {
	var filter cli.SnapshotFilter
	var manageable string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List snapshots, or with --manageable what a backend holds",
		Example: `  clinker snapshot list --volume db01
  clinker snapshot list --manageable node1@lvm#lvm --long`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			if manageable != "" {
				found, err := c.ManageableSnapshots(ctx, cli.ManageableFilter{Host: manageable, Sort: filter.Sort, Limit: filter.Limit})
				if err != nil {
					return err
				}
				return a.printer.List(cli.NewTable(cli.ManageableSnapshotColumns, found))
			}
			snapshots, err := c.Snapshots(ctx, filter)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.SnapshotColumns, snapshots))
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&filter.All, "all-projects", false, "snapshots of all projects (administrators)")
	f.StringVar(&filter.Volume, "volume", "", "only snapshots of this volume, name or id")
	f.StringVar(&filter.Name, "name", "", "only snapshots of this name")
	f.StringVar(&filter.Status, "status", "", "only snapshots in this status")
	f.Var(&filter.Properties, "property", "only snapshots with this property; may be repeated")
	f.StringVar(&filter.Sort, "sort", "", "order, KEY[:asc|desc],... (size, name, status, created_at ...)")
	f.StringVar(&filter.Marker, "marker", "", "begin after this snapshot")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	manageableFlag(cmd, &manageable)
	completes(cmd, "volume", a.volumeNames())
	completes(cmd, "marker", a.snapshotNames())
	return cmd
}

func (a *app) snapshotShow() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "show SNAPSHOT",
		Short:             "Show a snapshot",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.snapshotNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.SnapshotID(ctx, args[0], all)
			if err != nil {
				return err
			}
			return a.showSnapshot(ctx, c, id, "")
		}),
	}
	snapshotsOfAll(cmd, &all)
	return cmd
}

func (a *app) snapshotCreate() *cobra.Command {
	var s cli.NewSnapshot
	var w waiting
	cmd := &cobra.Command{
		Use:   "create --volume VOLUME [NAME]",
		Short: "Take a snapshot of a volume",
		Long: `Take a snapshot: what the volume holds now is kept, whatever is written to it later.

Without --wait the command ends when the service has accepted the request; the snapshot is then still "creating".`,
		Example: `  clinker snapshot create --volume db01 --wait before-upgrade
  clinker volume create --snapshot before-upgrade db02
  clinker snapshot revert before-upgrade`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			if len(args) > 0 {
				s.Name = args[0]
			}
			snapshot, flow, err := c.CreateSnapshot(ctx, s)
			if err != nil {
				return err
			}
			return a.snapshotMade(ctx, c, snapshot, flow, w)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&s.Volume, "volume", "", "volume to take it of, name or id")
	f.StringVar(&s.Description, "description", "", "description")
	f.Var(&s.Properties, "property", "property; may be repeated")
	f.BoolVar(&s.Force, "force", false, "also of a volume in use, on services older than API 3.66")
	w.flags(cmd)
	_ = cmd.MarkFlagRequired("volume")
	completes(cmd, "volume", a.volumeNames())
	return cmd
}

// snapshotMade shows a snapshot that has been started, after its flow where that is waited for.
func (a *app) snapshotMade(ctx context.Context, c *cli.Client, snapshot cli.Object, flow string, w waiting) error {
	if !w.wait {
		return a.printer.Show(cli.SnapshotRecord(snapshot, flow))
	}
	id := cli.Text(snapshot["id"])
	if err := a.finish(ctx, c, job{kind: "snapshot", id: id, flow: flow}, w, false); err != nil {
		return err
	}
	return a.showSnapshot(ctx, c, id, flow)
}

func (a *app) snapshotDelete() *cobra.Command {
	var force, all bool
	var w waiting
	cmd := &cobra.Command{
		Use:               "delete SNAPSHOT...",
		Short:             "Delete snapshots",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.snapshotNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.startEach(ctx, c, args, w, func(arg string) (job, error) {
				id, err := c.SnapshotID(ctx, arg, all)
				if err != nil {
					return job{}, err
				}
				flow, err := c.DeleteSnapshot(ctx, id, force)
				return job{kind: "snapshot", id: id, flow: flow}, err
			})
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "whatever the snapshot's status (administrators)")
	snapshotsOfAll(cmd, &all)
	w.flags(cmd)
	return cmd
}

func snapshotsOfAll(cmd *cobra.Command, all *bool) {
	cmd.Flags().BoolVar(all, "all-projects", false, "find snapshots of all projects by name (administrators)")
}

// showSnapshot prints a snapshot as it is now.
func (a *app) showSnapshot(ctx context.Context, c *cli.Client, id, flow string) error {
	snapshot, err := c.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	return a.printer.Show(cli.SnapshotRecord(snapshot, flow))
}
