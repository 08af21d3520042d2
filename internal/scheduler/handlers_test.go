package scheduler

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStochasticShares(t *testing.T) {
	volumes := func(n int) func(*Pool) { return func(p *Pool) { p.Volumes = n } }
	for name, tc := range map[string]struct {
		multiplier float64
		counts     [3]int
		want       [3]float64 // share of first places
	}{
		"by weight":            {1, [3]int{1, 2, 7}, [3]float64{0.1, 0.2, 0.7}},
		"none at all":          {1, [3]int{0, 0, 0}, [3]float64{1. / 3, 1. / 3, 1. / 3}},
		"zero never leads":     {1, [3]int{0, 5, 5}, [3]float64{0, 0.5, 0.5}},
		"lifted when negative": {-1, [3]int{10, 5, 0}, [3]float64{0, 1. / 3, 2. / 3}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scheduler(t, Options{
				Handler: StochasticHandler, Weighers: []string{"VolumeNumberWeigher"},
				Multipliers: map[string]float64{"VolumeNumberWeigher": tc.multiplier},
			})
			pools := []Pool{}
			for i, n := range tc.counts {
				pools = append(pools, with(thick(string(rune('a'+i))+"@b#p"), volumes(n)))
			}
			first := map[string]float64{}
			const runs = 4000
			for seed := range int64(runs) {
				d, err := s.Place(Request{SizeGiB: 1, Seed: seed}, pools)
				require.NoError(t, err)
				require.Len(t, d.Candidates, 3)
				first[d.Candidates[0].Pool] += 1. / runs
			}
			for i, want := range tc.want {
				require.InDelta(t, want, first[pools[i].Name], 0.03, pools[i].Name)
			}
		})
	}
}

func TestStochasticIsDeterministic(t *testing.T) {
	s := scheduler(t, Options{Handler: StochasticHandler})
	pools := []Pool{free("a@b#p", 10), free("b@b#p", 20), free("c@b#p", 30), free("d@b#p", 40)}
	d, err := s.Place(Request{SizeGiB: 1, Seed: 42}, pools)
	require.NoError(t, err)
	again, err := s.Place(Request{SizeGiB: 1, Seed: 42}, []Pool{pools[3], pools[1], pools[0], pools[2]})
	require.NoError(t, err)
	require.Equal(t, d, again)
	// A stored decision must come out the same with the next release.
	require.Equal(t, []string{"c@b#p", "b@b#p", "d@b#p", "a@b#p"}, order(d))
}

func TestNormalise(t *testing.T) {
	for _, tc := range []struct{ in, want []float64 }{
		{nil, nil},
		{[]float64{5}, []float64{0}},
		{[]float64{3, 3}, []float64{0, 0}},
		{[]float64{-1, 0, 3}, []float64{0, 0.25, 1}},
		{[]float64{math.Inf(1), math.NaN(), math.Inf(-1)}, []float64{1, 0.5, 0}},
	} {
		bound(tc.in)
		normalise(tc.in)
		require.Equal(t, tc.want, tc.in)
	}
}
