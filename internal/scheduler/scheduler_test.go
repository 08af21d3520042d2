package scheduler

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, tc := range map[string]struct {
		opts Options
		want string
	}{
		"filter":         {Options{Filters: []string{"CapacityFiltr"}}, `unknown scheduler filter "CapacityFiltr", known are AvailabilityZoneFilter, CapacityFilter, CapabilitiesFilter, DifferentBackendFilter, SameBackendFilter, IgnoreAttemptedHostsFilter, InstanceLocalityFilter, JsonFilter, DriverFilter`},
		"weigher":        {Options{Weighers: []string{"x"}}, `unknown scheduler weigher "x", known are CapacityWeigher, AllocatedCapacityWeigher, VolumeNumberWeigher, ChanceWeigher, GoodnessWeigher`},
		"handler":        {Options{Handler: "x"}, `unknown scheduler weight handler "x", known are OrderedHostWeightHandler, StochasticHostWeightHandler`},
		"filter twice":   {Options{Filters: []string{"JsonFilter", " JsonFilter "}}, "scheduler filter JsonFilter is given twice"},
		"weigher twice":  {Options{Weighers: []string{"ChanceWeigher", "ChanceWeigher"}}, "given twice"},
		"multiplier":     {Options{Multipliers: map[string]float64{"x": 1}}, `multiplier for unknown scheduler weigher "x"`},
		"empty name":     {Options{Multipliers: map[string]float64{"": 1}}, "multiplier for unknown"},
		"NaN":            {Options{Multipliers: map[string]float64{"CapacityWeigher": math.NaN()}}, "must be a finite number"},
		"infinite":       {Options{Multipliers: map[string]float64{"CapacityWeigher": math.Inf(-1)}}, "must be a finite number"},
		"twice by alias": {Options{Multipliers: map[string]float64{"CapacityWeigher": 1, "capacity_weight_multiplier": 2}}, "multiplier of CapacityWeigher is given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(tc.opts)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestNamesAreAllAccepted(t *testing.T) {
	for _, handler := range KnownHandlers() {
		s := scheduler(t, Options{Filters: KnownFilters(), Weighers: KnownWeighers(), Handler: handler})
		d, err := s.Place(Request{SizeGiB: 1}, []Pool{thick("a@b#p")})
		require.NoError(t, err)
		require.Equal(t, []string{"a@b#p"}, order(d))
		require.Len(t, d.Candidates[0].Weights, len(KnownWeighers()))
	}
	require.Subset(t, KnownFilters(), DefaultFilters())
	require.Subset(t, KnownWeighers(), DefaultWeighers())
}

func TestPlaceRefusesBadRequests(t *testing.T) {
	for want, req := range map[string]Request{
		"size must not be negative: -1 GiB":       {SizeGiB: -1},
		"size must not be negative: -2 GiB":       {SizeGiB: 1, OldSizeGiB: -2},
		"new size 4 GiB is below the present 5":   {SizeGiB: 4, OldSizeGiB: 5},
		"number of candidates must be 0 (all) or": {MaxCandidates: -1},
	} {
		_, err := scheduler(t, Options{}).Place(req, nil)
		require.ErrorIs(t, err, ErrInvalidRequest)
		require.ErrorContains(t, err, want)
	}
}

func TestServiceGoesBeforeFilters(t *testing.T) {
	down := with(thick("down@b#p"), func(p *Pool) { p.Up, p.StateReason, p.Free = false, "last heard of at 12:00", Missing })
	off := with(thick("off@b#p"), func(p *Pool) { p.Disabled, p.StateReason, p.Up = true, "disk swap", false })
	d, err := scheduler(t, Options{}).Place(Request{SizeGiB: 1}, []Pool{off, down})
	require.NoError(t, err)
	require.Equal(t, []Refusal{
		{"down@b#p", CheckService, "service is down", "last heard of at 12:00"},
		{"off@b#p", CheckService, "service is disabled", "disk swap"},
	}, d.Refused)
	require.Empty(t, d.Candidates)
}

func TestFirstFilterSpeaks(t *testing.T) {
	wrong := with(thick("a@b#p"), func(p *Pool) { p.AvailabilityZone, p.Free = "elsewhere", GiB(0) })
	req := Request{SizeGiB: 1, AvailabilityZones: []string{"nova"}}
	for first, filters := range map[string][]string{
		"AvailabilityZoneFilter": {"AvailabilityZoneFilter", "CapacityFilter"},
		"CapacityFilter":         {"CapacityFilter", "AvailabilityZoneFilter"},
	} {
		d, err := scheduler(t, Options{Filters: filters}).Place(req, []Pool{wrong})
		require.NoError(t, err)
		require.Len(t, d.Refused, 1)
		require.Equal(t, first, d.Refused[0].Filter)
	}
}

func TestBoundToABackend(t *testing.T) {
	pools := []Pool{thick("a@b#p"), thick("a@b#q"), thick("a@c#p"), with(thick("z@b#p"), func(p *Pool) { p.Up = false })}
	for backend, want := range map[string]struct{ candidates, refused []string }{
		"":      {[]string{"a@b#p", "a@b#q", "a@c#p"}, []string{"z@b#p"}},
		"a@b":   {[]string{"a@b#p", "a@b#q"}, []string{}},
		"a@b#q": {[]string{"a@b#q"}, []string{}},
		"z@b#p": {[]string{}, []string{"z@b#p"}},
		"m@n#o": {[]string{}, []string{"m@n#o"}},
	} {
		d, err := scheduler(t, Options{}).Place(Request{SizeGiB: 1, Backend: backend}, pools)
		require.NoError(t, err)
		require.Equal(t, want.candidates, order(d), backend)
		require.Equal(t, want.refused, refusedNames(d), backend)
	}
	d, err := scheduler(t, Options{}).Place(Request{SizeGiB: 1, Backend: "m@n#o"}, pools)
	require.NoError(t, err)
	require.Equal(t, "1 pool refused by BackendCheck: no such backend or pool is known (m@n#o)", Summary(d.Refused))
}

func TestMaxCandidates(t *testing.T) {
	pools := []Pool{free("a@b#p", 1), free("b@b#p", 3), free("c@b#p", 2)}
	for n, want := range map[int][]string{0: {"b@b#p", "c@b#p", "a@b#p"}, 2: {"b@b#p", "c@b#p"}, 9: {"b@b#p", "c@b#p", "a@b#p"}} {
		d, err := scheduler(t, Options{}).Place(Request{SizeGiB: 1, MaxCandidates: n}, pools)
		require.NoError(t, err)
		require.Equal(t, want, order(d))
	}
}

func TestHintsThatNobodyReadsAreNoted(t *testing.T) {
	hint := VolumeHint{Volumes: []string{"id"}}
	req := Request{SizeGiB: 1, Attempted: []string{"x@y"}, Hints: Hints{SameHost: hint, DifferentHost: hint, LocalToInstance: "vm", Query: "[]"}}
	pool := with(thick("a@b#p"), func(p *Pool) { p.FilterFunction = "0" })
	d, err := scheduler(t, Options{Filters: []string{"CapacityFilter"}}).Place(req, []Pool{pool})
	require.NoError(t, err)
	require.Equal(t, []string{"a@b#p"}, order(d))
	require.Len(t, d.Notes, 5)
	require.Equal(t, "hint same_host is not looked at: SameBackendFilter is not among the filters", d.Notes[0])

	d, err = scheduler(t, Options{Filters: KnownFilters()}).Place(req, []Pool{pool})
	require.NoError(t, err)
	require.Empty(t, d.Notes)
}

func TestPlaceLeavesPoolsAlone(t *testing.T) {
	pools := []Pool{thick("b@b#p"), thick("a@b#p")}
	before, err := json.Marshal(pools)
	require.NoError(t, err)
	_, err = scheduler(t, Options{Filters: KnownFilters(), Weighers: KnownWeighers()}).Place(Request{SizeGiB: 1}, pools)
	require.NoError(t, err)
	after, err := json.Marshal(pools)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

// The decision that is sent on stays small with a thousand pools.
func TestLongReasonsAreClipped(t *testing.T) {
	req := Request{SizeGiB: 1, ExtraSpecs: map[string]string{"k": strings.Repeat("x", 5000)}}
	d, err := scheduler(t, Options{}).Place(req, thousand())
	require.NoError(t, err)
	require.Len(t, d.Refused, 1000)
	require.Less(t, len(Summary(d.Refused)), 2<<10)
}

func thousand() []Pool {
	pools := make([]Pool, 1000)
	for i := range pools {
		pools[i] = with(thick(fmt.Sprintf("node%03d@lvm#pool%d", i/4, i%4)), func(p *Pool) {
			p.Free, p.Volumes, p.Allocated = GiB(float64(i%97)), i%31, float64(i%53)
			p.FilterFunction, p.GoodnessFunction = "capabilities.total_volumes < 30", "100 * stats.free_capacity_gb / stats.total_capacity_gb"
			p.Capabilities = map[string]any{"volume_backend_name": "lvm", "multiattach": true, "storage_protocol": []any{"iSCSI", "iscsi"}}
		})
	}
	return pools
}

func BenchmarkPlace(b *testing.B) {
	req := Request{
		SizeGiB: 10, MaxCandidates: 3, AvailabilityZones: []string{"nova"}, Attempted: []string{"node001@lvm#pool1"},
		ExtraSpecs: map[string]string{"volume_backend_name": "lvm", "multiattach": "<is> True", "storage_protocol": "<or> iSCSI <or> FC"},
		Hints:      Hints{Query: `["and", [">=", "$free_capacity_gb", 5], ["=", "$volume_backend_name", "lvm"]]`},
	}
	pools := thousand()
	for name, opts := range map[string]Options{
		"default": {}, "everything": {Filters: KnownFilters(), Weighers: KnownWeighers(), Handler: StochasticHandler},
	} {
		b.Run(name, func(b *testing.B) {
			s := scheduler(b, opts)
			b.ReportAllocs()
			for b.Loop() {
				d, err := s.Place(req, pools)
				if err != nil || len(d.Candidates) != 3 {
					b.Fatal(err, len(d.Candidates))
				}
				Grouped(d.Refused)
			}
		})
	}
}

// A pool that failed is not answered again, also where an operator has named Cinder's own filters.
func TestAttemptedPoolsAreLeftOut(t *testing.T) {
	for _, o := range []Options{{}, {Filters: []string{"CapacityFilter"}}} {
		pools := []Pool{free("a@b#p", 3), free("b@b#p", 1)}
		d, err := scheduler(t, o).Place(Request{SizeGiB: 1, Attempted: []string{"a@b#p"}}, pools)
		require.NoError(t, err)
		require.Equal(t, []string{"b@b#p"}, order(d))
		require.Empty(t, d.Notes)
	}
}
