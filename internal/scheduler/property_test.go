package scheduler

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomPools makes pools of every kind, the odd ones included.
func randomPools(r *rand.Rand) []Pool {
	capacities := []Capacity{Missing, Infinite, Unknown, GiB(0), GiB(10), GiB(100), GiB(1000)}
	pools := make([]Pool, r.IntN(12))
	for i := range pools {
		pools[i] = Pool{
			Name: fmt.Sprintf("n%d@b%d#p%d", r.IntN(3), r.IntN(2), i), Up: r.IntN(8) > 0, Disabled: r.IntN(8) == 0,
			AvailabilityZone: fmt.Sprint("az", r.IntN(2)), Thin: r.IntN(2) == 0, MaxOverSubscriptionRatio: float64(r.IntN(4)),
			Total: capacities[r.IntN(len(capacities))], Free: capacities[r.IntN(len(capacities))],
			Provisioned: float64(r.IntN(200)), Allocated: float64(r.IntN(50)), ReservedPercentage: r.IntN(101), Volumes: r.IntN(9),
			Capabilities: map[string]any{"tier": []any{"gold", "tin"}[r.IntN(2)], "ssd": r.IntN(2) == 0},
		}
	}
	return pools
}

func randomRequest(r *rand.Rand) Request {
	req := Request{SizeGiB: r.Int64N(120), Seed: r.Int64(), ExtraSpecs: map[string]string{}}
	for key, value := range map[string]string{
		"tier": "gold", "ssd": "<is> True", "provisioning:type": "thick", "RESKEY:availability_zones": "az0",
	} {
		if r.IntN(4) == 0 {
			req.ExtraSpecs[key] = value
		}
	}
	if r.IntN(3) == 0 {
		req.Hints.DifferentHost = VolumeHint{Volumes: []string{"id"}, Places: []string{"n0@b0"}}
	}
	return req
}

// Whatever comes in: each pool is judged exactly once, the order of pools is of no account, the best
// come first, and the request still fits where it is put.
func TestPlaceProperties(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := scheduler(t, Options{Filters: KnownFilters(), Weighers: KnownWeighers(), Handler: KnownHandlers()[seed%2]})
		pools, req := randomPools(r), randomRequest(r)
		d, err := s.Place(req, pools)
		require.NoError(t, err)

		judged := append(order(d), refusedNames(d)...)
		require.ElementsMatch(t, names(pools, func(p Pool) string { return p.Name }), judged, "seed %d", seed)

		shuffled := slices.Clone(pools)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, err := s.Place(req, shuffled)
		require.NoError(t, err)
		require.Equal(t, d, again, "seed %d", seed)

		if seed%2 == 0 {
			require.True(t, slices.IsSortedFunc(d.Candidates, func(a, b Candidate) int {
				return int(max(-1, min(1, 1e9*(b.Weight-a.Weight))))
			}), "seed %d", seed)
		}
		for _, c := range d.Candidates {
			p := pools[slices.IndexFunc(pools, func(p Pool) bool { return p.Name == c.Pool })]
			require.True(t, p.Up && !p.Disabled, "seed %d", seed)
			before, known := p.room(&req)
			if p.Consume(req); known && req.SizeGiB > 0 && p.thinFor(&req) {
				after, _ := p.room(&req)
				require.GreaterOrEqual(t, after, 0.0, "seed %d: room was %v", seed, before)
			}
		}
	}
}

// Pools and requests come from the database and decisions go into histories: JSON must keep them.
func TestJSONKeepsEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	s := scheduler(t, Options{})
	for range 50 {
		pools, req := randomPools(r), randomRequest(r)
		want, err := s.Place(req, pools)
		require.NoError(t, err)
		var pools2 []Pool
		var req2 Request
		var got Decision
		again(t, pools, &pools2)
		again(t, req, &req2)
		d, err := s.Place(req2, pools2)
		require.NoError(t, err)
		again(t, d, &got)
		require.Equal(t, Summary(want.Refused), Summary(got.Refused))
		require.Equal(t, want.Candidates, got.Candidates)
	}
}

func again(t *testing.T, from, to any) {
	t.Helper()
	data, err := json.Marshal(from)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, to))
}
