package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/trial"
)

func backupCommand() *cobra.Command {
	c := &cobra.Command{Use: "backup", Short: "Where this node keeps backups"}
	store := &cobra.Command{Use: "store", Short: "The configured backup store"}
	store.AddCommand(storeCheckCommand())
	c.AddCommand(store)
	return c
}

// storeCheck is what `backup store check` was asked.
type storeCheck struct {
	settings
	asJSON bool
	size   int
}

func storeCheckCommand() *cobra.Command {
	var k storeCheck
	c := &cobra.Command{
		Use:   "check",
		Short: "Try the configured backup store out, as an operator would before the first backup",
		Long: `Tries the store of backup_driver out: reaches or mounts it, with the configured credentials, and writes, lists,
reads, compares and deletes some objects, with the rate. What was stored is taken away again, also when a step
fails or the command is interrupted.

Run it on the host of the data worker, as the user that it runs as. It ends with status 1 if a step failed.`,
		Example: `  clinkerd backup store check --config-file /etc/clinker/clinker.conf
  clinkerd backup store check --config-file /etc/clinker/clinker.conf --size 512 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return k.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	k.register(c)
	c.Flags().BoolVar(&k.asJSON, "json", false, "print the report as JSON")
	c.Flags().IntVar(&k.size, "size", 64, "how much is written and read, in MiB")
	return c
}

func (k *storeCheck) run(ctx context.Context, out io.Writer) error {
	cfg, log, err := k.load()
	if err != nil {
		return err
	}
	if k.size < 1 || k.size > 1<<20 {
		return usageError{fmt.Errorf("--size %d: allowed are 1 MiB to 1 TiB", k.size)}
	}
	show := func(s trial.Step) {
		if !k.asJSON {
			showStep(out, s)
		}
	}
	if !k.asJSON {
		fmt.Fprintf(out, "backup_driver = %s\n", cfg.Backup.Driver)
	}
	var r trial.Report
	if s, err := openBackupStore(cfg, "", log); err != nil {
		step := trial.Step{Name: "options", State: trial.Failed, Detail: err.Error(), Hint: drivers.Hint(err)}
		r = trial.Report{Driver: cfg.Backup.Driver, Steps: []trial.Step{step}}
		show(step)
	} else {
		defer func() { _ = s.Close() }()
		r = trial.RunStore(ctx, s, trial.StoreOptions{Bytes: k.size << 20, Done: show})
	}
	if k.asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	if !r.OK() {
		return fmt.Errorf("the backup store can't be used")
	}
	return nil
}
