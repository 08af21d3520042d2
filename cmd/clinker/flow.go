package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
	"github.com/clinker-storage/clinker/models"
)

func (a *app) flow() *cobra.Command {
	return group("flow", "Flows: the operations that work on volumes, snapshots and backups, task by task",
		a.flowList(), a.flowShow(), a.flowWatch(),
		a.flowAnswer("retry", "Try the failed task of a held flow again"),
		a.flowAnswer("skip", "Take the failed task of a held flow as done and go on"),
		a.flowAnswer("abort", "Give a held flow up and undo what it did"),
	)
}

func (a *app) flowList() *cobra.Command {
	var filter cli.FlowFilter
	var held, all bool
	var sort string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List flows, the newest first",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			if held {
				filter.State = string(models.FlowHeld)
			}
			filter.All = all
			flows, err := c.Flows(ctx, filter)
			if err != nil {
				return err
			}
			return a.list(cli.FlowColumns, flows, sort)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&filter.Volume, "volume", "", "only flows of this volume")
	f.StringVar(&filter.Snapshot, "snapshot", "", "only flows of this snapshot")
	f.StringVar(&filter.Backup, "backup", "", "only flows of this backup")
	f.StringVar(&filter.Operation, "operation", "", "only flows of this kind (volume-create, volume-delete ...)")
	f.StringVar(&filter.State, "state", "", "only flows in this state (RUNNING, HELD, SUCCESS, FAILURE, REVERTED, ABANDONED)")
	f.BoolVar(&held, "held", false, "only flows that wait for an operator")
	f.StringVar(&filter.RequestID, "request-id", "", "only the flow of this request")
	f.StringVar(&filter.Backend, "backend", "", "only flows on this backend (HOST@BACKEND)")
	f.BoolVar(&all, "all-projects", false, "flows of all projects (administrators)")
	f.StringVar(&filter.Marker, "marker", "", "begin after the flow of this id")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	cmd.MarkFlagsMutuallyExclusive("held", "state")
	cmd.MarkFlagsMutuallyExclusive("volume", "snapshot", "backup")
	a.listFlags(cmd, &sort)
	completes(cmd, "volume", a.volumeNames())
	completes(cmd, "snapshot", a.snapshotNames())
	completes(cmd, "backup", a.backupNames())
	return cmd
}

const flowArgument = "FLOW is a flow's id, or the name or id of a volume, a snapshot or a backup, whose latest flow is meant."

func (a *app) flowShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show FLOW",
		Short:             "Show a flow: its tasks, what went wrong, what to do about it",
		Long:              "Show a flow. " + flowArgument,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.onFlow(func(ctx context.Context, c *cli.Client, id string) error {
			f, err := c.Flow(ctx, id)
			if err != nil {
				return err
			}
			return a.printer.Flow(f)
		}),
	}
}

func (a *app) flowWatch() *cobra.Command {
	var w waiting
	cmd := &cobra.Command{
		Use:               "watch FLOW",
		Short:             "Show the tasks of a flow as they pass, until it ends or is held",
		Long:              "Watch a flow. " + flowArgument,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.onFlow(func(ctx context.Context, c *cli.Client, id string) error {
			f, err := a.follow(ctx, c, id, w, cli.Time{})
			if err != nil {
				return err
			}
			return failed(f)
		}),
	}
	w.timeoutFlag(cmd)
	return cmd
}

// flowAnswer is a command that tells a held flow how to go on.
func (a *app) flowAnswer(how, short string) *cobra.Command {
	var w waiting
	var reason string
	cmd := &cobra.Command{
		Use:               how + " FLOW",
		Short:             short,
		Long:              short + ". " + flowArgument,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.onFlow(func(ctx context.Context, c *cli.Client, id string) error {
			before, err := c.Flow(ctx, id)
			if err != nil {
				return err
			}
			if err := c.FlowAction(ctx, id, how, reason); err != nil || !w.wait {
				return err
			}
			f, err := a.follow(ctx, c, id, w, before.UpdatedAt)
			if err != nil || how == "abort" && !f.State.Open() {
				return err // what was aborted does not succeed; that it ended is what was wanted
			}
			return failed(f)
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	w.flags(cmd)
	return cmd
}

// onFlow finds the flow that the argument means, and does something to it.
func (a *app) onFlow(do func(ctx context.Context, c *cli.Client, id string) error) func(*cobra.Command, []string) error {
	return a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.FlowID(ctx, args[0])
		if err != nil {
			return err
		}
		return do(ctx, c, id)
	})
}
