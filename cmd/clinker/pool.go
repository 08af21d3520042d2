package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) pool() *cobra.Command {
	var detail bool
	var sort string
	list := &cobra.Command{
		Use:   "list",
		Short: "List pools",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			detail = detail || a.printer.Long
			pools, err := c.Pools(ctx, detail)
			if err != nil {
				return err
			}
			columns := cli.PoolColumns
			if detail {
				columns = cli.PoolDetailColumns
			}
			return a.list(columns, pools, sort)
		}),
	}
	list.Flags().BoolVar(&detail, "detail", false, "with backend and capacity (GiB)")
	a.listFlags(list, &sort)
	return group("pool", "Places where volumes can go (administrators)", list)
}
