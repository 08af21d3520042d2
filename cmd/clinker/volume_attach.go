package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volumeAttach() *cobra.Command {
	var w waiting
	var host, instance, mode string
	cmd := &cobra.Command{
		Use:   "attach VOLUME --host HOST",
		Short: "Attach a volume to a host that runs a host worker, and to a guest there (administrators)",
		Long: `Has the host worker of HOST (clinkerd worker host) take the volume in, and plug it into the guest that --instance names. Without an instance the
device on the host is what you get.`,
		Example: `  clinker volume attach db01 --host compute1 --wait
  clinker volume attach db01 --host compute1 --instance vm7 --mode ro`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.VolumeID(ctx, args[0], true)
			if err != nil {
				return err
			}
			flow, err := c.AttachToHost(ctx, id, host, instance, mode)
			if err != nil {
				return err
			}
			return a.finish(ctx, c, job{"volume", id, flow}, w, false)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&host, "host", "", "the host (needed)")
	f.StringVar(&instance, "instance", "", "the guest on it")
	f.StringVar(&mode, "mode", "", "rw or ro; left out, as the volume says")
	_ = cmd.MarkFlagRequired("host")
	w.flags(cmd)
	return cmd
}

func (a *app) volumeDetach() *cobra.Command {
	var w waiting
	var host string
	cmd := &cobra.Command{
		Use:               "detach VOLUME",
		Short:             "Take a volume out of the guest and off the host that \"attach\" brought it to (administrators)",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.VolumeID(ctx, args[0], true)
			if err != nil {
				return err
			}
			flow, err := c.DetachFromHost(ctx, id, host)
			if err != nil {
				return err
			}
			return a.finish(ctx, c, job{"volume", id, flow}, w, false)
		}),
	}
	cmd.Flags().StringVar(&host, "host", "", "the host, where several have the volume")
	w.flags(cmd)
	return cmd
}
