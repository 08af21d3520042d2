package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) message() *cobra.Command {
	return group("message", "Messages: why accepted requests failed", a.messageList(), a.messageShow(), a.messageDelete())
}

func (a *app) messageList() *cobra.Command {
	var filter cli.MessageFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			messages, err := c.Messages(ctx, filter)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.MessageColumns, messages))
		}),
	}
	f := cmd.Flags()
	f.StringVar(&filter.Resource, "resource", "", "only messages about the resource of this id")
	f.StringVar(&filter.RequestID, "request-id", "", "only messages about this request")
	f.StringVar(&filter.Level, "level", "", "only messages of this level (ERROR)")
	f.StringVar(&filter.Sort, "sort", "", "order, KEY[:asc|desc],... (created_at, resource_type ...)")
	f.StringVar(&filter.Marker, "marker", "", "begin after the message of this id")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	return cmd
}

func (a *app) messageShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show MESSAGE",
		Short: "Show a message",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			message, err := c.Message(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(message, nil))
		}),
	}
}

func (a *app) messageDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete MESSAGE...",
		Short: "Delete messages",
		Args:  cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return each(args, func(id string) error { return c.DeleteMessage(ctx, id) })
		}),
	}
}
