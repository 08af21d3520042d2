package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) backupSet() *cobra.Command {
	var name, description string
	var properties cli.Properties
	var all bool
	cmd := &cobra.Command{
		Use:               "set BACKUP",
		Short:             "Change a backup",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.backupNames()),
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "new name")
	f.StringVar(&description, "description", "", "new description")
	f.Var(&properties, "property", "property to add or change; may be repeated")
	backupsOfAll(cmd, &all)
	cmd.MarkFlagsOneRequired("name", "description", "property")
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.BackupID(ctx, args[0], all)
		if err != nil {
			return err
		}
		return c.SetBackup(ctx, id, given(cmd, "name", "description"), properties, nil)
	})
	return cmd
}

func (a *app) backupUnset() *cobra.Command {
	var properties []string
	var all bool
	cmd := &cobra.Command{
		Use:               "unset BACKUP",
		Short:             "Remove properties of a backup",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.backupNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.BackupID(ctx, args[0], all)
			if err != nil {
				return err
			}
			return c.SetBackup(ctx, id, nil, nil, properties)
		}),
	}
	cmd.Flags().StringArrayVar(&properties, "property", nil, "key of the property; may be repeated")
	backupsOfAll(cmd, &all)
	cmd.MarkFlagsOneRequired("property")
	return cmd
}

func (a *app) backupResetStatus() *cobra.Command {
	var status string
	var all bool
	cmd := &cobra.Command{
		Use:   "reset-status BACKUP...",
		Short: "Overwrite the recorded status of backups (administrators)",
		Long: `Overwrite what the catalogue says of backups' status. Nothing is done to what lies in the store, and nothing checks that the new status is
true: it is for backups that you have looked at yourself. A flow that has the backup, a restore for one, is given up first.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.backupNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return each(args, func(arg string) error {
				id, err := c.BackupID(ctx, arg, all)
				if err != nil {
					return err
				}
				return c.ResetBackup(ctx, id, status)
			})
		}),
	}
	cmd.Flags().StringVar(&status, "status", "available", "status to record: available or error")
	backupsOfAll(cmd, &all)
	return cmd
}

func (a *app) backupExport() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "export BACKUP",
		Short: "Show the record with which another service can import a backup (administrators)",
		Long: `Shows the record of a backup: with it a service that reads the same store can import it. The record holds the backup's description and where
it lies, no data and no keys. Keep it outside of the cloud.`,
		Example:           `  clinker backup export monday -o value -c backup_url > monday.record`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.backupNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.BackupID(ctx, args[0], all)
			if err != nil {
				return err
			}
			record, err := c.ExportBackup(ctx, id)
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(record, nil))
		}),
	}
	backupsOfAll(cmd, &all)
	return cmd
}

// maxRecord is more than any record has.
const maxRecord = 1 << 20

func (a *app) backupImport() *cobra.Command {
	var w waiting
	cmd := &cobra.Command{
		Use:   "import BACKUP_SERVICE RECORD",
		Short: "Make a backup known by its record (administrators)",
		Long: `Makes a backup known that lies in the store: BACKUP_SERVICE and RECORD are the backup_service and backup_url that "backup export" shows, here or
of Cinder. RECORD may be -, for standard input. Of a chain of incrementals of Cinder the full one is imported first.`,
		Example:           `  clinker backup import --wait posix - < monday.record`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	w.flags(cmd)
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		record := args[1]
		if record == "-" {
			text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxRecord))
			if err != nil {
				return cli.Errorf(cli.Failure, "read the record: %v", err)
			}
			record = strings.TrimSpace(string(text))
		}
		backup, flow, err := c.ImportBackup(ctx, args[0], record)
		if err != nil {
			return err
		}
		return a.backupMade(ctx, c, backup, flow, w)
	})
	return cmd
}
