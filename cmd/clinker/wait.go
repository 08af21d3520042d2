package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

// defaultTimeout is long enough for a clone that copies, and short enough that a script ends some day.
const defaultTimeout = 30 * time.Minute

// waiting are the flags of commands that start a flow.
type waiting struct {
	wait    bool
	timeout time.Duration
}

func (w *waiting) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.wait, "wait", false, "wait for the end and show the tasks as they pass")
	w.timeoutFlag(cmd)
}

func (w *waiting) timeoutFlag(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&w.timeout, "timeout", defaultTimeout, "how long to wait; 0 is for ever")
}

// follow shows a flow's tasks until it ends, and returns how it ended. held is when a held flow was last changed before
// it was told to go on.
func (a *app) follow(ctx context.Context, c *cli.Client, id string, w waiting, held cli.Time) (cli.Flow, error) {
	waiter := cli.Waiter{Flow: c.Flow, Progress: cli.NewProgress(a.errOut), Timeout: w.timeout, Held: held}
	return waiter.Wait(ctx, id)
}

// job is what a request has started on a volume or a snapshot: a flow, or only a change of status where the service knows
// no flows.
type job struct{ kind, id, flow string }

// startEach starts something on every argument that ends with it gone. All are started before any is waited for, so that
// they run side by side.
func (a *app) startEach(ctx context.Context, c *cli.Client, args []string, w waiting, start func(arg string) (job, error)) error {
	var started []job
	refused := each(args, func(arg string) error {
		j, err := start(arg)
		if err == nil {
			started = append(started, j)
		}
		return err
	})
	failed := each(started, func(j job) error { return a.finish(ctx, c, j, w, true) })
	return cli.Join(refused, failed)
}

// finish waits for a job, if it is to be waited for. gone says that its object shall not be there at its end.
func (a *app) finish(ctx context.Context, c *cli.Client, j job, w waiting, gone bool) error {
	if !w.wait {
		return nil
	}
	if j.flow == "" {
		return c.WaitStatus(ctx, j.kind, j.id, gone, w.timeout)
	}
	f, err := a.follow(ctx, c, j.flow, w, cli.Time{})
	if err != nil {
		return err
	}
	return failed(f)
}

// failed is the flow's failure, if it is one, with the command that shows more.
func failed(f cli.Flow) error {
	e := f.Outcome()
	if e == nil {
		return nil
	}
	if len(e.Next) == 0 {
		e.Next = []string{"clinker flow show " + f.ID}
	}
	return e
}
