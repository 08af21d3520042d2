package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/policy"
)

// policyLook is how often files of rules are looked at for a change; SIGHUP looks at once.
const policyLook = 10 * time.Second

// loadPolicy returns the rules that the configuration names, which follow their files until ctx ends.
func loadPolicy(ctx context.Context, cfg *config.Config, log *slog.Logger) (*policy.Enforcer, error) {
	file, dirs := policyFiles(cfg)
	e, err := policy.NewEnforcer(file, dirs...)
	if err != nil {
		return nil, fmt.Errorf("the policy: %w", err)
	}
	wake := make(chan os.Signal, 1)
	signal.Notify(wake, syscall.SIGHUP)
	go func() {
		defer signal.Stop(wake)
		e.Watch(ctx, policyLook, wake, func(err error) {
			if err != nil {
				log.Error("the policy's files can't be used; the rules before them hold", "error", err.Error())
				return
			}
			log.Info("the policy's files have changed; their rules hold now")
		})
	}()
	return e, nil
}

// policyFiles are where policy_file and policy_dirs point to. Without a configuration file a relative name has nothing to
// start from, and a file that happens to lie in the current folder must not decide who may do what.
func policyFiles(cfg *config.Config) (file string, dirs []string) {
	at := func(name string) string {
		switch {
		case name == "" || filepath.IsAbs(name):
			return name
		case cfg.File == "":
			return ""
		}
		return filepath.Join(filepath.Dir(cfg.File), name)
	}
	for _, d := range cfg.API.PolicyDirs {
		if d = at(d); d != "" {
			dirs = append(dirs, d)
		}
	}
	return at(cfg.API.PolicyFile), dirs
}

func policyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Who may do what"}
	var s settings
	list := &cobra.Command{
		Use:   "list",
		Short: "List every operation with the rule that holds, and where it stands",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := s.load()
			if err != nil {
				return err
			}
			file, dirs := policyFiles(cfg)
			files, err := policy.Files(file, dirs...)
			if err != nil {
				return err
			}
			rules, err := policy.Load(files...)
			if err != nil {
				return err
			}
			return listRules(cmd.OutOrStdout(), rules)
		},
	}
	s.register(list)
	c.AddCommand(list, &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with files of rules, which are read in order over the defaults",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			_, err := policy.Load(files...)
			var problems policy.Problems
			if errors.As(err, &problems) {
				fmt.Fprintln(cmd.OutOrStdout(), problems.Error())
				return fmt.Errorf("%d things are wrong with the policy", len(problems))
			}
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "the policy is right")
			}
			return err
		},
	})
	return c
}

func listRules(w io.Writer, rules *policy.Rules) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "OPERATION\tRULE\tFROM")
	for _, o := range policy.Table() {
		text, where := rules.Text(o.Name)
		if where == "" {
			where = "default"
		}
		if text == "" {
			text = "@"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", o.Name, text, where)
	}
	return t.Flush()
}
