package main

import (
	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

// listFlags are those of lists that are fetched whole and sorted here, by a column.
func (a *app) listFlags(cmd *cobra.Command, sort *string) {
	cmd.Flags().BoolVar(&a.printer.Long, "long", false, "more columns")
	cmd.Flags().StringVar(sort, "sort", "", "order, COLUMN[:asc|desc]")
}

func (a *app) list(columns []cli.Column, objects []cli.Object, sort string) error {
	t := cli.NewTable(columns, objects)
	if err := t.SortBy(sort); err != nil {
		return err
	}
	return a.printer.List(t)
}
