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

// fromStore is where a backup is read from.
type fromStore struct {
	address string
	keyFile string
}

// register adds the flags to a command whose other way asks the service; its flags don't go together with these.
func (f *fromStore) register(cmd *cobra.Command, service ...string) {
	cmd.Flags().StringVar(&f.address, "from-store", "", "read this store and ask no service: its address")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "with --from-store: file with the key of encrypted backups")
	for _, flag := range service {
		cmd.MarkFlagsMutuallyExclusive("from-store", flag)
	}
}

// or reads the store where one is given, and else asks the service.
func (f *fromStore) or(a *app, do action, store func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case f.address != "":
			return store(cmd.Context(), args)
		case f.keyFile != "":
			return cli.Errorf(cli.Usage, "--key-file goes with --from-store; the service has its own key")
		}
		return a.run(do)(cmd, args)
	}
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

var storedColumns = []cli.Column{
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

// storeList prints what lies in a store.
func (a *app) storeList(ctx context.Context, from *fromStore) error {
	s, _, err := from.open()
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	var rows []cli.Object
	for m, err := range backups.List(ctx, s) {
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
	return a.printer.List(cli.NewTable(storedColumns, rows))
}

// storeVerify reads a backup of a store back, and prints every damage.
func (a *app) storeVerify(ctx context.Context, from *fromStore, id string) error {
	s, key, err := from.open()
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	bar := a.bar("verify")
	m, damages, err := backups.Verify(ctx, s, id, backups.RestoreOptions{Key: key, Progress: bar.show})
	bar.done()
	if err != nil {
		return storeError(err)
	}
	for _, d := range damages {
		fmt.Fprintln(a.out, d)
	}
	if len(damages) > 0 {
		return cli.Errorf(cli.Failure, "backup %s has %d damaged places", id, len(damages))
	}
	fmt.Fprintf(a.out, "backup %s is whole: %d bytes of volume %s\n", id, m.Size, m.Volume.ID)
	return nil
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
