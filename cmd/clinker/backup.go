package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/drivers/backups/stores"
	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) backup() *cobra.Command {
	return group("backup", "Backups of volumes, by the service or from a store alone",
		a.backupList(), a.backupShow(), a.backupCreate(), a.backupDelete(), a.backupSet(), a.backupUnset(), a.backupRestore(),
		a.backupVerify(), a.backupExport(), a.backupImport(), a.backupResetStatus(), a.backupSchedule(),
	)
}

func (a *app) backupList() *cobra.Command {
	var filter cli.BackupFilter
	var from fromStore
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List backups, or with --from-store what lies in a store",
		Long: "Lists backups. With --from-store it lists those that lie in a store, sizes in bytes, and asks no service.\n\n" +
			stores.Addresses,
		Example: `  clinker backup list --volume db01
  clinker backup list --from-store /srv/backups`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.BoolVar(&filter.All, "all-projects", false, "backups of all projects (administrators)")
	f.StringVar(&filter.Volume, "volume", "", "only backups of this volume, name or id")
	f.StringVar(&filter.Name, "name", "", "only backups of this name")
	f.StringVar(&filter.Status, "status", "", "only backups in this status")
	f.Var(&filter.Properties, "property", "only backups with this property; may be repeated")
	f.StringVar(&filter.Sort, "sort", "", "order, KEY[:asc|desc],... (size, name, status, created_at ...)")
	f.StringVar(&filter.Marker, "marker", "", "begin after this backup")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	from.register(cmd, "all-projects", "volume", "name", "status", "property", "sort", "marker", "limit")
	completes(cmd, "volume", a.volumeNames())
	completes(cmd, "marker", a.backupNames())
	cmd.RunE = from.or(a, func(ctx context.Context, c *cli.Client, _ []string) error {
		found, err := c.Backups(ctx, filter)
		if err != nil {
			return err
		}
		return a.printer.List(cli.NewTable(cli.BackupColumns, found))
	}, func(ctx context.Context, _ []string) error { return a.storeList(ctx, &from) })
	return cmd
}

func (a *app) backupShow() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "show BACKUP",
		Short:             "Show a backup",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.backupNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.BackupID(ctx, args[0], all)
			if err != nil {
				return err
			}
			return a.showBackup(ctx, c, id, "")
		}),
	}
	backupsOfAll(cmd, &all)
	return cmd
}

func (a *app) backupCreate() *cobra.Command {
	var b cli.NewBackup
	var w waiting
	cmd := &cobra.Command{
		Use:   "create VOLUME",
		Short: "Back a volume or a snapshot of it up",
		Long: `Bring what a volume or a snapshot of it holds to the backup store.

Without --wait the command ends when the service has accepted the request; the backup is then still "creating".
With it the tasks are shown as they pass, and how far the one is that moves the bytes.`,
		Example: `  clinker backup create db01 --name monday --wait
  clinker backup create db01 --name tuesday --incremental
  clinker backup create db01 --snapshot before-upgrade`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			b.Volume = args[0]
			backup, flow, err := c.CreateBackup(ctx, b)
			if err != nil {
				return err
			}
			return a.backupMade(ctx, c, backup, flow, w)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&b.Name, "name", "", "name of the backup")
	f.StringVar(&b.Description, "description", "", "description")
	f.StringVar(&b.Snapshot, "snapshot", "", "back up what this snapshot of the volume holds, name or id")
	f.StringVar(&b.Container, "container", "", "container of the store; the service's own where it is left out")
	f.StringVar(&b.Zone, "availability-zone", "", "availability zone")
	f.Var(&b.Properties, "property", "property; may be repeated")
	f.BoolVar(&b.Incremental, "incremental", false, "store only what the volume's latest backup does not have")
	f.BoolVar(&b.Force, "force", false, "also of a volume in use")
	f.StringVar(&b.Quiesce, "quiesce", "", "have the guests of a volume in use hold still for a moment, by the agent in them: required, or if-possible")
	f.Lookup("quiesce").NoOptDefVal = "required"
	w.flags(cmd)
	completes(cmd, "snapshot", a.snapshotNames())
	return cmd
}

// backupMade shows a backup that has been started, after its flow where that is waited for.
func (a *app) backupMade(ctx context.Context, c *cli.Client, backup cli.Object, flow string, w waiting) error {
	if !w.wait {
		return a.printer.Show(cli.BackupRecord(backup, flow))
	}
	id := cli.Text(backup["id"])
	if err := a.finish(ctx, c, job{kind: "backup", id: id, flow: flow}, w, false); err != nil {
		return err
	}
	return a.showBackup(ctx, c, id, flow)
}

func (a *app) backupDelete() *cobra.Command {
	var force, all bool
	var w waiting
	cmd := &cobra.Command{
		Use:   "delete BACKUP...",
		Short: "Delete backups",
		Long: `Delete backups. One that incrementals add to is not deleted before them. --force gives up a backup that is being made, too, and clears the
store of it.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.backupNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.startEach(ctx, c, args, w, func(arg string) (job, error) {
				id, err := c.BackupID(ctx, arg, all)
				if err != nil {
					return job{}, err
				}
				flow, err := c.DeleteBackup(ctx, id, force)
				return job{kind: "backup", id: id, flow: flow}, err
			})
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "whatever the backup's status (administrators)")
	backupsOfAll(cmd, &all)
	w.flags(cmd)
	return cmd
}

func backupsOfAll(cmd *cobra.Command, all *bool) {
	cmd.Flags().BoolVar(all, "all-projects", false, "find backups of all projects by name (administrators)")
}

// showBackup prints a backup as it is now.
func (a *app) showBackup(ctx context.Context, c *cli.Client, id, flow string) error {
	backup, err := c.Backup(ctx, id)
	if err != nil {
		return err
	}
	return a.printer.Show(cli.BackupRecord(backup, flow))
}
