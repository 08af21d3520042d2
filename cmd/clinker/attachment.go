package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) attachment() *cobra.Command {
	return group("attachment", "Attachments of volumes to hosts",
		a.attachmentList(), a.attachmentShow(), a.attachmentCreate(), a.attachmentUpdate(), a.attachmentComplete(), a.attachmentDelete(), a.attachmentCheck(),
	)
}

func (a *app) attachmentList() *cobra.Command {
	var filter cli.AttachmentFilter
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List attachments",
		Example: `  clinker attachment list --volume db01 --long`,
		Args:    cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			found, err := c.Attachments(ctx, filter)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.AttachmentColumns, found))
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&filter.All, "all-projects", false, "attachments of all projects (administrators)")
	f.StringVar(&filter.Volume, "volume", "", "only attachments of this volume, name or id")
	f.StringVar(&filter.Instance, "server", "", "only attachments to this server")
	f.StringVar(&filter.Status, "status", "", "only attachments in this status")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	completes(cmd, "volume", a.volumeNames())
	return cmd
}

func (a *app) attachmentShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show ATTACHMENT",
		Short:             "Show an attachment, with how its host reaches the volume (passwords too)",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return a.printAttachment(c.Attachment(ctx, args[0]))
		}),
	}
}

// printAttachment shows what a request has answered.
func (a *app) printAttachment(attachment cli.Object, err error) error {
	if err != nil {
		return err
	}
	return a.printer.Show(cli.AttachmentRecord(attachment))
}

func (a *app) attachmentCreate() *cobra.Command {
	var n cli.NewAttachment
	var connector string
	cmd := &cobra.Command{
		Use:   "create VOLUME",
		Short: "Take a place on a volume, or with --connector let a host in",
		Long: `Take a place on a volume for an attachment. With --connector the host that the file describes is let in at once, and the answer says how it
reaches the volume; the attachment is in use when "attachment complete" says so.`,
		Example: `  clinker attachment create db01 --connector host.json
  clinker attachment create db01 --server 4f2c... --mode ro`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) (err error) {
			n.Volume = args[0]
			if n.Connector, err = readConnector(connector); err != nil {
				return err
			}
			return a.printAttachment(c.CreateAttachment(ctx, n))
		}),
	}
	f := cmd.Flags()
	f.StringVar(&n.Instance, "server", "", "id of the server that is to use it")
	f.StringVar(&n.Mode, "mode", "", "rw or ro")
	f.StringVar(&connector, "connector", "", "file with the host's description as JSON; - is standard input")
	return cmd
}

// readConnector reads a file, or standard input; "" is none.
func readConnector(path string) (cli.Object, error) {
	var text []byte
	var err error
	switch path {
	case "":
		return nil, nil
	case "-":
		text, err = io.ReadAll(os.Stdin)
	default:
		text, err = os.ReadFile(path)
	}
	var file *os.PathError
	if errors.As(err, &file) {
		return nil, cli.Errorf(cli.Usage, "connector file %s: %s", path, file.Err.Error())
	}
	if err != nil {
		return nil, err
	}
	return cli.ReadConnector(text)
}

func (a *app) attachmentUpdate() *cobra.Command {
	var connector string
	cmd := &cobra.Command{
		Use:               "update ATTACHMENT --connector FILE",
		Short:             "Name the host of an attachment, and let it in",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			host, err := readConnector(connector)
			if err != nil {
				return err
			}
			return a.printAttachment(c.UpdateAttachment(ctx, args[0], host))
		}),
	}
	cmd.Flags().StringVar(&connector, "connector", "", "file with the host's description as JSON; - is standard input")
	_ = cmd.MarkFlagRequired("connector")
	return cmd
}

func (a *app) attachmentComplete() *cobra.Command {
	return &cobra.Command{
		Use:               "complete ATTACHMENT",
		Short:             "Say that the volume is in use",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return c.CompleteAttachment(ctx, args[0])
		}),
	}
}

func (a *app) attachmentDelete() *cobra.Command {
	return &cobra.Command{
		Use:               "delete ATTACHMENT...",
		Short:             "End attachments: their hosts are shut out",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			var failed error
			for _, id := range args {
				failed = errors.Join(failed, c.DeleteAttachment(ctx, id))
			}
			return failed
		}),
	}
}
