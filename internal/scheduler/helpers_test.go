package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// thick is a healthy pool of 100 GiB, half of it free.
func thick(name string) Pool {
	return Pool{
		Name: name, Up: true, AvailabilityZone: "nova", Thick: true, MaxOverSubscriptionRatio: 1,
		Total: GiB(100), Free: GiB(50), Capabilities: map[string]any{"volume_backend_name": "lvm"},
	}
}

// with changes a pool.
func with(p Pool, change func(*Pool)) Pool {
	change(&p)
	return p
}

func scheduler(t testing.TB, opts Options) *Scheduler {
	t.Helper()
	s, err := New(opts)
	require.NoError(t, err)
	return s
}

// placeOne gives the refusal of the only pool, or "" when it is a candidate.
func placeOne(t *testing.T, filter string, req Request, p Pool) string {
	t.Helper()
	d, err := scheduler(t, Options{Filters: []string{filter}}).Place(req, []Pool{p})
	require.NoError(t, err)
	require.Len(t, append(order(d), refusedNames(d)...), 1)
	if len(d.Refused) == 0 {
		return ""
	}
	why := d.Refused[0].Reason
	if d.Refused[0].Detail != "" {
		why += " (" + d.Refused[0].Detail + ")"
	}
	return why
}

func order(d Decision) []string {
	out := []string{}
	for _, c := range d.Candidates {
		out = append(out, c.Pool)
	}
	return out
}

func refusedNames(d Decision) []string {
	out := []string{}
	for _, r := range d.Refused {
		out = append(out, r.Pool)
	}
	return out
}
