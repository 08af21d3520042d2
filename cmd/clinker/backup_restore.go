package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/drivers/backups/stores"
	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) backupRestore() *cobra.Command {
	var r storeRestore
	var w waiting
	var name string
	var all bool
	cmd := &cobra.Command{
		Use:   "restore BACKUP [VOLUME]",
		Short: "Restore a backup into a new volume, over one, or without any service to a file or device",
		Long: `Restores a backup into a new volume of its size, which --name names, or over VOLUME, which must be available and large enough: all that it
holds is written over. Every block's hash is compared before it is written.

With --from-store STORE --to FILE it restores to a file or block device of this machine: disaster recovery, for which neither Clinker's
database nor Temporal is needed. A new file is made sparse; an existing file or a device is written over as a whole, and needs --force. A
restore that was cut off goes on when the same command is given again: how far it is lies beside the target, in FILE.clinker-restore.

` + stores.Addresses,
		Example: `  clinker backup restore monday --name db01-monday --wait
  clinker backup restore monday db01 --wait
  clinker backup restore 0b41e0c1-... --from-store /srv/backups --to db01.raw
  clinker backup restore 0b41e0c1-... --from-store s3+https://s3.example.org/volumebackups --to /dev/vg0/db01 --force`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.backupThenVolume(),
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "name of the new volume")
	f.StringVar(&r.to, "to", "", "with --from-store: file or block device to restore to")
	f.BoolVar(&r.force, "force", false, "write over an existing file or a device; a VOLUME that is named is written over without it")
	backupsOfAll(cmd, &all)
	w.flags(cmd)
	r.register(cmd, "name", "all-projects", "wait", "timeout")
	cmd.MarkFlagsRequiredTogether("from-store", "to")
	cmd.RunE = r.or(a, func(ctx context.Context, c *cli.Client, args []string) error {
		return a.restoreBackup(ctx, c, args, name, all, w)
	}, func(ctx context.Context, args []string) error {
		if len(args) > 1 {
			return cli.Errorf(cli.Usage, "with --from-store a backup goes to --to, not into volume %q", args[1])
		}
		return r.run(ctx, a, args[0])
	})
	return cmd
}

// restoreBackup starts a restore and shows which volume it is, or that volume at the end.
func (a *app) restoreBackup(ctx context.Context, c *cli.Client, args []string, name string, all bool, w waiting) error {
	id, err := c.BackupID(ctx, args[0], all)
	if err != nil {
		return err
	}
	volume := ""
	if len(args) > 1 {
		if name != "" {
			return cli.Errorf(cli.Usage, "--name is for a new volume; %q is there", args[1])
		}
		if volume, err = c.VolumeID(ctx, args[1], all); err != nil {
			return err
		}
	}
	restore, flow, err := c.RestoreBackup(ctx, id, volume, name)
	if err != nil {
		return err
	}
	if !w.wait {
		return a.printer.Show(cli.NewRecord(restore, nil).WithFlow(flow))
	}
	volume = cli.Text(restore["volume_id"])
	if err := a.finish(ctx, c, job{kind: "volume", id: volume, flow: flow}, w, false); err != nil {
		return err
	}
	return a.showVolume(ctx, c, volume, flow)
}

func (a *app) backupVerify() *cobra.Command {
	var from fromStore
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:   "verify BACKUP",
		Short: "Read a backup back and compare every hash, without restoring it",
		Long: `Reads a backup back, with all that it stands on, and compares every hash. Nothing is written. A data worker does it, and the backup says
what was found (clinker:verified_at, clinker:verify_error); with --from-store it is done here, no service is asked, and all damages
are listed.

` + stores.Addresses,
		Example: `  clinker backup verify monday --wait
  clinker backup verify 0b41e0c1-... --from-store /srv/backups`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.backupNames()),
	}
	backupsOfAll(cmd, &all)
	w.flags(cmd)
	from.register(cmd, "all-projects", "wait", "timeout")
	cmd.RunE = from.or(a, func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.BackupID(ctx, args[0], all)
		if err != nil {
			return err
		}
		flow, err := c.VerifyBackup(ctx, id)
		if err != nil {
			return err
		}
		if err := a.finish(ctx, c, job{kind: "backup", id: id, flow: flow}, w, false); err != nil {
			return err
		}
		return a.showBackup(ctx, c, id, flow)
	}, func(ctx context.Context, args []string) error { return a.storeVerify(ctx, &from, args[0]) })
	return cmd
}

// backupThenVolume completes a backup, then a volume.
func (a *app) backupThenVolume() completion {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return a.backupNames()(cmd, args, prefix)
		case 1:
			return a.volumeNames()(cmd, args, prefix)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}
