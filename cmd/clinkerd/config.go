package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "The configuration file"}
	c.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Say what of a configuration file is used, what is accepted but not needed, and what is unknown",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := config.Check(args[0])
			if err != nil {
				return err
			}
			if _, err := report.WriteTo(cmd.OutOrStdout()); err != nil {
				return err
			}
			if report.Err() != nil {
				return errors.New("the configuration has errors")
			}
			return nil
		},
	})
	return c
}
