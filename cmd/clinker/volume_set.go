package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) volumeSet() *cobra.Command {
	var name, description string
	var properties cli.Properties
	var bootable, notBootable, readOnly, readWrite, all bool
	cmd := &cobra.Command{
		Use:               "set VOLUME",
		Short:             "Change a volume",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "new name")
	f.StringVar(&description, "description", "", "new description")
	f.Var(&properties, "property", "property to add or change; may be repeated")
	f.BoolVar(&bootable, "bootable", false, "mark as bootable")
	f.BoolVar(&notBootable, "non-bootable", false, "mark as not bootable")
	f.BoolVar(&readOnly, "read-only", false, "mark as read-only")
	f.BoolVar(&readWrite, "read-write", false, "mark as writable")
	allProjects(cmd, &all)
	cmd.MarkFlagsMutuallyExclusive("bootable", "non-bootable")
	cmd.MarkFlagsMutuallyExclusive("read-only", "read-write")
	cmd.MarkFlagsOneRequired("name", "description", "property", "bootable", "non-bootable", "read-only", "read-write")
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.VolumeID(ctx, args[0], all)
		if err != nil {
			return err
		}
		if err := c.SetVolume(ctx, id, given(cmd, "name", "description"), properties); err != nil {
			return err
		}
		if bootable || notBootable {
			if err := c.SetBootable(ctx, id, bootable); err != nil {
				return err
			}
		}
		if readOnly || readWrite {
			return c.SetReadOnly(ctx, id, readOnly)
		}
		return nil
	})
	return cmd
}

// given are the string flags that were on the command line, by name: an empty value is a value too.
func given(cmd *cobra.Command, flags ...string) cli.Object {
	fields := cli.Object{}
	for _, flag := range flags {
		if f := cmd.Flags().Lookup(flag); f.Changed {
			fields[flag] = f.Value.String()
		}
	}
	return fields
}

func (a *app) volumeUnset() *cobra.Command {
	var properties []string
	var all bool
	cmd := &cobra.Command{
		Use:               "unset VOLUME",
		Short:             "Remove properties of a volume",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.VolumeID(ctx, args[0], all)
			if err != nil {
				return err
			}
			return c.UnsetVolume(ctx, id, properties)
		}),
	}
	cmd.Flags().StringArrayVar(&properties, "property", nil, "key of the property; may be repeated")
	allProjects(cmd, &all)
	cmd.MarkFlagsOneRequired("property")
	return cmd
}

func (a *app) volumeResetStatus() *cobra.Command {
	var status, attach string
	var all bool
	cmd := &cobra.Command{
		Use:   "reset-status VOLUME...",
		Short: "Overwrite the recorded status of volumes (administrators)",
		Long: `Overwrite what the catalogue says of volumes' status. Nothing is done to their data, and nothing checks
that the new status is true: it is for volumes that you have looked at yourself.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.volumeNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			if status == "" && attach == "" {
				status = "available"
			}
			return each(args, func(arg string) error {
				id, err := c.VolumeID(ctx, arg, all)
				if err != nil {
					return err
				}
				return c.ResetStatus(ctx, id, status, attach)
			})
		}),
	}
	cmd.Flags().StringVar(&status, "status", "", "status to record (available, if no --attach-status is given either)")
	cmd.Flags().StringVar(&attach, "attach-status", "", "attach status to record: attached or detached")
	allProjects(cmd, &all)
	return cmd
}
