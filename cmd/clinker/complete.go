package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

// completionTime bounds what a press of the tabulator waits for.
const completionTime = 3 * time.Second

type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// names completes with the names that list finds. Nothing is said when that fails: the shell has no place for it.
func (a *app) names(list func(ctx context.Context, c *cli.Client) ([]cli.Object, error)) completion {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, completionTime)
		defer cancel()
		c, err := a.connect(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		objects, err := list(ctx, c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var found []string
		for _, o := range objects {
			name := cli.Text(o["name"])
			if name == "" {
				name = cli.Text(o["id"])
			}
			if strings.HasPrefix(name, prefix) {
				found = append(found, name)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// volumeNames completes volumes: one page of them, the newest.
func (a *app) volumeNames() completion {
	return a.names(func(ctx context.Context, c *cli.Client) ([]cli.Object, error) {
		return c.Volumes(ctx, cli.VolumeFilter{Limit: 1000})
	})
}

// snapshotNames completes snapshots: one page of them, the newest.
func (a *app) snapshotNames() completion {
	return a.names(func(ctx context.Context, c *cli.Client) ([]cli.Object, error) {
		return c.Snapshots(ctx, cli.SnapshotFilter{Limit: 1000})
	})
}

// backupNames completes backups: one page of them, the newest.
func (a *app) backupNames() completion {
	return a.names(func(ctx context.Context, c *cli.Client) ([]cli.Object, error) {
		return c.Backups(ctx, cli.BackupFilter{Limit: 1000})
	})
}

func (a *app) typeNames() completion {
	return a.names(func(ctx context.Context, c *cli.Client) ([]cli.Object, error) { return c.Types(ctx, "") })
}

// firstOnly completes the first argument and nothing after it.
func firstOnly(f completion) completion {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, prefix)
	}
}

// completes gives a flag its completion.
func completes(cmd *cobra.Command, flag string, f completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the flag's name is misspelt here
	}
}
