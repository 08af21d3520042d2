package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) attachmentCheck() *cobra.Command {
	var n cli.NewCheck
	var w waiting
	cmd := &cobra.Command{
		Use:   "check [CHECK|latest]",
		Short: "Compare attachments with what targets, hosts and guests have (administrators)",
		Long: `Start a check: what is attached by record, let in at the targets, taken in on the hosts and plugged into their guests is compared, twice,
--apart from each other; what differs both times is a difference. It is only shown, unless --mend is given: then what is certain is
mended, and whoever owns the volume of another gets a message, as in the check that the service makes every ten minutes.

With --wait the differences are shown at its end. CHECK shows what an earlier check has found, and "latest" what the last one has.

The exit code is 1 where there are differences, mended ones too, and 0 where there are none. What nodes and hosts have that did not answer
is not known; standard error names them.`,
		Example: `  clinker attachment check --wait
  clinker attachment check --mend --wait -o json
  clinker attachment check latest --long`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			if n.Apart%time.Second != 0 || n.Apart < time.Second {
				return cli.Errorf(cli.Usage, "--apart %s: want whole seconds, at least one", n.Apart)
			}
			var check cli.Object
			var err error
			if len(args) == 0 {
				if check, err = c.StartCheck(ctx, n); err == nil && !w.wait {
					return a.printer.Show(cli.CheckRecord(check))
				}
			} else {
				check, err = c.AttachmentCheck(ctx, args[0])
			}
			if err == nil && w.wait {
				check, err = c.AwaitCheck(ctx, cli.Text(check["id"]), w.timeout)
			}
			if err != nil {
				return err
			}
			return a.showDifferences(ctx, c, check)
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&n.Mend, "mend", false, "mend what is certain, and leave messages of the rest")
	f.DurationVar(&n.Apart, "apart", time.Minute, "how long lies between the two looks: what is on its way shows in one of them only")
	f.BoolVar(&w.wait, "wait", false, "wait for the end and show what differs")
	w.timeoutFlag(cmd)
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	return cmd
}

func (a *app) showDifferences(ctx context.Context, c *cli.Client, check cli.Object) error {
	found, err := c.Differences(ctx, cli.Text(check["id"]))
	if err != nil {
		return err
	}
	if err := a.printer.List(cli.NewTable(cli.DifferenceColumns, found)); err != nil {
		return err
	}
	if unknown := cli.Unanswered(check); unknown != "" {
		fmt.Fprintln(a.errOut, unknown)
	}
	return cli.CheckOutcome(check)
}
