package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// halfDown reports a pool that can be read and not written.
type halfDown struct{ *fake.Driver }

func (h halfDown) Stats(ctx context.Context) ([]drivers.PoolStats, error) {
	pools, err := h.Driver.Stats(ctx)
	pools[0].BackendState, pools[0].BackendError = "down", "read-only file system"
	return pools, err
}

func TestGatherStats(t *testing.T) {
	broken := fake.New(fake.Options{})
	broken.Plan(fake.Fault{Op: "Stats", Err: &drivers.Error{Op: "stats", Driver: "fake", Err: drivers.ErrUnavailable, Hint: "plug it in"}})
	for name, test := range map[string]struct {
		driver       drivers.Driver
		state, error string
		pools        int
	}{
		"healthy":  {fake.New(fake.Options{}), "up", "", 1},
		"broken":   {broken, "down", "fake: stats: the backend is not available; hint: plug it in", 0},
		"readonly": {halfDown{fake.New(fake.Options{})}, "down", "read-only file system", 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := (&Stats{Driver: test.driver, AvailabilityZone: "nova"}).GatherStats(ctx)
			require.NoError(t, err, "a broken backend is a report too")
			require.Equal(t, []string{test.state, test.error, "nova"}, []string{r.State, r.Error, r.AvailabilityZone})
			require.Len(t, r.Pools, test.pools)
			require.WithinDuration(t, time.Now(), r.GatheredAt, time.Minute)
		})
	}
}

// A busy backend is slow to report: its node lives all the same. One that never answers is down, and comes back.
func TestGatherStatsOfASlowBackend(t *testing.T) {
	d := fake.New(fake.Options{})
	d.Plan(fake.Fault{Op: "Stats", Nth: 1, Delay: 2 * time.Second})
	s := &Stats{Driver: d, patience: 50 * time.Millisecond, hung: 200 * time.Millisecond}
	begun := time.Now()
	r, err := s.GatherStats(ctx)
	require.NoError(t, err)
	require.Equal(t, "up", r.State)
	require.Empty(t, r.Pools)
	require.WithinRange(t, r.GatheredAt, begun, time.Now(), "a sign of life of now")

	require.Eventually(t, func() bool {
		r, err := s.GatherStats(ctx)
		return err == nil && r.State == "down" && r.Pools == nil
	}, 20*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		r, err := s.GatherStats(ctx)
		return err == nil && r.State == "up" && len(r.Pools) == 1 && r.GatheredAt.After(begun)
	}, 20*time.Second, time.Millisecond)
	require.LessOrEqual(t, d.Calls("Stats"), 2, "one question at a time")

	d.Plan(fake.Fault{Op: "Stats", Nth: 1, Delay: 100 * time.Millisecond})
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.GatherStats(gone)
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool { // the question outlasts whoever asked it
		r, err := s.GatherStats(ctx)
		return err == nil && len(r.Pools) == 1
	}, 20*time.Second, time.Millisecond)
}

// finder lists workers, or hangs until its caller has waited enough.
type finder struct {
	names []string
	data  []string
	hangs bool
}

func (f finder) DataHosts(ctx context.Context) ([]string, error) {
	if f.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return f.data, nil
}

func (f finder) Backends(ctx context.Context) ([]string, error) {
	if f.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return f.names, nil
}

func TestFindBackends(t *testing.T) {
	c := newCatalogue(t)
	for name, test := range map[string]struct {
		known  []string
		finder finder
		want   []string
	}{
		"known and found": {[]string{"n1@a"}, finder{names: []string{"n2@b", "n1@a", "n2@b"}}, []string{"n1@a", "n2@b"}},
		"known alone":     {[]string{"n1@a"}, finder{hangs: true}, []string{"n1@a"}},
		"none":            {nil, finder{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			out, err := (&Services{Store: c.Store, Finder: test.finder, Host: "ctl", Zone: "nova", Known: test.known}).FindBackends(ctx)
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, out.Names)
			require.Less(t, time.Since(begun), time.Second, "a local activity has no more")
		})
	}
	up, err := c.Store.ListServices(ctx, models.BinaryScheduler, "ctl")
	require.NoError(t, err)
	require.Len(t, up, 1, "it shows itself as a service")
}

// Data workers tell nothing but that they live.
func TestDataWorkersAreServices(t *testing.T) {
	c := newCatalogue(t)
	for _, f := range []finder{{data: []string{"n2", "n3", "n2"}}, {hangs: true}} {
		_, err := (&Services{Store: c.Store, Finder: f, Host: "ctl", Zone: "nova", KnownData: []string{"n1"}}).FindBackends(ctx)
		require.NoError(t, err)
	}
	up, err := c.Store.ListServices(ctx, models.BinaryBackup, "")
	require.NoError(t, err)
	require.Len(t, up, 3)
	require.Equal(t, []string{"n1", "n2", "n3"}, []string{up[0].Host, up[1].Host, up[2].Host})
	require.True(t, up[0].UpdatedAt.After(up[1].UpdatedAt), "the one of this process is always seen")
}

// deaf is a catalogue that takes no sign of life.
type deaf struct{ ServiceStore }

func (deaf) Heartbeat(context.Context, models.Service) error { return errors.New("down") }

func TestServicesWithoutACatalogue(t *testing.T) {
	s := &Services{Store: deaf{}, Finder: finder{}}
	_, err := s.FindBackends(ctx)
	require.Equal(t, flow.ErrUnavailable, class(t, err))
	require.Equal(t, flow.ErrUnavailable, class(t, s.SaveReport(ctx, flow.SaveReportInput{})))
}

func TestSaveReport(t *testing.T) {
	c := newCatalogue(t)
	c.report(t, pool, models.PoolStats{Total: gib(7), Free: gib(7)})
	require.NoError(t, (&Services{Store: c.Store}).SaveReport(ctx, flow.SaveReportInput{
		Backend: "n1@a", Report: flow.BackendReport{State: "down", Error: "unplugged", GatheredAt: time.Now()},
	}))
	s, err := c.Store.ListServices(ctx, models.BinaryVolume, "n1@a")
	require.NoError(t, err)
	require.Equal(t, []string{"down", "unplugged"}, []string{s[0].BackendState, s[0].BackendError})
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	require.Len(t, views, 2, "a backend that can't be asked keeps its pools")
	require.InDelta(t, 7, views[0].Stats.Total.GiB, 0)
	require.False(t, views[0].ServiceUp)
}
