package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/cli"
)

func (a *app) backupSchedule() *cobra.Command {
	return group("schedule", "Volumes that are backed up at certain times", a.scheduleList(), a.scheduleShow(), a.scheduleCreate(), a.scheduleSet(),
		a.schedulePause("pause", "Stop backup schedules; a run that is under way goes on", true),
		a.schedulePause("unpause", "Let backup schedules go on; what was due meanwhile is not made up for", false),
		a.scheduleRun(), a.scheduleDelete(),
	)
}

func (a *app) scheduleList() *cobra.Command {
	var filter cli.ScheduleFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List backup schedules",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, c *cli.Client, _ []string) error {
			found, err := c.Schedules(ctx, filter)
			if err != nil {
				return err
			}
			return a.printer.List(cli.NewTable(cli.ScheduleColumns, found))
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&filter.All, "all-projects", false, "schedules of all projects (administrators)")
	f.StringVar(&filter.Volume, "volume", "", "only schedules of this volume, name or id")
	f.StringVar(&filter.Name, "name", "", "only schedules of this name")
	f.StringVar(&filter.Sort, "sort", "", "order, KEY[:asc|desc],... (name, volume_id, created_at, last_run_at ...)")
	f.StringVar(&filter.Marker, "marker", "", "begin after the schedule of this id")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 is all")
	f.BoolVar(&a.printer.Long, "long", false, "more columns")
	completes(cmd, "volume", a.volumeNames())
	return cmd
}

func (a *app) scheduleShow() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "show SCHEDULE",
		Short:             "Show a backup schedule, how its last run ended and when the next one is due",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.scheduleNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.ScheduleID(ctx, args[0], all)
			if err != nil {
				return err
			}
			shown, err := c.Schedule(ctx, id)
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(shown, nil))
		}),
	}
	schedulesOfAll(cmd, &all)
	return cmd
}

// scheduleFlags are those of create and set; read returns the fields of the service that were given.
func scheduleFlags(cmd *cobra.Command) (read func() cli.Object) {
	f := cmd.Flags()
	texts := map[string]*string{
		"name":        f.String("name", "", "name; the names of its backups begin with it"),
		"description": f.String("description", "", "description"),
		"cron":        f.String("cron", "", `when: "minute hour day month weekday", or @hourly, @daily, @weekly, @monthly`),
		"quiesce":     f.String("quiesce", "", "whether the guests of a volume in use are to hold still for a moment: no, required, if-possible"),
		"time-zone":   f.String("time-zone", "", "time zone of --cron and of what is kept, like Europe/Berlin (default UTC)"),
	}
	numbers := map[string]*int{
		"full-every":   f.Int("full-every", 0, "of so many backups one is full, the others add to it (default 7)"),
		"verify-every": f.Int("verify-every", 0, "read the backup of every so many runs back; 0 none"),
		"keep-last":    f.Int("keep-last", 0, "keep so many of the latest backups"),
		"keep-daily":   f.Int("keep-daily", 0, "keep the latest of each of so many days"),
		"keep-weekly":  f.Int("keep-weekly", 0, "keep the latest of each of so many weeks"),
		"keep-monthly": f.Int("keep-monthly", 0, "keep the latest of each of so many months"),
	}
	return func() cli.Object {
		fields := cli.Object{}
		for name, text := range texts {
			if cmd.Flags().Changed(name) {
				fields[strings.ReplaceAll(name, "-", "_")] = *text
			}
		}
		for name, n := range numbers {
			if cmd.Flags().Changed(name) {
				fields[strings.ReplaceAll(name, "-", "_")] = *n
			}
		}
		return fields
	}
}

func (a *app) scheduleCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create VOLUME --cron CRON",
		Short: "Have a volume backed up at certain times",
		Long: `Has a volume backed up at certain times, whether it is attached or not, and deletes those of the schedule's backups that it does not keep. Without
any --keep it keeps all. What a kept backup stands on is never deleted, and nothing is unless a new backup was made first.`,
		Example: `  clinker backup schedule create db01 --name nightly --cron "30 2 * * *" --time-zone Europe/Berlin --keep-daily 7 --keep-weekly 4
  clinker backup schedule create db01 --cron @hourly --keep-last 48 --full-every 24 --verify-every 24`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.volumeNames()),
	}
	read := scheduleFlags(cmd)
	_ = cmd.MarkFlagRequired("cron") // it is there
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		made, err := c.CreateSchedule(ctx, args[0], read())
		if err != nil {
			return err
		}
		return a.printer.Show(cli.NewRecord(made, nil))
	})
	return cmd
}

func (a *app) scheduleSet() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "set SCHEDULE",
		Short:             "Change a backup schedule",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.scheduleNames()),
	}
	read := scheduleFlags(cmd)
	schedulesOfAll(cmd, &all)
	cmd.MarkFlagsOneRequired("name", "description", "cron", "time-zone", "full-every", "verify-every", "keep-last", "keep-daily", "keep-weekly", "keep-monthly", "quiesce")
	cmd.RunE = a.run(func(ctx context.Context, c *cli.Client, args []string) error {
		id, err := c.ScheduleID(ctx, args[0], all)
		if err != nil {
			return err
		}
		return c.SetSchedule(ctx, id, read())
	})
	return cmd
}

func (a *app) schedulePause(word, short string, paused bool) *cobra.Command {
	return a.eachSchedule(word, short, func(ctx context.Context, c *cli.Client, id string) error {
		return c.SetSchedule(ctx, id, cli.Object{"paused": paused})
	})
}

func (a *app) scheduleDelete() *cobra.Command {
	return a.eachSchedule("delete", "Delete backup schedules; their backups stay", func(ctx context.Context, c *cli.Client, id string) error {
		return c.DeleteSchedule(ctx, id)
	})
}

// eachSchedule is a command that does something to each schedule that it is given.
func (a *app) eachSchedule(word, short string, do func(ctx context.Context, c *cli.Client, id string) error) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               word + " SCHEDULE...",
		Short:             short,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.scheduleNames(),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			return each(args, func(arg string) error {
				id, err := c.ScheduleID(ctx, arg, all)
				if err != nil {
					return err
				}
				return do(ctx, c, id)
			})
		}),
	}
	schedulesOfAll(cmd, &all)
	return cmd
}

func (a *app) scheduleRun() *cobra.Command {
	var all bool
	var w waiting
	cmd := &cobra.Command{
		Use:               "run SCHEDULE",
		Short:             "Run a backup schedule at once, paused or not",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(a.scheduleNames()),
		RunE: a.run(func(ctx context.Context, c *cli.Client, args []string) error {
			id, err := c.ScheduleID(ctx, args[0], all)
			if err != nil {
				return err
			}
			flow, err := c.RunSchedule(ctx, id)
			if err != nil {
				return err
			}
			if err := a.finish(ctx, c, job{kind: "backup schedule", id: id, flow: flow}, w, false); err != nil {
				return err
			}
			shown, err := c.Schedule(ctx, id)
			if err != nil {
				return err
			}
			return a.printer.Show(cli.NewRecord(shown, nil).WithFlow(flow))
		}),
	}
	schedulesOfAll(cmd, &all)
	w.flags(cmd)
	return cmd
}

func schedulesOfAll(cmd *cobra.Command, all *bool) {
	cmd.Flags().BoolVar(all, "all-projects", false, "find schedules of all projects by name (administrators)")
}

func (a *app) scheduleNames() completion {
	return a.names(func(ctx context.Context, c *cli.Client) ([]cli.Object, error) {
		return c.Schedules(ctx, cli.ScheduleFilter{Limit: 1000})
	})
}
