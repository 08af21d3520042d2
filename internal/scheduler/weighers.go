package scheduler

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// weigher gives each pool a raw value of any scale. Notes tell the operator what went wrong.
type weigher struct {
	name   string
	option string // Cinder's option that holds the multiplier, if there is one
	// multiplier is Cinder's default until New puts the configured one in its place.
	multiplier float64
	raw        func(w *weigher, req *Request, pools []*Pool) (values []float64, notes []string)
}

func knownWeighers() []weigher {
	return []weigher{
		{"CapacityWeigher", "capacity_weight_multiplier", 1, weighCapacity},
		{"AllocatedCapacityWeigher", "allocated_capacity_weight_multiplier", -1, weighAllocated},
		{"VolumeNumberWeigher", "volume_number_multiplier", -1, weighVolumes},
		{"ChanceWeigher", "", 1, weighChance},
		{"GoodnessWeigher", "", 1, weighGoodness},
	}
}

// KnownWeighers gives the names of all weighers.
func KnownWeighers() []string {
	return names(knownWeighers(), func(w weigher) string { return w.name })
}

// DefaultWeighers is Cinder's default: capacity alone.
func DefaultWeighers() []string { return []string{"CapacityWeigher"} }

func chooseWeighers(wanted []string, multipliers map[string]float64) ([]weigher, error) {
	if len(wanted) == 0 {
		wanted = DefaultWeighers()
	}
	known := knownWeighers()
	if err := setMultipliers(known, multipliers); err != nil {
		return nil, err
	}
	return choose("weigher", wanted, known, func(w weigher) string { return w.name })
}

func setMultipliers(known []weigher, multipliers map[string]float64) error {
	set := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(multipliers)) {
		i := slices.IndexFunc(known, func(w weigher) bool { return w.name == key || w.option != "" && w.option == key })
		if i < 0 {
			return fmt.Errorf("multiplier for unknown scheduler weigher %q, known are %s", key, strings.Join(KnownWeighers(), ", "))
		}
		m := multipliers[key]
		if math.IsNaN(m) || math.Abs(m) > maxWeight {
			return fmt.Errorf("multiplier of %s must be a finite number: %g", key, m)
		}
		if set[known[i].name] {
			return fmt.Errorf("multiplier of %s is given twice, by name and by option", known[i].name)
		}
		set[known[i].name], known[i].multiplier = true, m
	}
	return nil
}

// weighCapacity: the more room, the better. A pool without a number is the worst in either
// direction, so that drivers have a reason to report one (LP 1350638).
func weighCapacity(w *weigher, req *Request, pools []*Pool) ([]float64, []string) {
	values := make([]float64, len(pools))
	least, most := 0.0, 0.0
	for i, p := range pools {
		if room, ok := p.room(req); ok {
			values[i] = room
			least, most = min(least, room), max(most, room)
		}
	}
	worst := least - 1
	if w.multiplier < 0 {
		worst = most + 1
	}
	for i, p := range pools {
		if _, ok := p.room(req); !ok {
			values[i] = worst
		}
	}
	return values, nil
}

// room is the virtual free capacity of a thin pool, or the free capacity less the reserve.
func (p *Pool) room(req *Request) (float64, bool) {
	total, ok := p.Total.Number()
	free, too := p.Free.Number()
	switch {
	case !ok || !too:
		return 0, false
	case p.thinFor(req):
		return p.virtualFree(total), true
	}
	return free - p.reserved(total), true
}

func weighAllocated(_ *weigher, _ *Request, pools []*Pool) ([]float64, []string) {
	return each(pools, func(p *Pool) float64 { return p.Allocated }), nil
}

func weighVolumes(_ *weigher, _ *Request, pools []*Pool) ([]float64, []string) {
	return each(pools, func(p *Pool) float64 { return float64(p.Volumes) }), nil
}

func weighChance(_ *weigher, req *Request, pools []*Pool) ([]float64, []string) {
	return each(pools, func(p *Pool) float64 { return draw(req.Seed, "chance", p.Name) }), nil
}

func weighGoodness(_ *weigher, req *Request, pools []*Pool) ([]float64, []string) {
	f := newFunctions(req)
	failed, first := 0, ""
	values := each(pools, func(p *Pool) float64 {
		n, err := f.goodness(p)
		if err != nil {
			if failed++; failed == 1 {
				first = fmt.Sprintf("goodness_function of %s fails and counts as 0: %s", p.Name, err)
			}
		}
		return n
	})
	if failed > 1 {
		first += fmt.Sprintf("; so it does on %d more", failed-1)
	}
	if failed > 0 {
		return values, []string{clip(first, maxReason)}
	}
	return values, nil
}

func each(pools []*Pool, value func(*Pool) float64) []float64 {
	values := make([]float64, len(pools))
	for i, p := range pools {
		values[i] = value(p)
	}
	return values
}
