package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/stores"
	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) backup() *cobra.Command {
	return group("backup", "Backups in a store, without any service: disaster recovery", a.backupList(), a.backupVerify(), a.backupRestore())
}

// fromStore is where a backup is read from.
type fromStore struct {
	address string
	keyFile string
}

func (f *fromStore) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "from-store", "", "address of the store (required)")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "file with the key of encrypted backups")
	_ = cmd.MarkFlagRequired("from-store")
}

func (f *fromStore) open() (backups.Store, *backups.Key, error) {
	s, err := stores.OpenURL(f.address, os.Getenv)
	if err != nil {
		return nil, nil, storeError(err)
	}
	if f.keyFile == "" {
		return s, nil, nil
	}
	key, err := backups.ReadKey(f.keyFile)
	return s, key, storeError(err)
}

// storeError gives an error of a store the code to exit with, and its hint.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	code := cli.Failure
	switch {
	case errors.Is(err, context.Canceled):
		code = cli.Interrupted
	case errors.Is(err, drivers.ErrNotFound):
		code = cli.NotFound
	case errors.Is(err, drivers.ErrInvalid):
		code = cli.Usage
	case errors.Is(err, drivers.ErrUnavailable):
		code = cli.Unavailable
	}
	e := cli.Errorf(code, "%v", err)
	e.Hint = drivers.Hint(err)
	return e
}

var backupColumns = []cli.Column{
	{Title: "ID", Key: "id"},
	{Title: "Volume", Key: "volume"},
	{Title: "Size", Key: "size"},
	{Title: "Created At", Key: "created_at"},
	{Title: "Incremental", Key: "incremental"},
	{Title: "Encrypted", Key: "encrypted"},
	{Title: "Error", Key: "error"},
	{Title: "Name", Key: "name", Long: true},
	{Title: "Parent", Key: "parent", Long: true},
	{Title: "Stored", Key: "stored", Long: true},
	{Title: "Volume ID", Key: "volume_id", Long: true},
	{Title: "Volume Type", Key: "volume_type", Long: true},
}

func (a *app) backupList() *cobra.Command {
	var from fromStore
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what lies in a store",
		Long:    "Lists the backups that lie in a store. No service is asked; sizes are in bytes.\n\n" + stores.Addresses,
		Example: "  clinker backup list --from-store /srv/backups",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := from.open()
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			var rows []cli.Object
			for m, err := range backups.List(cmd.Context(), s) {
				if err != nil && m == nil {
					return storeError(err)
				}
				row := cli.Object{"id": m.BackupID}
				if err != nil {
					row["error"] = err.Error()
					rows = append(rows, row)
					continue
				}
				row["volume"], row["size"], row["created_at"] = m.Volume.Name, m.Size, m.Created.Format(time.RFC3339)
				row["incremental"], row["encrypted"], row["parent"] = m.Parent() != "", m.Encryption != nil, m.Parent()
				row["name"], row["stored"], row["volume_id"], row["volume_type"] = m.Volume.BackupName, m.Stored, m.Volume.ID, m.Volume.VolumeType
				rows = append(rows, row)
			}
			return a.printer.List(cli.NewTable(backupColumns, rows))
		},
	}
	from.register(cmd)
	cmd.Flags().BoolVar(&a.printer.Long, "long", false, "more columns")
	return cmd
}

func (a *app) backupVerify() *cobra.Command {
	var from fromStore
	cmd := &cobra.Command{
		Use:     "verify BACKUP",
		Short:   "Read a backup back and compare every hash, without restoring it",
		Long:    "Reads a backup back, with all that it stands on, and compares every hash. Nothing is written. All damages are listed.\n\n" + stores.Addresses,
		Example: "  clinker backup verify 0b41e0c1-... --from-store /srv/backups",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, key, err := from.open()
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			bar := a.bar("verify")
			m, damages, err := backups.Verify(cmd.Context(), s, args[0], backups.RestoreOptions{Key: key, Progress: bar.show})
			bar.done()
			if err != nil {
				return storeError(err)
			}
			for _, d := range damages {
				fmt.Fprintln(a.out, d)
			}
			if len(damages) > 0 {
				return cli.Errorf(cli.Failure, "backup %s has %d damaged places", args[0], len(damages))
			}
			fmt.Fprintf(a.out, "backup %s is whole: %d bytes of volume %s\n", args[0], m.Size, m.Volume.ID)
			return nil
		},
	}
	from.register(cmd)
	return cmd
}

// bar shows the progress of a transfer on a terminal; elsewhere it is silent.
type bar struct{ b *progressbar.ProgressBar }

func (a *app) bar(what string) *bar {
	f, ok := a.errOut.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &bar{}
	}
	return &bar{progressbar.NewOptions64(1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())}
}

func (b *bar) show(p backups.Progress) {
	if b.b != nil {
		b.b.ChangeMax64(max(p.Total, 1))
		_ = b.b.Set64(p.Done)
	}
}

func (b *bar) done() {
	if b.b != nil {
		_ = b.b.Finish()
	}
}
