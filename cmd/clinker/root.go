package main

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clinker-storage/clinker/internal/cli"
)

// app is what all commands share: where the service is and how results are printed.
type app struct {
	settings    cli.Settings
	printer     cli.Printer
	format      string
	out, errOut io.Writer
}

const about = `clinker is the command line of Clinker block storage; it works against Cinder too, but for flows.

Where the service is and who asks comes from, in this order: flags; CLINKER_ENDPOINT, CLINKER_TOKEN and
CLINKER_PROJECT; the OS_ variables of other OpenStack clients (OS_CLOUD with clouds.yaml, OS_AUTH_URL with
OS_USERNAME ..., or OS_AUTH_TYPE=noauth with OS_ENDPOINT, OS_USER_ID and OS_PROJECT_ID). With none of them
set, .clinker/openrc is read from the working folder, which "clinkerd up" writes there.

Exit codes:
  0  done                                  4  conflict: wrong state, name taken or ambiguous
  1  the operation failed or is held       5  not authenticated, or not allowed
  2  wrong flags, arguments or values      6  over quota
  3  not found                             7  service unavailable, or time is up`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "clinker",
		Short:         "Command line of Clinker block storage",
		Long:          about,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			a.printer.Out = a.out
			a.printer.Format = cli.Format(a.format)
			return a.printer.Check()
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	a.flags(root)
	root.AddCommand(
		a.volume(), a.snapshot(), a.attachment(), a.backup(), a.volumeType(), a.quota(), a.service(), a.pool(), a.flow(), a.message(),
		a.project(), a.user(), a.role(), a.limits(), a.zone(), a.version(),
	)
	return root
}

func (a *app) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.settings.Cloud, "os-cloud", "", "cloud of clouds.yaml (OS_CLOUD)")
	f.StringVar(&a.settings.Endpoint, "endpoint", "", "address of the service (CLINKER_ENDPOINT, OS_ENDPOINT)")
	f.StringVar(&a.settings.AuthType, "auth-type", "", "noauth, token, password or v3applicationcredential (OS_AUTH_TYPE)")
	f.StringVar(&a.settings.AuthURL, "os-auth-url", "", "address of Keystone (OS_AUTH_URL)")
	f.StringVar(&a.settings.Username, "os-username", "", "user's name (OS_USERNAME; the password is in OS_PASSWORD)")
	f.StringVar(&a.settings.Project, "project", "", "project to work in (CLINKER_PROJECT, OS_PROJECT_ID, OS_PROJECT_NAME)")
	f.StringVar(&a.settings.Token, "token", "", "token to use as it is (CLINKER_TOKEN, OS_TOKEN)")
	f.StringVar(&a.settings.Region, "os-region-name", "", "region (OS_REGION_NAME)")
	f.StringVar(&a.settings.CACert, "os-cacert", "", "file with the CA certificates to trust (OS_CACERT)")
	f.BoolVar(&a.settings.Insecure, "insecure", false, "don't verify the service's certificate")
	f.BoolVar(&a.settings.Debug, "debug", false, "show requests and answers, without tokens")
	f.StringVarP(&a.format, "output", "o", string(cli.FormatTable), "output format: "+strings.Join(cli.Formats(), ", "))
	f.StringArrayVarP(&a.printer.Columns, "column", "c", nil, "show only this column or field; may be repeated")
	root.SetGlobalNormalizationFunc(openStackNames)
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(cli.Formats(), cobra.ShellCompDirectiveNoFileComp))
}

// openStackNames accepts the flags' names in the cinder and openstack clients for ours.
func openStackNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "os-endpoint", "os-token", "os-auth-type":
		name = strings.TrimPrefix(name, "os-")
	case "os-project-id", "os-project-name":
		name = "project"
	}
	return pflag.NormalizedName(name)
}

// action is what a command does once it is connected.
type action func(ctx context.Context, c *cli.Client, args []string) error

// run connects and does it.
func (a *app) run(do action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.connect(cmd.Context())
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args)
	}
}

func (a *app) connect(ctx context.Context) (*cli.Client, error) {
	return cli.Connect(ctx, a.settings, os.Getenv, ".", a.errOut)
}

// each does the same to every item. One failure does not keep the others from being done.
func each[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	for i, item := range items {
		errs[i] = do(item)
	}
	return cli.Join(errs...)
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return cli.Errorf(cli.Usage, "unknown command %q for %q; see %s --help", args[0], cmd.CommandPath(), cmd.CommandPath())
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}
