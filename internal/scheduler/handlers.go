package scheduler

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// The weight handlers, by Cinder's names.
const (
	// OrderedHandler puts the highest weight first.
	OrderedHandler = "OrderedHostWeightHandler"
	// StochasticHandler draws the order: a pool of twice the weight comes first twice as often.
	StochasticHandler = "StochasticHostWeightHandler"
)

// KnownHandlers gives the names of all weight handlers.
func KnownHandlers() []string { return []string{OrderedHandler, StochasticHandler} }

// ranker brings raw values to one scale, and ranks candidates by their sums.
type ranker struct {
	name  string
	scale func([]float64)
	// keys gives what to sort by, the highest first, from the candidates' weights.
	keys func(req *Request, all []Candidate) []float64
}

func chooseHandler(name string) (ranker, error) {
	if name == "" {
		name = OrderedHandler
	}
	// Normalising would give the worst pool no chance at all and distort the odds of the others, so
	// the stochastic handler takes raw values, as Cinder's does.
	known := []ranker{{OrderedHandler, normalise, orderedKeys}, {StochasticHandler, func([]float64) {}, drawnKeys}}
	chosen, err := choose("weight handler", []string{name}, known, func(r ranker) string { return r.name })
	if err != nil {
		return ranker{}, err
	}
	return chosen[0], nil
}

// weigh ranks the pools that passed the filters. Equal pools stand by name.
func (s *Scheduler) weigh(req *Request, pools []*Pool) ([]Candidate, []string) {
	var notes []string
	all := make([]Candidate, len(pools))
	parts := make([][]float64, len(s.weighers))
	for i := range s.weighers {
		w := &s.weighers[i]
		values, said := w.raw(w, req, pools)
		notes = append(notes, said...)
		bound(values)
		s.rank.scale(values)
		for j := range values {
			values[j] *= w.multiplier
			all[j].Weight += values[j]
		}
		parts[i] = values
	}
	for i, p := range pools {
		all[i].Pool = p.Name
	}
	order := inOrder(s.rank.keys(req, all))
	if req.MaxCandidates > 0 && len(order) > req.MaxCandidates {
		order = order[:req.MaxCandidates]
	}
	best := make([]Candidate, len(order))
	for i, at := range order {
		best[i] = all[at]
		best[i].Weights = make(map[string]float64, len(parts))
		for j, part := range parts {
			best[i].Weights[s.weighers[j].name] = part[at]
		}
	}
	return best, notes
}

// inOrder gives the indices from the highest key to the lowest; equals keep their place.
func inOrder(keys []float64) []int {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(keys[b], keys[a]) })
	return order
}

// maxWeight bounds values and multipliers, so that no product or sum of them is infinite.
const maxWeight = 1e100

// bound keeps nonsense in a report (NaN, astronomic sizes) from spoiling the sums.
func bound(values []float64) {
	for i, v := range values {
		if math.IsNaN(v) {
			v = 0
		}
		values[i] = max(-maxWeight, min(maxWeight, v))
	}
}

// normalise maps values to 0..1; when all are equal they say nothing and become 0.
func normalise(values []float64) {
	if len(values) == 0 {
		return
	}
	least, most := slices.Min(values), slices.Max(values)
	for i, v := range values {
		if most == least {
			values[i] = 0
		} else {
			values[i] = (v - least) / (most - least)
		}
	}
}

func orderedKeys(_ *Request, all []Candidate) []float64 {
	keys := make([]float64, len(all))
	for i, c := range all {
		keys[i] = c.Weight
	}
	return keys
}

// drawnKeys makes a weighted shuffle: sorting by ln(u)/w, with u drawn for each pool, puts each pool
// first with a chance of its share of the weight, and so on for the places after it (Efraimidis and
// Spirakis, 2006). Where a weight is below zero all are lifted by the lowest.
func drawnKeys(req *Request, all []Candidate) []float64 {
	least, sum := 0.0, 0.0
	for _, c := range all {
		least = min(least, c.Weight)
	}
	for _, c := range all {
		sum += c.Weight - least
	}
	keys := make([]float64, len(all))
	for i, c := range all {
		weight := c.Weight - least
		if sum == 0 {
			weight = 1
		}
		keys[i] = math.Log(1-draw(req.Seed, "order", c.Pool)) / weight // 1-u is never 0
		if weight == 0 {
			keys[i] = math.Inf(-1)
		}
	}
	return keys
}

// draw gives a number of 0 up to 1 that hangs on the seed and the pool's name alone, so that neither
// the order of pools nor a pool that came or went changes the draws of the others.
func draw(seed int64, purpose, pool string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose + "\x00" + pool))
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64())).Float64()
}
