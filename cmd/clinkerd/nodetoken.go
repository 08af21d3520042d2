package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/nodeauth"
)

// nodeCommand is run on the machine where Temporal runs: its state folder holds what tokens are checked by.
func nodeCommand() *cobra.Command {
	node := &cobra.Command{Use: "node", Short: "The machines that take work from the Temporal that Clinker runs itself"}
	token := &cobra.Command{Use: "token", Short: "Tokens by which nodes, and the control plane elsewhere, show who they are"}
	node.AddCommand(token)
	var old bool
	revoke := tokenCommand("revoke", "Take away the tokens of a node, or of the control plane", func(cmd *cobra.Command, path string, c nodeauth.Caller) error {
		n, err := nodeauth.Revoke(path, c, old)
		if err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "%d tokens of %s were revoked\n", n, c)
		}
		return err
	})
	revoke.Flags().BoolVar(&old, "old", false, "all but the newest, once the node has that")
	token.AddCommand(revoke, tokenCommand("create", "Make a token and show it, once", func(cmd *cobra.Command, path string, c nodeauth.Caller) error {
		text, err := nodeauth.Create(path, c)
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), text)
		}
		return err
	}))
	return node
}

func tokenCommand(verb, short string, do func(*cobra.Command, string, nodeauth.Caller) error) *cobra.Command {
	var s settings
	var state string
	var control bool
	c := &cobra.Command{
		Use:   verb + " [HOST...]",
		Short: short,
		Long: short + ". HOST is the host of the node's configuration; more of them where its backends are named with others.\n" +
			"--control is for an API or a control worker on another machine. On the node, the token goes into a file of mode 0600 that\n" +
			"[temporal] api_key_file names. It is checked by " + nodeauth.FileName + " in the state folder of the machine that Temporal runs on, where this is run.",
		RunE: func(cmd *cobra.Command, hosts []string) error {
			var overrides []string
			if state != "" {
				path, err := filepath.Abs(state)
				if err != nil {
					return err
				}
				overrides = append(overrides, "CLINKER_STATE_PATH="+path)
			}
			if control == (len(hosts) > 0) {
				return usageError{fmt.Errorf("name the node's host, or say --control")}
			}
			caller := nodeauth.Caller{Control: control, Hosts: hosts}
			if _, err := nodeauth.Named(caller.String()); err != nil {
				return usageError{err}
			}
			cfg, _, err := s.load(overrides...)
			if err != nil {
				return err
			}
			return do(cmd, filepath.Join(cfg.StatePath, nodeauth.FileName), caller)
		},
	}
	s.register(c)
	c.Flags().StringVar(&state, "state-dir", "", "folder for all state, as `clinkerd up` was told (default: state_path)")
	c.Flags().BoolVar(&control, "control", false, "the control plane: it may do everything")
	return c
}
