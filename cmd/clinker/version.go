package main

import (
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) version() *cobra.Command {
	var server bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of this client, and with --server that of the service",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&server, "server", false, "ask the service which API versions it speaks")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client := cli.Record{{Name: "clinker", Value: build()}, {Name: "newest API version", Value: cli.MaxMicroversion}}
		if !server {
			return a.printer.Show(client)
		}
		return a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			v, err := c.Versions(ctx)
			if err != nil {
				return err
			}
			return a.printer.Show(append(client,
				cli.Field{Name: "service", Value: c.Endpoint()},
				cli.Field{Name: "service's API versions", Value: v.Min + " to " + v.Max}))
		})(cmd, args)
	}
	return cmd
}

// version is set by release builds: -ldflags "-X main.version=1.2.3".
var version string

// build is the release, or what the Go tool stamped: a pseudo-version with the commit.
func build() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
