package scheduler

import (
	"cmp"
	"slices"
)

// Options choose the rules. The zero value is the default of each.
type Options struct {
	// Filters in the order they are asked (scheduler_default_filters); none means [DefaultFilters].
	Filters []string
	// Weighers (scheduler_default_weighers); none means [DefaultWeighers].
	Weighers []string
	// Multipliers by the weigher's name or by Cinder's option (capacity_weight_multiplier ...).
	// A negative one turns the order round.
	Multipliers map[string]float64
	// Handler (scheduler_weight_handler): [OrderedHandler], the default, or [StochasticHandler].
	Handler string
}

// Scheduler places volumes. It is immutable and safe for concurrent use.
type Scheduler struct {
	filters  []filter
	weighers []weigher
	rank     ranker
}

// New makes a scheduler. It fails on a name it does not know and then lists those it does, on a
// name given twice, and on a multiplier that is no finite number.
func New(opts Options) (*Scheduler, error) {
	filters, err := chooseFilters(opts.Filters)
	if err != nil {
		return nil, err
	}
	weighers, err := chooseWeighers(opts.Weighers, opts.Multipliers)
	if err != nil {
		return nil, err
	}
	rank, err := chooseHandler(opts.Handler)
	if err != nil {
		return nil, err
	}
	return &Scheduler{filters: filters, weighers: weighers, rank: rank}, nil
}

// Place ranks the pools that would take the request and says of the others why they would not. The
// order of pools does not matter. Errors wrap [ErrInvalidRequest]; that no pool is left is none.
func (s *Scheduler) Place(req Request, pools []Pool) (Decision, error) {
	if err := req.validate(); err != nil {
		return Decision{}, err
	}
	checks, err := s.checks(&req)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Notes: s.unusedNotes(&req, pools)}
	var left []*Pool
	for _, pool := range inPlay(&req, pools) {
		if refusal, refused := ask(checks, pool); refused {
			d.Refused = append(d.Refused, refusal)
		} else {
			left = append(left, pool)
		}
	}
	if req.Backend != "" && len(left)+len(d.Refused) == 0 {
		d.Refused = []Refusal{{Pool: req.Backend, Filter: CheckBackend, Reason: "no such backend or pool is known"}}
	}
	var notes []string
	d.Candidates, notes = s.weigh(&req, left)
	d.Notes = append(d.Notes, notes...)
	return d, nil
}

// inPlay gives the pools to judge, by name. Those of other backends are left out without a word
// when the request is bound to one: that they are not it is no news to anybody.
func inPlay(req *Request, pools []Pool) []*Pool {
	play := make([]*Pool, 0, len(pools))
	for i := range pools {
		if req.Backend == "" || pools[i].In(req.Backend) {
			play = append(play, &pools[i])
		}
	}
	slices.SortStableFunc(play, func(a, b *Pool) int { return cmp.Compare(a.Name, b.Name) })
	return play
}

func ask(checks []namedCheck, pool *Pool) (Refusal, bool) {
	for _, c := range checks {
		if why := c.check(pool); why.text != "" {
			return Refusal{
				Pool: pool.Name, Filter: c.name,
				Reason: clip(why.text, maxReason), Detail: clip(why.detail, maxDetail),
			}, true
		}
	}
	return Refusal{}, false
}
