package schedule

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // storage nodes and containers need not have it

	"github.com/robfig/cron/v3"

	"github.com/clinker-storage/clinker/models"
)

// Times are when a schedule is due.
type Times struct {
	spec cron.Schedule
	zone *time.Location
}

// short are words for five fields.
var short = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// Fields are the five fields of a cron expression, with words like @daily spelled out.
func Fields(expression string) string {
	expression = strings.Join(strings.Fields(expression), " ")
	if long, ok := short[strings.ToLower(expression)]; ok {
		return long
	}
	return expression
}

// Parse reads a cron expression and an IANA time zone; models.ErrInvalid says what is wrong with them. Whoever keeps the time must read the
// expression as we do, so what cron and Temporal read differently is refused.
func Parse(expression, zone string) (Times, error) {
	fail := func(format string, args ...any) (Times, error) {
		return Times{}, fmt.Errorf("%w: %s", models.ErrInvalid, fmt.Sprintf(format, args...))
	}
	where, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return fail("time zone %q is not known; it must be a name like UTC or Europe/Berlin", zone)
	}
	text := Fields(expression)
	fields := strings.Fields(text)
	if len(fields) != 5 || strings.ContainsAny(text, "?#LW@=") {
		return fail("cron %q is not valid; it must have five fields (minute, hour, day, month, weekday), or be @hourly, @daily, @weekly, @monthly or @yearly", expression)
	}
	if fields[2] != "*" && fields[4] != "*" {
		return fail("cron %q names days of the month and of the week; name one of the two", expression)
	}
	spec, err := cron.ParseStandard(text)
	if err != nil {
		return fail("cron %q is not valid: %s", expression, err)
	}
	t := Times{spec, where}
	if t.Next(time.Unix(0, 0)).IsZero() {
		return fail("cron %q is never due", expression)
	}
	return t, nil
}

// Next is the first time after now that the schedule is due.
func (t Times) Next(now time.Time) time.Time {
	next := t.spec.Next(now.In(t.zone))
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// gaps are how many of them Gap looks at: a week of working days has its weekend, and a year of months its long ones.
const gaps = 12

// Gap is the longest time between two times that the schedule is due, from now on.
func (t Times) Gap(now time.Time) time.Duration {
	var longest time.Duration
	due := t.Next(now)
	for range gaps {
		next := t.Next(due)
		longest, due = max(longest, next.Sub(due)), next
	}
	return longest
}

// Latest is the last time that the schedule was due between a time that it was and now: of runs that were missed one is made up for.
func (t Times) Latest(due, now time.Time) time.Time {
	for next := t.Next(due); !next.IsZero() && !next.After(now); next = t.Next(next) {
		due = next
	}
	return due
}
