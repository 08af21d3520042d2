package scheduler

// Decision is what became of a request. A decision without candidates is no error: Refused says why.
type Decision struct {
	// Candidates, best first.
	Candidates []Candidate `json:"candidates"`
	// Refused has an entry for each pool that is no candidate, by name. With many pools it is large:
	// send [Grouped] or [Summary] on instead.
	Refused []Refusal `json:"refused,omitempty"`
	// Notes are for the operator: hints that no filter looks at, expressions that fail. They are few.
	Notes []string `json:"notes,omitempty"`
}

// Candidate is a pool that would take the volume.
type Candidate struct {
	Pool string `json:"pool"`
	// Weight is the sum of Weights, the higher the better.
	Weight float64 `json:"weight"`
	// Weights is the part of each weigher, its multiplier included.
	Weights map[string]float64 `json:"weights,omitempty"`
}

// Refusal says which filter refused a pool and why.
type Refusal struct {
	Pool   string `json:"pool"`
	Filter string `json:"filter"`
	// Reason is the rule that was broken, in the same words for each pool.
	Reason string `json:"reason"`
	// Detail is this pool's own part of it: what it has, how much is left.
	Detail string `json:"detail,omitempty"`
}

// What stands in Refusal.Filter when no filter was asked.
const (
	// CheckService refuses pools that are down or disabled.
	CheckService = "ServiceCheck"
	// CheckBackend speaks when Request.Backend names a backend that is not among the pools.
	CheckBackend = "BackendCheck"
)

// String tells the refusal in one line.
func (r Refusal) String() string {
	s := r.Pool + " refused by " + r.Filter + ": " + r.Reason
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	return s
}
