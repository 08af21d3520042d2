package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Bounds that keep the story of a thousand pools within a few KiB.
const (
	maxReason     = 240 // bytes of Refusal.Reason
	maxDetail     = 160 // bytes of Refusal.Detail
	maxPoolName   = 120 // bytes of a name within a group
	maxGroups     = 8
	maxPoolsNamed = 10 // over all groups
)

// RefusalGroup is a number of pools refused by one filter for one reason.
type RefusalGroup struct {
	Filter string `json:"filter"`
	Reason string `json:"reason"`
	// Count of the pools; Pools names the first few of them.
	Count int           `json:"count"`
	Pools []RefusedPool `json:"pools"`
}

// RefusedPool is a pool within a group.
type RefusedPool struct {
	Pool   string `json:"pool"`
	Detail string `json:"detail,omitempty"`
}

// Grouped gathers refusals by filter and reason, the largest group first. Its size has a bound
// however many pools there are: at most 8 groups, the last of them the sum of the rest, that name
// 10 pools together.
func Grouped(refused []Refusal) []RefusalGroup {
	groups := fold(gather(refused))
	each := maxPoolsNamed / max(1, len(groups))
	for i := range groups {
		pools := groups[i].Pools
		if len(pools) > each {
			pools = slices.Clone(pools[:each])
		}
		for j := range pools {
			pools[j].Pool = clip(pools[j].Pool, maxPoolName)
		}
		groups[i].Pools = pools
	}
	return groups
}

func gather(refused []Refusal) []RefusalGroup {
	type key struct{ filter, reason string }
	at := map[key]int{}
	var groups []RefusalGroup
	for _, r := range refused {
		k := key{r.Filter, clip(r.Reason, maxReason)}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, RefusalGroup{Filter: k.filter, Reason: k.reason})
		}
		groups[i].Count++
		if len(groups[i].Pools) < maxPoolsNamed {
			groups[i].Pools = append(groups[i].Pools, RefusedPool{r.Pool, clip(r.Detail, maxDetail)})
		}
	}
	slices.SortStableFunc(groups, func(a, b RefusalGroup) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Filter, b.Filter), strings.Compare(a.Reason, b.Reason))
	})
	return groups
}

// fold makes one group of all those beyond the bound.
func fold(groups []RefusalGroup) []RefusalGroup {
	if len(groups) <= maxGroups {
		return groups
	}
	rest := groups[maxGroups-1:]
	other := RefusalGroup{Filter: "several filters", Reason: fmt.Sprintf("%d other reasons", len(rest))}
	for _, g := range rest {
		other.Count += g.Count
	}
	other.Pools = rest[0].Pools
	return append(slices.Clip(groups[:maxGroups-1]), other)
}

// Summary tells in a sentence or two why no pool was left:
//
//	2 pools refused by CapacityFilter: not enough free space for 10 GiB (a@lvm#p: 3 GiB left ...; ...)
func Summary(refused []Refusal) string { return SummaryOf(Grouped(refused)) }

// SummaryOf is [Summary] of refusals that are grouped already.
func SummaryOf(groups []RefusalGroup) string {
	if len(groups) == 0 {
		return "no pool is known: no storage worker has reported one yet"
	}
	lines := make([]string, len(groups))
	for i, g := range groups {
		lines[i] = g.String()
	}
	return strings.Join(lines, "; ")
}

// String tells the group in one line.
func (g RefusalGroup) String() string {
	count := fmt.Sprintf("%d pools", g.Count)
	if g.Count == 1 {
		count = "1 pool"
	}
	named := make([]string, len(g.Pools))
	for i, p := range g.Pools {
		named[i] = p.Pool
		if p.Detail != "" {
			named[i] += ": " + p.Detail
		}
	}
	if more := g.Count - len(g.Pools); more > 0 && len(named) > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	s := fmt.Sprintf("%s refused by %s: %s", count, g.Filter, g.Reason)
	if len(named) > 0 {
		s += " (" + strings.Join(named, "; ") + ")"
	}
	return s
}
