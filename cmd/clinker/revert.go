package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

const revertNote = `What was written to the volume since is lost. The volume must be available, its size that of the
snapshot, and the snapshot its latest; the snapshot stays.`

func (a *app) volumeRevert() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:   "revert VOLUME [SNAPSHOT]",
		Short: "Take a volume back to its latest snapshot",
		Long:  "Take a volume back to its latest snapshot, which may be named to be sure which one it is.\n" + revertNote,
		Example: `  clinker volume revert db01 --wait
  clinker volume revert db01 before-upgrade`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			volume, err := c.VolumeID(ctx, args[0], all)
			if err != nil {
				return err
			}
			find := func() (string, error) { return c.LatestSnapshot(ctx, volume, all) }
			if len(args) > 1 {
				find = func() (string, error) { return c.SnapshotOf(ctx, volume, args[1], all) }
			}
			snapshot, err := find()
			if err != nil {
				return err
			}
			return a.revert(ctx, c, volume, snapshot, w)
		}),
	}
	allProjects(cmd, &all)
	w.flags(cmd)
	return cmd
}

func (a *app) snapshotRevert() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:               "revert SNAPSHOT",
		Short:             "Take a volume back to a snapshot, its latest one",
		Long:              "Take a volume back to a snapshot.\n" + revertNote,
		Example:           "  clinker snapshot revert before-upgrade --wait",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.snapshotNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.SnapshotID(ctx, args[0], all)
			if err != nil {
				return err
			}
			snapshot, err := c.Snapshot(ctx, id)
			if err != nil {
				return err
			}
			return a.revert(ctx, c, cli.Text(snapshot["volume_id"]), id, w)
		}),
	}
	snapshotsOfAll(cmd, &all)
	w.flags(cmd)
	return cmd
}

func (a *app) revert(ctx context.Context, c *cli.Client, volume, snapshot string, w waiting) error {
	flow, err := c.Revert(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	if err := a.finish(ctx, c, job{kind: "volume", id: volume, flow: flow}, w, false); err != nil || !w.wait {
		return err
	}
	return a.showVolume(ctx, c, volume, flow)
}
