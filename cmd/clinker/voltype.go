package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volumeType() *cobra.Command {
	return group("type", "Volume types",
		a.typeList(), a.typeShow(), a.typeCreate(), a.typeDelete(), a.typeSet(), a.typeUnset())
}

func (a *app) typeList() *cobra.Command {
	var public, private bool
	var sort string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List volume types",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			which := ""
			switch {
			case public:
				which = "true"
			case private:
				which = "false"
			}
			types, err := c.Types(ctx, which)
			if err != nil {
				return err
			}
			return a.list(cli.TypeColumns, types, sort)
		}),
	}
	cmd.Flags().BoolVar(&public, "public", false, "only public types")
	cmd.Flags().BoolVar(&private, "private", false, "only private types (administrators)")
	cmd.MarkFlagsMutuallyExclusive("public", "private")
	a.listFlags(cmd, &sort)
	return cmd
}

func (a *app) typeShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show TYPE",
		Short:             `Show a volume type ("default": the one of volumes created without)`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.typeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			t, err := c.FindType(ctx, args[0])
			if err != nil {
				return err
			}
			return a.showType(ctx, c, t)
		}),
	}
}

// showType prints a type; who may use a private one is an administrator's to see, and left out for others.
func (a *app) showType(ctx context.Context, c *cli.Client, t cli.Object) error {
	if t["is_public"] != false {
		return a.printer.Show(cli.TypeRecord(t, nil))
	}
	access, err := c.Access(ctx, cli.Text(t["id"]))
	if err != nil && cli.ExitCode(err) != cli.Forbidden {
		return err
	}
	return a.printer.Show(cli.TypeRecord(t, access))
}

func (a *app) typeCreate() *cobra.Command {
	var t cli.NewType
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create a volume type",
		Example: "  clinker type create gold --property volume_backend_name=lvm-ssd",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			t.Name = args[0]
			created, err := c.CreateType(ctx, t)
			if err != nil {
				return err
			}
			return a.showType(ctx, c, created)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&t.Description, "description", "", "description")
	f.BoolVar(&t.Private, "private", false, "only for the projects that --access names")
	f.Var(&t.Properties, "property", "property (extra spec); may be repeated")
	f.StringArrayVar(&t.Access, "access", nil, "id of a project that may use a private type; may be repeated")
	return cmd
}

func (a *app) typeDelete() *cobra.Command {
	return &cobra.Command{
		Use:               "delete TYPE...",
		Short:             "Delete volume types",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.typeNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return each(args, func(arg string) error {
				id, err := c.TypeID(ctx, arg)
				if err != nil {
					return err
				}
				return c.DeleteType(ctx, id)
			})
		}),
	}
}
