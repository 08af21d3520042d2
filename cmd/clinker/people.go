package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) project() *cobra.Command {
	return group("project", "Projects", a.peopleList(cli.Projects, cli.ProjectColumns), a.personShow(cli.Projects), a.personCreate(cli.Projects), a.personSet(cli.Projects), a.personDelete(cli.Projects))
}

func (a *app) user() *cobra.Command {
	return group("user", "Users", a.peopleList(cli.Users, cli.UserColumns), a.personShow(cli.Users), a.personCreate(cli.Users), a.personSet(cli.Users), a.personDelete(cli.Users))
}

func (a *app) role() *cobra.Command {
	return group("role", "Roles: who may do what where", a.peopleList(cli.Roles, cli.RoleColumns), a.personCreate(cli.Roles), a.personDelete(cli.Roles),
		a.grant("grant", "Give a user a role in a project", http.MethodPut), a.grant("revoke", "Take a role from a user", http.MethodDelete), a.grants())
}

// identity is run for the identity service.
func (a *app) identity(do action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := cli.ConnectIdentity(cmd.Context(), a.settings, os.Getenv, ".", a.errOut)
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args)
	}
}

func (a *app) peopleList(k cli.Kind, columns []cli.Column) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List " + string(k) + "s", Args: cobra.NoArgs,
		RunE: a.identity(func(ctx context.Context, c *cli.Client, _ []string) error {
			all, err := c.People(ctx, k)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(columns, all))
		}),
	}
	cmd.Flags().BoolVar(&a.printer.Long, "long", false, "more columns")
	return cmd
}

func (a *app) personShow(k cli.Kind) *cobra.Command {
	word := strings.ToUpper(string(k))
	return &cobra.Command{
		Use: "show " + word, Short: "Show a " + string(k), Args: cobra.ExactArgs(1),
		RunE: a.identity(func(ctx context.Context, c *cli.Client, args []string) error {
			o, err := c.Person(ctx, k, args[0])
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(o, nil))
		}),
	}
}

// personFlags are the fields that create and set share.
type personFlags struct {
	description, email string
	password           bool
	enable, disable    bool
}

func (p *personFlags) register(cmd *cobra.Command, k cli.Kind) {
	f := cmd.Flags()
	f.StringVar(&p.description, "description", "", "description")
	if k == cli.Users {
		f.StringVar(&p.email, "email", "", "address of mail")
		f.BoolVar(&p.password, "password", false, "read the password from a line of standard input")
	}
	if k != cli.Roles {
		f.BoolVar(&p.enable, "enable", false, "let it be used")
		f.BoolVar(&p.disable, "disable", false, "keep it from being used; a user's tokens end")
		cmd.MarkFlagsMutuallyExclusive("enable", "disable")
	}
}

func (p *personFlags) fields(cmd *cobra.Command) (cli.Object, error) {
	o := cli.Object{}
	if cmd.Flags().Changed("description") {
		o["description"] = p.description
	}
	if cmd.Flags().Changed("email") {
		o["email"] = p.email
	}
	if p.enable || p.disable {
		o["enabled"] = p.enable
	}
	if p.password {
		line, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		password := strings.TrimRight(line, "\r\n")
		if password == "" {
			return nil, cli.Errorf(cli.Usage, "--password reads a line of standard input, and there was none")
		}
		o["password"] = password
	}
	return o, nil
}

func (a *app) personCreate(k cli.Kind) *cobra.Command {
	var p personFlags
	cmd := &cobra.Command{Use: "create NAME", Short: "Create a " + string(k), Args: cobra.ExactArgs(1)}
	p.register(cmd, k)
	cmd.RunE = a.identity(func(ctx context.Context, c *cli.Client, args []string) error {
		fields, err := p.fields(cmd)
		if err != nil {
			return err
		}
		fields["name"] = args[0]
		o, err := c.CreatePerson(ctx, k, fields)
		if err != nil {
			return err
		}
		return a.printer.Show(cli.NewRecord(o, nil))
	})
	return cmd
}

func (a *app) personSet(k cli.Kind) *cobra.Command {
	var p personFlags
	var name string
	cmd := &cobra.Command{Use: "set " + strings.ToUpper(string(k)), Short: "Change a " + string(k), Args: cobra.ExactArgs(1)}
	p.register(cmd, k)
	cmd.Flags().StringVar(&name, "name", "", "new name")
	cmd.RunE = a.identity(func(ctx context.Context, c *cli.Client, args []string) error {
		fields, err := p.fields(cmd)
		if err != nil {
			return err
		}
		if name != "" {
			fields["name"] = name
		}
		return c.ChangePerson(ctx, k, args[0], fields)
	})
	return cmd
}

func (a *app) personDelete(k cli.Kind) *cobra.Command {
	word := strings.ToUpper(string(k))
	return &cobra.Command{
		Use: "delete " + word + "...", Short: "Delete " + string(k) + "s", Args: cobra.MinimumNArgs(1),
		RunE: a.identity(func(ctx context.Context, c *cli.Client, args []string) error {
			return each(args, func(arg string) error { return c.DeletePerson(ctx, k, arg) })
		}),
	}
}

func (a *app) grant(use, short, method string) *cobra.Command {
	var user, project string
	cmd := &cobra.Command{
		Use: use + " ROLE", Short: short, Args: cobra.ExactArgs(1), Example: "  clinker role " + use + " member --user mia --to mine",
		RunE: a.identity(func(ctx context.Context, c *cli.Client, args []string) error {
			return c.Grant(ctx, method, args[0], user, project)
		}),
	}
	cmd.Flags().StringVar(&user, "user", "", "the user")
	cmd.Flags().StringVar(&project, "to", "", "the project")
	_ = cmd.MarkFlagRequired("user")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func (a *app) grants() *cobra.Command {
	return &cobra.Command{
		Use: "grants", Short: "List who has which role where", Args: cobra.NoArgs,
		RunE: a.identity(func(ctx context.Context, c *cli.Client, _ []string) error {
			all, err := c.Grants(ctx)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.GrantColumns, all))
		}),
	}
}
