package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func dbCommand() *cobra.Command {
	c := &cobra.Command{Use: "db", Short: "The catalogue's schema"}
	var s settings
	migrate := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the catalogue's schema up to date (`up` does it by itself)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			st, err := openStore(cmd.Context(), cfg, log, true)
			if err != nil {
				return err
			}
			defer st.Close()
			_, want, err := st.MigrationVersion(cmd.Context())
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "the catalogue is at schema version %d\n", want)
			}
			return err
		},
	}
	s.register(migrate)
	var cs settings
	check := &cobra.Command{
		Use:   "check",
		Short: "Compare the quota ledger with the rows, project by project",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := cs.load()
			if err != nil {
				return err
			}
			st, err := openStore(cmd.Context(), cfg, log, false)
			if err != nil {
				return err
			}
			defer st.Close()
			drift, err := st.CheckQuota(cmd.Context())
			if err != nil {
				return err
			}
			for _, d := range drift {
				fmt.Fprintf(cmd.OutOrStdout(), "project %s %s: the ledger says %d, the rows say %d\n", d.ProjectID, d.Resource, d.InUse, d.Rows)
			}
			if len(drift) > 0 {
				return fmt.Errorf("%d differences between the quota ledger and the rows", len(drift))
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the quota ledger equals the rows")
			return nil
		},
	}
	cs.register(check)
	c.AddCommand(migrate, check)
	return c
}
