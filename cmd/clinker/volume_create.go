package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volumeCreate() *cobra.Command {
	var v cli.NewVolume
	var hints []string
	var bootable, readOnly bool
	var w waiting
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Create a volume",
		Long: `Create a volume: an empty one of --size GiB, or a copy of --source, --snapshot or --backup.

Without --wait the command ends when the service has accepted the request; the volume is then still
"creating". --bootable and --read-only can only be set on a volume that is there, and so imply --wait.`,
		Example: `  clinker volume create --size 10 --type gold --wait db01
  clinker volume create --source db01 --property purpose=test db02
  clinker volume create --snapshot before-upgrade --wait db01-old
  clinker volume create --size 10 --hint different_host=db01 db03`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			if len(args) > 0 {
				v.Name = args[0]
			}
			var err error
			if v.Hints, err = cli.ParseHints(hints); err != nil {
				return err
			}
			w.wait = w.wait || bootable || readOnly
			return a.create(ctx, c, v, w, bootable, readOnly)
		}),
	}
	f := cmd.Flags()
	f.Var(&v.Size, "size", "size in GiB; a copy may leave it out")
	f.StringVar(&v.Type, "type", "", "volume type, name or id")
	f.StringVar(&v.Source, "source", "", "volume to copy, name or id")
	f.StringVar(&v.Snapshot, "snapshot", "", "snapshot to copy, name or id")
	f.StringVar(&v.Backup, "backup", "", "backup to restore, name or id")
	f.StringVar(&v.Description, "description", "", "description")
	f.StringVar(&v.Zone, "availability-zone", "", "availability zone")
	f.Var(&v.Properties, "property", "property; may be repeated")
	f.StringArrayVar(&hints, "hint", nil, "hint to the scheduler, KEY=VALUE; may be repeated (same_host, different_host: volumes)")
	f.BoolVar(&bootable, "bootable", false, "mark as bootable")
	f.BoolVar(&readOnly, "read-only", false, "mark as read-only")
	w.flags(cmd)
	completes(cmd, "type", a.typeNames())
	completes(cmd, "source", a.volumeNames())
	completes(cmd, "snapshot", a.snapshotNames())
	completes(cmd, "backup", a.backupNames())
	return cmd
}

func (a *app) create(ctx context.Context, c *cli.Client, v cli.NewVolume, w waiting, bootable, readOnly bool) error {
	volume, flow, err := c.CreateVolume(ctx, v)
	if err != nil {
		return err
	}
	if !w.wait {
		return a.printer.Show(cli.VolumeRecord(volume, flow))
	}
	id := cli.Text(volume["id"])
	if err := a.finish(ctx, c, job{"volume", id, flow}, w, false); err != nil {
		return err
	}
	if bootable {
		if err := c.SetBootable(ctx, id, true); err != nil {
			return err
		}
	}
	if readOnly {
		if err := c.SetReadOnly(ctx, id, true); err != nil {
			return err
		}
	}
	return a.showVolume(ctx, c, id, flow)
}
