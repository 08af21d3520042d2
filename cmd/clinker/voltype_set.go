package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) typeSet() *cobra.Command {
	var name, description string
	var public, private bool
	var properties cli.Properties
	var access []string
	cmd := &cobra.Command{
		Use:               "set TYPE",
		Short:             "Change a volume type",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.typeNames()),
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "new name")
	f.StringVar(&description, "description", "", "new description")
	f.BoolVar(&public, "public", false, "for all projects")
	f.BoolVar(&private, "private", false, "only for projects with access")
	f.Var(&properties, "property", "property (extra spec) to add or change; may be repeated")
	f.StringArrayVar(&access, "access", nil, "id of a project that may use the private type from now on; may be repeated")
	cmd.MarkFlagsMutuallyExclusive("public", "private")
	cmd.MarkFlagsOneRequired("name", "description", "public", "private", "property", "access")
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.TypeID(ctx, args[0])
		if err != nil {
			return err
		}
		fields := given(cmd, "name", "description")
		if public || private {
			fields["is_public"] = public
		}
		if err := c.SetType(ctx, id, fields, properties); err != nil {
			return err
		}
		return c.AddAccess(ctx, id, access)
	})
	return cmd
}

func (a *app) typeUnset() *cobra.Command {
	var properties, access []string
	cmd := &cobra.Command{
		Use:               "unset TYPE",
		Short:             "Remove properties of a volume type, or projects' access to it",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.typeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.TypeID(ctx, args[0])
			if err != nil {
				return err
			}
			if err := c.UnsetType(ctx, id, properties); err != nil {
				return err
			}
			return c.RemoveAccess(ctx, id, access)
		}),
	}
	cmd.Flags().StringArrayVar(&properties, "property", nil, "key of the property; may be repeated")
	cmd.Flags().StringArrayVar(&access, "access", nil, "id of a project that may no longer use the private type; may be repeated")
	cmd.MarkFlagsOneRequired("property", "access")
	return cmd
}
