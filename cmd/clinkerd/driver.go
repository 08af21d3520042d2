package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/trial"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/models"
)

func driverCommand() *cobra.Command {
	c := &cobra.Command{Use: "driver", Short: "This node's backends"}
	c.AddCommand(driverCheckCommand())
	return c
}

// driverCheck is what `driver check` was asked.
type driverCheck struct {
	settings
	only   []string
	quick  bool
	asJSON bool
	size   int64
}

func driverCheckCommand() *cobra.Command {
	var k driverCheck
	c := &cobra.Command{
		Use:   "check",
		Short: "Try each enabled backend out, as an operator would before opening it to users",
		Long: `Tries each enabled backend out: tools, rights and storage, statistics, then with a volume of its own
create, find, write, extend, snapshot, clone, revert, export, log in, read back and delete. What was made is
taken away again, also when a step fails or the command is interrupted.

Run it on the storage node, as the user that the storage worker runs as. It ends with status 1 if a step failed.`,
		Example: `  clinkerd driver check --config-file /etc/clinker/clinker.conf
  clinkerd driver check --config-file /etc/clinker/clinker.conf --backend lvm --size 4
  clinkerd driver check --config-file /etc/clinker/clinker.conf --quick`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return k.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	k.register(c)
	c.Flags().StringSliceVar(&k.only, "backend", nil, "only these of enabled_backends")
	c.Flags().BoolVar(&k.quick, "quick", false, "look at tools, rights and storage only: nothing is made")
	c.Flags().BoolVar(&k.asJSON, "json", false, "print the report as JSON")
	c.Flags().Int64Var(&k.size, "size", 1, "size of the volumes that are made, in GiB")
	return c
}

// checked is a backend's part of the report.
type checked struct {
	Backend string `json:"backend"`
	trial.Report
}

func (k *driverCheck) run(ctx context.Context, out io.Writer) error {
	cfg, log, err := k.load()
	if err != nil {
		return err
	}
	if k.size < 1 {
		return usageError{fmt.Errorf("--size %d: allowed are 1 GiB and more", k.size)}
	}
	for _, name := range k.only {
		if !slices.ContainsFunc(cfg.Backends, func(b config.Backend) bool { return b.Name == name }) {
			return usageError{fmt.Errorf("--backend %s: enabled_backends has %s", name, backendNames(cfg))}
		}
	}
	cloud, err := cloudID(cfg.StatePath)
	if err != nil {
		return err
	}
	var all []checked
	bad := 0
	for _, b := range cfg.Backends {
		if len(k.only) > 0 && !slices.Contains(k.only, b.Name) {
			continue
		}
		if !k.asJSON {
			fmt.Fprintf(out, "%s\n", b.Service())
		}
		r := k.try(ctx, cfg, b, cloud, out, log)
		all = append(all, checked{b.Service(), r})
		if !r.OK() {
			bad++
		}
	}
	if k.asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d backends can't be used", bad, len(all))
	}
	return nil
}

// try runs the trial of one backend.
func (k *driverCheck) try(ctx context.Context, cfg *config.Config, b config.Backend, cloud string, out io.Writer, log *slog.Logger) trial.Report {
	show := func(s trial.Step) {
		if !k.asJSON {
			showStep(out, s)
		}
	}
	failed := func(err error) trial.Report {
		s := trial.Step{Name: "options", State: trial.Failed, Detail: err.Error(), Hint: drivers.Hint(err)}
		show(s)
		return trial.Report{Driver: b.Driver, Steps: []trial.Step{s}}
	}
	d, err := openDriver(ctx, cfg, b, cloud, log)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = d.Close() }()
	o := trial.Options{Size: models.FromGiB(k.size), CloudID: cloud, Quick: k.quick, Done: show}
	t, err := openTarget(ctx, cfg, b, d, log)
	if err != nil {
		return failed(err)
	}
	if t != nil {
		defer func() { _ = t.Close() }()
		o.Target = t
		if o.Connector, o.Login, err = thisHost(ctx, cfg, log); err != nil {
			return failed(err)
		}
	}
	return trial.Run(ctx, d, o)
}

func showStep(out io.Writer, s trial.Step) {
	took := ""
	if s.Took >= 10*time.Millisecond {
		took = fmt.Sprintf("%.2f s", s.Took.Seconds())
	}
	line := fmt.Sprintf("  %-8s %-32s %9s  %s", s.State, s.Name, took, s.Detail)
	fmt.Fprintln(out, strings.TrimRight(line, " "))
	if s.Hint != "" {
		fmt.Fprintf(out, "           %s\n", s.Hint)
	}
}
