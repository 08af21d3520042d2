package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

// manageableFlag makes a list one of what a backend holds.
func manageableFlag(cmd *cobra.Command, host *string) {
	cmd.Flags().StringVar(host, "manageable", "", "list what stands on this HOST@BACKEND#POOL, managed or not (administrators)")
	for _, other := range []string{"all-projects", "name", "status", "property", "marker"} {
		cmd.MarkFlagsMutuallyExclusive("manageable", other)
	}
}

const referenceNote = `REFERENCE is the name that "list --manageable" shows, or a word of the backend's own with its key before
it (source-id=...). The data is left as it is; what it is called on the backend may change.`

func (a *app) volumeManage() *cobra.Command {
	var v cli.Adopted
	var w waiting
	cmd := &cobra.Command{
		Use:   "manage HOST@BACKEND#POOL REFERENCE",
		Short: "Make a volume of what a backend holds already (administrators)",
		Long:  "Make a volume of what a backend holds already.\n" + referenceNote,
		Example: `  clinker volume list --manageable node1@lvm#lvm
  clinker volume manage node1@lvm#lvm old-data --name db01 --type gold --wait`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			v.Host, v.Reference = args[0], args[1]
			volume, flow, err := c.ManageVolume(ctx, v)
			if err != nil {
				return err
			}
			if !w.wait {
				return a.printer.Show(cli.VolumeRecord(volume, flow))
			}
			id := cli.Text(volume["id"])
			if err := a.finish(ctx, c, job{kind: "volume", id: id, flow: flow}, w, false); err != nil {
				return err
			}
			return a.showVolume(ctx, c, id, flow)
		}),
	}
	adoptedFlags(cmd, &v)
	cmd.Flags().StringVar(&v.Type, "type", "", "volume type, name or id")
	cmd.Flags().StringVar(&v.Zone, "availability-zone", "", "availability zone")
	cmd.Flags().BoolVar(&v.Bootable, "bootable", false, "mark as bootable")
	w.flags(cmd)
	completes(cmd, "type", a.typeNames())
	return cmd
}

func adoptedFlags(cmd *cobra.Command, v *cli.Adopted) {
	cmd.Flags().StringVar(&v.Name, "name", "", "name")
	cmd.Flags().StringVar(&v.Description, "description", "", "description")
	cmd.Flags().Var(&v.Properties, "property", "property; may be repeated")
}

func (a *app) volumeUnmanage() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:               "unmanage VOLUME...",
		Short:             "Forget volumes and leave their data where it is (administrators)",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.volumeNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.startEach(ctx, c, args, w, func(arg string) (job, error) {
				id, err := c.VolumeID(ctx, arg, all)
				if err != nil {
					return job{}, err
				}
				flow, err := c.UnmanageVolume(ctx, id)
				return job{kind: "volume", id: id, flow: flow}, err
			})
		}),
	}
	allProjects(cmd, &all)
	w.flags(cmd)
	return cmd
}

func (a *app) snapshotManage() *cobra.Command {
	var v cli.Adopted
	var w waiting
	cmd := &cobra.Command{
		Use:   "manage VOLUME REFERENCE",
		Short: "Make a snapshot of VOLUME of what a backend holds already (administrators)",
		Long:  "Make a snapshot of VOLUME of what its backend holds already.\n" + referenceNote,
		Example: `  clinker snapshot list --manageable node1@lvm#lvm
  clinker snapshot manage db01 old-snapshot --name before-upgrade`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			v.Volume, v.Reference = args[0], args[1]
			snapshot, flow, err := c.ManageSnapshot(ctx, v)
			if err != nil {
				return err
			}
			return a.snapshotMade(ctx, c, snapshot, flow, w)
		}),
	}
	adoptedFlags(cmd, &v)
	w.flags(cmd)
	return cmd
}

func (a *app) snapshotUnmanage() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:               "unmanage SNAPSHOT...",
		Short:             "Forget snapshots and leave their data where it is (administrators)",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.snapshotNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.startEach(ctx, c, args, w, func(arg string) (job, error) {
				id, err := c.SnapshotID(ctx, arg, all)
				if err != nil {
					return job{}, err
				}
				flow, err := c.UnmanageSnapshot(ctx, id)
				return job{kind: "snapshot", id: id, flow: flow}, err
			})
		}),
	}
	snapshotsOfAll(cmd, &all)
	w.flags(cmd)
	return cmd
}
