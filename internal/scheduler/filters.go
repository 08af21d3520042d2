package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// reason is why a pool is refused; the zero value lets it pass.
type reason struct {
	text   string // the rule, the same for all pools of a request
	detail string // what this pool has
}

var pass = reason{}

// check judges one pool for a request that is already known.
type check func(*Pool) reason

type namedCheck struct {
	name  string
	check check
}

// filter turns a request into a check, so that parsing is done once for all pools. A nil check
// means that this request holds nothing to look at.
type filter struct {
	name    string
	prepare func(*Request) (check, error)
}

func knownFilters() []filter {
	return []filter{
		{"AvailabilityZoneFilter", zoneFilter},
		{"CapacityFilter", capacityFilter},
		{"CapabilitiesFilter", capabilitiesFilter},
		{"DifferentBackendFilter", differentBackendFilter},
		{"SameBackendFilter", sameBackendFilter},
		{"IgnoreAttemptedHostsFilter", attemptedFilter},
		{"InstanceLocalityFilter", localityFilter},
		{"JsonFilter", jsonFilter},
		{"DriverFilter", driverFilter},
	}
}

// KnownFilters gives the names of all filters.
func KnownFilters() []string { return names(knownFilters(), func(f filter) string { return f.name }) }

// DefaultFilters are Cinder's three and the three that only speak when a request has a hint or was
// tried before. Cinder leaves those out, and then drops the user's hints without a word.
func DefaultFilters() []string { return KnownFilters()[:6] }

func chooseFilters(wanted []string) ([]filter, error) {
	if len(wanted) == 0 {
		wanted = DefaultFilters()
	}
	return choose("filter", wanted, knownFilters(), func(f filter) string { return f.name })
}

// checks prepares the service check and the filters for one request.
func (s *Scheduler) checks(req *Request) ([]namedCheck, error) {
	checks := []namedCheck{{CheckService, serviceCheck}}
	for _, f := range s.filters {
		c, err := f.prepare(req)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalidRequest, err)
		}
		if c != nil {
			checks = append(checks, namedCheck{f.name, c})
		}
	}
	// A pool that was tried and failed is left out whatever filters the operator has named: the next candidate would be the same again.
	const tried = "IgnoreAttemptedHostsFilter"
	if c, _ := attemptedFilter(req); c != nil && !s.uses(tried) {
		checks = append(checks, namedCheck{tried, c})
	}
	return checks, nil
}

func (s *Scheduler) uses(name string) bool {
	return slices.ContainsFunc(s.filters, func(f filter) bool { return f.name == name })
}

func serviceCheck(p *Pool) reason {
	switch {
	case p.Disabled:
		return reason{"service is disabled", p.StateReason}
	case !p.Up:
		return reason{"service is down", p.StateReason}
	}
	return pass
}

// unusedNotes tells of hints and filter functions that nobody will look at.
func (s *Scheduler) unusedNotes(req *Request, pools []Pool) []string {
	var notes []string
	for _, h := range []struct {
		given      bool
		what, name string
	}{
		{len(req.Hints.SameHost.Volumes) > 0, "hint same_host", "SameBackendFilter"},
		{len(req.Hints.DifferentHost.Volumes) > 0, "hint different_host", "DifferentBackendFilter"},
		{req.Hints.LocalToInstance != "", "hint local_to_instance", "InstanceLocalityFilter"},
		{strings.TrimSpace(req.Hints.Query) != "", "hint query", "JsonFilter"},
		{slices.ContainsFunc(pools, hasFilterFunction), "filter_function of a pool", "DriverFilter"},
	} {
		if h.given && !s.uses(h.name) {
			notes = append(notes, h.what+" is not looked at: "+h.name+" is not among the filters")
		}
	}
	return notes
}

// choose picks by name and keeps the order asked for.
func choose[T any](kind string, wanted []string, known []T, name func(T) string) ([]T, error) {
	var chosen []T
	for _, want := range wanted {
		want = strings.TrimSpace(want)
		same := func(t T) bool { return name(t) == want }
		i := slices.IndexFunc(known, same)
		if i < 0 {
			return nil, fmt.Errorf("unknown scheduler %s %q, known are %s", kind, want, strings.Join(names(known, name), ", "))
		}
		if slices.ContainsFunc(chosen, same) {
			return nil, fmt.Errorf("scheduler %s %s is given twice", kind, want)
		}
		chosen = append(chosen, known[i])
	}
	return chosen, nil
}

func names[T any](all []T, name func(T) string) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = name(t)
	}
	return out
}
