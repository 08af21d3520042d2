package activities

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

func castInput(in flow.VolumeCreateInput, spec flow.VolumeSpec) flow.VolumeCastInput {
	return flow.VolumeCastInput{Header: in.Header, Spec: spec, Hints: in.Hints, MaxAttempts: in.MaxAttempts}
}

func TestVolumeCast(t *testing.T) {
	c := newCatalogue(t)
	c.report(t, other, models.PoolStats{Total: gib(100), Free: gib(90), ThickProvisioning: true})
	in := createRequest(30)
	cast := castInput(in, c.entered(t, in))
	for range 2 {
		out, err := c.VolumeCast(ctx, cast)
		require.NoError(t, err)
		require.Equal(t, flow.VolumeCastResult{
			Pool: pool, Candidates: []string{pool, other}, StorageName: "volume-" + in.ResourceID, Refused: out.Refused,
		}, out, "its own claim does not push it away when it asks again")
	}
	v, err := c.Store.GetVolume(ctx, "", in.ResourceID)
	require.NoError(t, err)
	require.Equal(t, pool, v.Host)

	second := createRequest(30)
	out, err := c.VolumeCast(ctx, castInput(second, c.entered(t, second)))
	require.NoError(t, err)
	require.Equal(t, other, out.Pool, "the first one's claim counts at once")

	cast.Attempted = []string{pool}
	out, err = c.VolumeCast(ctx, cast)
	require.NoError(t, err)
	require.Equal(t, other, out.Pool)
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	require.Zero(t, views[0].ClaimedGiB, "the claim moved with it")
	require.Equal(t, int64(60), views[1].ClaimedGiB)
}

func TestVolumeCastRefused(t *testing.T) {
	small := models.PoolStats{Total: gib(20), Free: gib(3), ProvisionedGiB: 17, ThickProvisioning: true}
	for name, test := range map[string]struct {
		prepare func(*testing.T, *catalogue)
		kind    flow.ErrorType
		says    []string
		never   string
	}{
		"too small": {
			func(t *testing.T, c *catalogue) { c.report(t, pool, small); c.report(t, other, small) },
			flow.ErrNoBackend,
			[]string{"No storage could be allocated for this volume request: 2 pools refused by CapacityFilter", pool, "3 GiB left"},
			"",
		},
		"down": {
			func(t *testing.T, c *catalogue) {
				c.report(t, other, small)
				c.reportAs(t, pool, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true},
					flow.BackendReport{State: "down", Error: "read-only" + hintMark + "mount /srv/secret again"})
			},
			flow.ErrBackendDown,
			[]string{"service is down", "read-only"},
			"/srv/secret",
		},
		"down, and too small": {
			func(t *testing.T, c *catalogue) {
				c.report(t, other, small)
				c.reportAs(t, pool, small, flow.BackendReport{State: "down", Error: "read-only"})
			},
			flow.ErrNoBackend,
			[]string{"service is down"},
			"",
		},
		"disabled": {
			func(t *testing.T, c *catalogue) {
				for _, host := range []string{"n1@a", "n2@b"} {
					_, err := c.Store.SetServiceDisabled(ctx, models.BinaryVolume, host, true, "moving house")
					require.NoError(t, err)
				}
			},
			flow.ErrNoBackend,
			[]string{"service is disabled"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCatalogue(t)
			in := createRequest(10)
			cast := castInput(in, c.entered(t, in))
			test.prepare(t, c)
			_, err := c.VolumeCast(ctx, cast)
			require.Equal(t, test.kind, class(t, err))
			fe := wire.Parse(err)
			for _, says := range test.says {
				require.Contains(t, fe.Message, says)
			}
			require.NotEmpty(t, fe.Hint)
			if test.never != "" {
				require.NotContains(t, fe.Message, test.never, "a path is for operators")
			}
			v, err := c.Store.GetVolume(ctx, "", in.ResourceID)
			require.NoError(t, err)
			require.Empty(t, v.Host)
		})
	}
	t.Run("no pool at all", func(t *testing.T) {
		sched, err := scheduler.New(scheduler.Options{})
		require.NoError(t, err)
		p := Placement{Store: onePlace{}, Scheduler: sched}
		_, err = p.VolumeCast(ctx, flow.VolumeCastInput{Spec: flow.VolumeSpec{Volume: models.Volume{SizeGiB: 1}}})
		require.Equal(t, flow.ErrNoBackend, class(t, err))
		require.Contains(t, wire.Parse(err).Message, "no pool is known")
	})
	t.Run("a volume that is gone", func(t *testing.T) {
		c := newCatalogue(t)
		_, err := c.VolumeCast(ctx, flow.VolumeCastInput{Header: request(flow.VolumeCreate, "v"), Spec: flow.VolumeSpec{Volume: models.Volume{ID: "v", SizeGiB: 1}}})
		require.Equal(t, flow.ErrNotFound, class(t, err))
	})
	t.Run("a query that is no query", func(t *testing.T) {
		c := newCatalogue(t)
		sched, err := scheduler.New(scheduler.Options{Filters: []string{"JsonFilter"}})
		require.NoError(t, err)
		c.Placement.Scheduler = sched
		in := createRequest(10)
		cast := castInput(in, c.entered(t, in))
		cast.Hints.Query = "["
		_, err = c.VolumeCast(ctx, cast)
		require.Equal(t, flow.ErrInvalid, class(t, err))
	})
}

// A backend that is down is waited for: the local attempt makes room for an activity that people can see, which is tried
// again until the time is over.
func TestVolumeCastWaitsForABackend(t *testing.T) {
	c := newCatalogue(t)
	roomy := models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true}
	in := createRequest(10)
	cast := castInput(in, c.entered(t, in))
	c.report(t, other, models.PoolStats{Total: gib(20), Free: gib(3), ThickProvisioning: true})
	c.reportAs(t, pool, roomy, flow.BackendReport{State: "down", Error: "read-only"})
	for name, test := range map[string]struct {
		patience time.Duration
		local    bool
		waits    bool
	}{
		"at once":                 {time.Hour, true, true},
		"while there is time":     {time.Hour, false, true},
		"when time is over":       {time.Nanosecond, false, false},
		"with no wait asked for":  {0, false, false},
		"nor in the first place":  {0, true, false},
		"the first is never late": {time.Nanosecond, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.BackendWait = test.patience
			err := castAsActivity(c, cast, test.local)
			require.Equal(t, flow.ErrBackendDown, wire.Parse(err).Type)
			require.Equal(t, !test.waits, wire.Final(err))
			fe := wire.Parse(err)
			require.Contains(t, fe.Message, "service is down")
			require.Contains(t, fe.Message+fe.Hint, "backend n1@a")
			require.Equal(t, test.waits, strings.HasPrefix(fe.Message, "waiting for backend n1@a to be up again: "), fe.Message)
		})
	}
	c.BackendWait = time.Hour
	c.report(t, pool, roomy)
	require.NoError(t, castAsActivity(c, cast, false))

	c.report(t, pool, models.PoolStats{Total: gib(20), Free: gib(3), ThickProvisioning: true})
	err := castAsActivity(c, cast, false)
	require.Equal(t, flow.ErrNoBackend, class(t, err))
	require.True(t, wire.Final(err), "time does not mend a pool that is too small")
}

func castAsActivity(c *catalogue, in flow.VolumeCastInput, local bool) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	if local {
		_, err := env.ExecuteLocalActivity(c.VolumeCast, in)
		return err
	}
	env.RegisterActivity(c.VolumeCast)
	_, err := env.ExecuteActivity(c.VolumeCast, in)
	return err
}

// A refusal that the next report may end is tried again until it comes, or the time is over. That of a pool that is full for certain is not.
func TestVolumeCastWaitsForAReport(t *testing.T) {
	c := newCatalogue(t)
	c.BackendWait = time.Hour
	small := func(free float64) models.PoolStats {
		return models.PoolStats{Total: gib(20), Free: gib(free), ProvisionedGiB: 20 - free, AllocatedGiB: 20 - free, ThickProvisioning: true}
	}
	c.report(t, other, small(0))
	c.report(t, pool, small(20))
	first, second := createRequest(10), createRequest(10)
	_, err := c.VolumeCast(ctx, castInput(first, c.entered(t, first)))
	require.NoError(t, err)
	cast := castInput(second, c.entered(t, second))
	c.report(t, pool, small(10)) // gathered while the first is made: it has been counted, who knows
	for _, local := range []bool{true, false} {
		err = castAsActivity(c, cast, local)
		fe := wire.Parse(err)
		require.Equal(t, flow.ErrNoBackend, fe.Type)
		require.False(t, wire.Final(err))
		require.Contains(t, fe.Message, "waiting for the next report of n1@a: No storage could be allocated")
		require.NotEmpty(t, fe.Hint)
	}
	c.BackendWait = time.Nanosecond
	err = castAsActivity(c, cast, false)
	require.True(t, wire.Final(err), "the time is over")
	require.NotContains(t, wire.Parse(err).Message, "waiting")
	c.BackendWait = time.Hour

	tooLarge := cast
	tooLarge.Spec.Volume.SizeGiB = 11
	err = castAsActivity(c, tooLarge, true)
	require.True(t, wire.Final(err), "no report will make room for it")

	named := small(10)
	named.Making = []string{first.FlowID}
	c.report(t, pool, named)
	require.NoError(t, castAsActivity(c, cast, false), "the report says that the first is in it")

	third := createRequest(10)
	cast = castInput(third, c.entered(t, third))
	c.report(t, pool, small(10))
	require.False(t, wire.Final(castAsActivity(c, cast, false)), "the second may be in the report, or not")
	require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: first.Header, Host: pool}))
	require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: second.Header, Host: pool}))
	c.report(t, pool, small(0))
	err = castAsActivity(c, cast, false)
	require.Equal(t, flow.ErrNoBackend, class(t, err))
	require.True(t, wire.Final(err), "it is")

	v, err := c.Store.GetVolume(ctx, "", first.ResourceID)
	require.NoError(t, err)
	snap := snapshotRequest(v)
	spec := c.enterSnapshot(t, snap)
	c.report(t, pool, small(10))
	fourth := createRequest(10)
	_, err = c.VolumeCast(ctx, castInput(fourth, c.entered(t, fourth)))
	require.NoError(t, err)
	c.report(t, pool, small(10))
	var suite testsuite.WorkflowTestSuite
	_, err = suite.NewTestActivityEnvironment().ExecuteLocalActivity(c.SnapshotCast, flow.SnapshotCastInput{Header: snap.Header, Spec: spec})
	require.False(t, wire.Final(err))
	require.Contains(t, wire.Parse(err).Message, "waiting for the next report of n1@a: there is no room for a snapshot")
}

// onePlace calls place as often as it is told, as a transaction that was given up and begun anew does.
type onePlace struct {
	PlacementStore
	views []models.PoolView
	again int
}

func (o onePlace) PlaceEntry(_ context.Context, _, _ string, _ int64, place func([]models.PoolView) (string, error)) (pool string, err error) {
	for range o.again + 1 {
		pool, err = place(o.views)
	}
	return pool, err
}

func TestAPlacementThatIsBegunAnewNamesEachCandidateOnce(t *testing.T) {
	sched, err := scheduler.New(scheduler.Options{Weighers: []string{"ChanceWeigher"}})
	require.NoError(t, err)
	var views []models.PoolView
	for _, name := range strings.Fields("n1@a#p n2@a#p n3@a#p n4@a#p n5@a#p n6@a#p") {
		views = append(views, models.PoolView{
			Pool: models.Pool{Name: name, Stats: models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true}}, ServiceUp: true,
		})
	}
	cast := func(flowID string, again int) []string {
		p := Placement{Store: onePlace{views: views, again: again}, Scheduler: sched}
		out, err := p.VolumeCast(ctx, flow.VolumeCastInput{
			Header: flow.Header{FlowID: flowID}, Spec: flow.VolumeSpec{Volume: models.Volume{SizeGiB: 1}}, MaxAttempts: 6,
		})
		require.NoError(t, err)
		return out.Candidates
	}
	first := cast("flow-1", 0)
	require.Len(t, first, 6)
	require.Equal(t, first, cast("flow-1", 2), "the draw of a flow is the same each time")
	drawn := map[string]bool{}
	for range 20 {
		drawn[cast(uuid.NewString(), 0)[0]] = true
	}
	require.Greater(t, len(drawn), 1, "another flow draws for itself")
}

// A volume that begins as a backup goes where a data worker can restore it, as long as there is room.
func TestVolumeFromBackupGoesToADataWorker(t *testing.T) {
	sched, err := scheduler.New(scheduler.Options{})
	require.NoError(t, err)
	views := []models.PoolView{
		{Pool: models.Pool{Name: "n1@a#p", Stats: models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true}}, ServiceUp: true},
		{Pool: models.Pool{Name: "n2@a#p", Stats: models.PoolStats{Total: gib(50), Free: gib(50), ThickProvisioning: true}}, ServiceUp: true},
	}
	for name, test := range map[string]struct {
		live   dataWorkers
		gib    int64
		backup *flow.StoredBackup
		want   []string
	}{
		"the served one only":    {dataWorkers{"n2": 0}, 1, &flow.StoredBackup{}, []string{"n2@a#p"}},
		"both are":               {dataWorkers{"n1": 0, "n2": 0}, 1, &flow.StoredBackup{}, []string{"n1@a#p", "n2@a#p"}},
		"without room there":     {dataWorkers{"n2": 0}, 80, &flow.StoredBackup{}, []string{"n1@a#p"}},
		"none is":                {dataWorkers{"n2": time.Hour}, 1, &flow.StoredBackup{}, []string{"n1@a#p", "n2@a#p"}},
		"a blank one is no case": {dataWorkers{"n2": 0}, 1, nil, []string{"n1@a#p", "n2@a#p"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := Placement{Store: onePlace{views: views}, Scheduler: sched, Data: test.live, Down: time.Minute}
			out, err := p.VolumeCast(ctx, flow.VolumeCastInput{Spec: flow.VolumeSpec{Volume: models.Volume{SizeGiB: test.gib}, Backup: test.backup}, MaxAttempts: 3})
			require.NoError(t, err)
			require.Equal(t, test.want, out.Candidates)
		})
	}
}

func TestHints(t *testing.T) {
	c := newCatalogue(t)
	here, there := c.available(t, 10, pool), c.available(t, 10, other)
	for name, test := range map[string]struct {
		hints flow.Hints
		want  []string
	}{
		"near":               {flow.Hints{SameHost: []string{there.ID}}, []string{other}},
		"far":                {flow.Hints{DifferentHost: []string{here.ID}}, []string{other}},
		"far from nothing":   {flow.Hints{DifferentHost: []string{uuid.NewString()}}, []string{pool, other}},
		"far from the other": {flow.Hints{DifferentHost: []string{there.ID}}, []string{pool}},
	} {
		t.Run(name, func(t *testing.T) {
			in := createRequest(2)
			in.Hints = test.hints
			out, err := c.VolumeCast(ctx, castInput(in, c.entered(t, in)))
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, out.Candidates)
			require.NoError(t, c.FlowEnd(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowReverted, Gone: true}))
		})
	}
}

func TestExtendNeedsTheDifferenceOnly(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 60, pool)
	c.report(t, pool, models.PoolStats{Total: gib(100), Free: gib(40), ProvisionedGiB: 60, ThickProvisioning: true})
	in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, v.ID), Operation: flow.VolumeExtend, NewSizeGiB: 100}
	_, err := c.EntryExtend(ctx, in)
	require.NoError(t, err)
	cast := flow.VolumeCastInput{Header: in.Header, MaxAttempts: 1, OldSizeGiB: 60, Spec: flow.VolumeSpec{Volume: v, SourceHost: pool}}
	cast.Spec.Volume.SizeGiB = 101
	_, err = c.VolumeCast(ctx, cast)
	require.Equal(t, flow.ErrNoBackend, class(t, err))
	cast.Spec.Volume.SizeGiB = 100
	out, err := c.VolumeCast(ctx, cast)
	require.NoError(t, err)
	require.Equal(t, pool, out.Pool, "where it is, nowhere else")
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	require.Equal(t, int64(40), views[0].ClaimedGiB)
}

func TestPools(t *testing.T) {
	view := models.PoolView{
		Pool: models.Pool{Name: pool, AvailabilityZone: "nova", Stats: models.PoolStats{
			Pool: "p", Total: gib(100), Free: gib(50), ProvisionedGiB: 40, AllocatedGiB: 30, TotalVolumes: 3, ReservedPercentage: 5, MaxOverSubscription: 2,
			VolumeBackendName: "fast", Extra: map[string]any{"Thing": "x"},
		}},
		ClaimedGiB: 10, ClaimedCount: 2, ServiceUp: true, ServiceReason: "down" + hintMark + "look at /x",
	}
	free := func(change func(*models.PoolStats)) scheduler.Capacity {
		v := view
		change(&v.Stats)
		return pools([]models.PoolView{v})[0].Free
	}
	require.Equal(t, scheduler.GiB(40), free(func(s *models.PoolStats) { s.ThickProvisioning = true }), "thick takes its space at once")
	require.Equal(t, scheduler.GiB(50), free(func(s *models.PoolStats) { s.ThinProvisioning = true }), "thin takes none until it is written")
	require.Equal(t, scheduler.Infinite, free(func(s *models.PoolStats) { s.Free = models.Capacity{Infinite: true} }))
	require.Equal(t, scheduler.Unknown, free(func(s *models.PoolStats) { s.Free = models.Capacity{Unknown: true} }))
	p := pools([]models.PoolView{view})[0]
	require.Equal(t, []float64{50, 40}, []float64{p.Provisioned, p.Allocated})
	require.Equal(t, 5, p.Volumes)
	require.Equal(t, "down", p.StateReason)
	require.Equal(t, "x", p.Capabilities["thing"])
	require.Equal(t, "fast", p.Capabilities["volume_backend_name"])
}

type noHints struct{ PlacementStore }

func (noHints) GetVolume(context.Context, string, string) (models.Volume, error) {
	return models.Volume{}, errors.New("connection reset")
}

func TestHintsWithoutACatalogue(t *testing.T) {
	p := Placement{Store: noHints{}}
	_, err := p.VolumeCast(ctx, flow.VolumeCastInput{Hints: flow.Hints{SameHost: []string{"v"}}})
	require.Equal(t, flow.ErrUnavailable, class(t, err))
}
