package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	got, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return got
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ cron, zone, now, want string }{
		{"*/15 * * * *", "UTC", "2026-11-27T07:14:59Z", "2026-11-27T07:15:00Z"},
		{"*/15 * * * *", "UTC", "2026-11-27T07:15:00Z", "2026-11-27T07:30:00Z"},
		{"@daily", "UTC", "2026-11-27T07:15:00Z", "2026-11-28T00:00:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-11-27T00:00:00Z", "2026-11-27T01:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-07-01T12:00:00Z", "2026-07-02T00:30:00Z"},
		// 2:30 does not exist on the day that summer time begins.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
		{"0 3 * * mon-fri", "UTC", "2026-11-27T03:00:00Z", "2026-11-30T03:00:00Z"},
		{"0 0 29 2 *", "UTC", "2026-11-27T03:00:00Z", "2028-02-29T00:00:00Z"},
		{"  0   4 1 * * ", "Asia/Kathmandu", "2026-11-27T03:00:00Z", "2026-11-30T22:15:00Z"},
	} {
		times, err := Parse(c.cron, c.zone)
		require.NoError(t, err, c.cron)
		require.Equal(t, at(t, c.want), times.Next(at(t, c.now)), "%s in %s", c.cron, c.zone)
	}
}

func TestLatest(t *testing.T) {
	times, err := Parse("0 */6 * * *", "UTC")
	require.NoError(t, err)
	due := at(t, "2026-11-20T06:00:00Z")
	require.Equal(t, due, times.Latest(due, due.Add(time.Second)))
	require.Equal(t, due, times.Latest(due, due.Add(6*time.Hour-time.Nanosecond)))
	require.Equal(t, at(t, "2026-11-21T12:00:00Z"), times.Latest(due, at(t, "2026-11-21T12:00:01Z")), "a day and a half was missed")
}

func TestGap(t *testing.T) {
	for cron, want := range map[string]time.Duration{
		"* * * * *": time.Minute, "@daily": 24 * time.Hour, "0 3 * * mon-fri": 72 * time.Hour, "0 3 1 * *": 31 * 24 * time.Hour, "0 9,17 * * *": 16 * time.Hour,
	} {
		times, err := Parse(cron, "UTC")
		require.NoError(t, err)
		require.Equal(t, want, times.Gap(at(t, "2026-11-27T07:14:59Z")), cron)
	}
}

func TestParseRefuses(t *testing.T) {
	for cron, why := range map[string]string{
		"": "five fields", "0 2 * *": "five fields", "0 0 2 * * *": "five fields", "@every 1h": "five fields", "@reboot": "five fields",
		"60 * * * *": "not valid", "* * * * 8": "not valid", "0 2 ? * *": "five fields", "0 2 L * *": "five fields", "a b c d e": "not valid",
		"0 2 1 * mon": "one of the two", "0 0 31 2 *": "never due", "TZ=UTC 0 2 * *": "five fields",
	} {
		_, err := Parse(cron, "UTC")
		require.ErrorIs(t, err, models.ErrInvalid, cron)
		require.ErrorContains(t, err, why, cron)
	}
	for _, zone := range []string{"", "Local", "Europe/Atlantis", "../etc/passwd"} {
		_, err := Parse("@daily", zone)
		require.ErrorIs(t, err, models.ErrInvalid, zone)
	}
}

// Whatever an expression says, it is refused, or due again and again, each time later.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"*/15 * * * *", "@daily", "0 3 * * mon-fri", "0 0 29 2 *", "0 0 31 2 *", "TZ=UTC 0 0 * * *", "59-1 * * * *", "* * * * 7", "0-59/0 * * * *", "1,2,3-5/99999999999999999999 * * * *"} {
		f.Add(text, "Europe/Berlin")
	}
	f.Add("0 0 * * *", "../../etc/passwd")
	f.Add("0 0 * * *", "/etc/localtime")
	now := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text, zone string) {
		times, err := Parse(text, zone)
		if err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
			return
		}
		next := times.Next(now)
		require.True(t, next.After(now), "%s", next)
		require.True(t, times.Next(next).After(next))
		require.Positive(t, times.Gap(now))
		require.Equal(t, next, times.Latest(next, next))
	})
}
