package scheduler

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func free(name string, gib float64) Pool {
	return with(thick(name), func(p *Pool) { p.Total, p.Free = GiB(1000), GiB(gib) })
}

func TestWeighers(t *testing.T) {
	thin := func(name string, total, ratio, provisioned float64) Pool {
		return with(thick(name), func(p *Pool) {
			p.Thin, p.Total, p.Free, p.MaxOverSubscriptionRatio, p.Provisioned = true, GiB(total), GiB(total), ratio, provisioned
		})
	}
	infinite := with(thick("i@b#p"), func(p *Pool) { p.Free = Infinite })
	unknown := with(thick("u@b#p"), func(p *Pool) { p.Total = Unknown })
	good := func(name, function string) Pool {
		return with(thick(name), func(p *Pool) { p.GoodnessFunction = function })
	}
	volumes := func(name string, n int) Pool {
		return with(thick(name), func(p *Pool) { p.Volumes, p.Allocated = n, float64(n) })
	}
	for name, tc := range map[string]struct {
		weigher    string
		multiplier float64
		req        Request
		pools      []Pool
		want       []string
		weights    []float64
	}{
		"most free first":    {"CapacityWeigher", 1, Request{}, []Pool{free("a@b#p", 100), free("b@b#p", 300), free("c@b#p", 200)}, []string{"b@b#p", "c@b#p", "a@b#p"}, []float64{1, 0.5, 0}},
		"negative stacks":    {"CapacityWeigher", -2, Request{}, []Pool{free("a@b#p", 100), free("b@b#p", 300), free("c@b#p", 200)}, []string{"a@b#p", "c@b#p", "b@b#p"}, []float64{0, -1, -2}},
		"no number is last":  {"CapacityWeigher", 1, Request{}, []Pool{infinite, free("z@b#p", 0), unknown}, []string{"z@b#p", "i@b#p", "u@b#p"}, []float64{1, 0, 0}},
		"last, stacking too": {"CapacityWeigher", -1, Request{}, []Pool{infinite, free("z@b#p", 900), unknown}, []string{"z@b#p", "i@b#p", "u@b#p"}, nil},
		"-1 is the value":    {"CapacityWeigher", 1, Request{}, []Pool{infinite, free("z@b#p", 3), free("y@b#p", 1)}, []string{"z@b#p", "y@b#p", "i@b#p"}, []float64{1, 0.5, 0}},
		"below -1":           {"CapacityWeigher", 1, Request{}, []Pool{infinite, thin("z@b#p", 10, 1, 99)}, []string{"z@b#p", "i@b#p"}, nil},
		"reserve counts": {"CapacityWeigher", 1, Request{}, []Pool{
			with(free("a@b#p", 300), func(p *Pool) { p.ReservedPercentage = 20 }), free("b@b#p", 200),
		}, []string{"b@b#p", "a@b#p"}, nil},
		"thin by virtual": {"CapacityWeigher", 1, Request{}, []Pool{thin("a@b#p", 100, 2, 150), thin("b@b#p", 50, 4, 10)}, []string{"b@b#p", "a@b#p"}, nil},
		"thick type by free": {
			"CapacityWeigher", 1,
			Request{ExtraSpecs: map[string]string{"provisioning:type": "thick"}},
			[]Pool{thin("a@b#p", 100, 2, 150), thin("b@b#p", 50, 4, 10)},
			[]string{"a@b#p", "b@b#p"},
			nil,
		},
		"equals by name":  {"CapacityWeigher", 1, Request{}, []Pool{free("c@b#p", 1), free("a@b#p", 1), free("b@b#p", 1)}, []string{"a@b#p", "b@b#p", "c@b#p"}, []float64{0, 0, 0}},
		"least allocated": {"AllocatedCapacityWeigher", -1, Request{}, []Pool{volumes("a@b#p", 5), volumes("b@b#p", 1)}, []string{"b@b#p", "a@b#p"}, []float64{0, -1}},
		"most allocated":  {"AllocatedCapacityWeigher", 1, Request{}, []Pool{volumes("a@b#p", 5), volumes("b@b#p", 1)}, []string{"a@b#p", "b@b#p"}, []float64{1, 0}},
		"fewest volumes":  {"VolumeNumberWeigher", -1, Request{}, []Pool{volumes("a@b#p", 5), volumes("b@b#p", 1)}, []string{"b@b#p", "a@b#p"}, []float64{0, -1}},
		"goodness": {
			"GoodnessWeigher", 1,
			Request{SizeGiB: 10},
			[]Pool{good("a@b#p", "40"), good("b@b#p", "volume.size < 20"), good("c@b#p", "volume.size * 5"), good("d@b#p", "")},
			[]string{"b@b#p", "c@b#p", "a@b#p", "d@b#p"},
			[]float64{1, 0.5, 0.4, 0},
		},
		"NaN spoils nothing": {
			"AllocatedCapacityWeigher", -1,
			Request{},
			[]Pool{with(volumes("a@b#p", 5), func(p *Pool) { p.Allocated = math.NaN() }), volumes("b@b#p", 1), volumes("c@b#p", 2)},
			[]string{"a@b#p", "b@b#p", "c@b#p"},
			[]float64{0, -0.5, -1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := scheduler(t, Options{Weighers: []string{tc.weigher}, Multipliers: map[string]float64{tc.weigher: tc.multiplier}, Filters: []string{"JsonFilter"}})
			d, err := s.Place(tc.req, tc.pools)
			require.NoError(t, err)
			require.Equal(t, tc.want, order(d))
			for i, want := range tc.weights {
				require.InDelta(t, want, d.Candidates[i].Weight, 1e-9)
				require.InDelta(t, want, d.Candidates[i].Weights[tc.weigher], 1e-9)
			}
		})
	}
}

func TestDefaultMultipliers(t *testing.T) {
	busy := with(free("a@b#p", 100), func(p *Pool) { p.Volumes, p.Allocated = 9, 90 })
	idle := with(free("b@b#p", 99), func(p *Pool) { p.Volumes = 1 })
	for weigher, first := range map[string]string{
		"CapacityWeigher": "a@b#p", "AllocatedCapacityWeigher": "b@b#p", "VolumeNumberWeigher": "b@b#p",
	} {
		d, err := scheduler(t, Options{Weighers: []string{weigher}}).Place(Request{SizeGiB: 1}, []Pool{busy, idle})
		require.NoError(t, err)
		require.Equal(t, first, order(d)[0], weigher)
	}
}

func TestWeightsAddUp(t *testing.T) {
	s := scheduler(t, Options{
		Weighers:    []string{"CapacityWeigher", "VolumeNumberWeigher"},
		Multipliers: map[string]float64{"capacity_weight_multiplier": 2, "VolumeNumberWeigher": -3},
	})
	d, err := s.Place(Request{SizeGiB: 1}, []Pool{with(free("a@b#p", 100), func(p *Pool) { p.Volumes = 4 }), free("b@b#p", 50)})
	require.NoError(t, err)
	require.Equal(t, []Candidate{
		{Pool: "b@b#p", Weight: 0, Weights: map[string]float64{"CapacityWeigher": 0, "VolumeNumberWeigher": 0}},
		{Pool: "a@b#p", Weight: -1, Weights: map[string]float64{"CapacityWeigher": 2, "VolumeNumberWeigher": -3}},
	}, normalZeros(d.Candidates))
}

// normalZeros makes 0 of -0, which is equal and yet not deeply so.
func normalZeros(all []Candidate) []Candidate {
	for _, c := range all {
		for name, w := range c.Weights {
			c.Weights[name] = w + 0
		}
	}
	return all
}

func TestGoodnessThatFailsIsTold(t *testing.T) {
	s := scheduler(t, Options{Weighers: []string{"GoodnessWeigher"}})
	var pools []Pool
	for _, f := range []string{"101", "-1", "'x'", "1/0", "70"} {
		pools = append(pools, with(thick("n"+string(rune('a'+len(pools)))+"@b#p"), func(p *Pool) { p.GoodnessFunction = f }))
	}
	d, err := s.Place(Request{SizeGiB: 1}, pools)
	require.NoError(t, err)
	require.Equal(t, []string{"goodness_function of na@b#p fails and counts as 0: result must be 0 to 100: 101; so it does on 3 more"}, d.Notes)
	require.Equal(t, "ne@b#p", d.Candidates[0].Pool)
	require.Zero(t, d.Candidates[1].Weight)
}

func TestChanceHangsOnTheSeed(t *testing.T) {
	s := scheduler(t, Options{Weighers: []string{"ChanceWeigher"}})
	pools := []Pool{thick("a@b#p"), thick("b@b#p"), thick("c@b#p")}
	turned := []Pool{pools[2], pools[0], pools[1]}
	seen := map[string]int{}
	for seed := range int64(3000) {
		d, err := s.Place(Request{SizeGiB: 1, Seed: seed}, pools)
		require.NoError(t, err)
		again, err := s.Place(Request{SizeGiB: 1, Seed: seed}, turned)
		require.NoError(t, err)
		require.Equal(t, d, again)
		seen[strings.Join(order(d), "")]++
	}
	require.Len(t, seen, 6, "all orders come up")
	for o, n := range seen {
		require.InDelta(t, 500, n, 120, o)
	}
}
