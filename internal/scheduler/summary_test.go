package scheduler

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSummary(t *testing.T) {
	const room = "not enough free space for 10 GiB"
	for name, tc := range map[string]struct {
		refused []Refusal
		want    string
	}{
		"no pool": {nil, "no pool is known: no storage worker has reported one yet"},
		"one":     {[]Refusal{{"a@b#p", CheckService, "service is down", ""}}, "1 pool refused by ServiceCheck: service is down (a@b#p)"},
		"largest first": {
			[]Refusal{
				{"a@b#p", CheckService, "service is down", ""},
				{"b@b#p", "CapacityFilter", room, "3 GiB left"},
				{"c@b#p", "CapacityFilter", room, "9 GiB left"},
			},
			"2 pools refused by CapacityFilter: " + room + " (b@b#p: 3 GiB left; c@b#p: 9 GiB left); 1 pool refused by ServiceCheck: service is down (a@b#p)",
		},
		"equals by filter and reason": {
			[]Refusal{{"a", "Z", "r", ""}, {"b", "A", "s", ""}, {"c", "A", "r", ""}},
			"1 pool refused by A: r (c); 1 pool refused by A: s (b); 1 pool refused by Z: r (a)",
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, Summary(tc.refused)) })
	}
	require.Equal(t, "a@b#p refused by CapacityFilter: "+room+" (3 GiB left)",
		Refusal{"a@b#p", "CapacityFilter", room, "3 GiB left"}.String())
	require.Equal(t, "3 pools refused by F: r", RefusalGroup{Filter: "F", Reason: "r", Count: 3}.String())
}

func TestGroupedIsBounded(t *testing.T) {
	long := strings.Repeat("ü", 500)
	var same, differing []Refusal
	for i := range 1000 {
		same = append(same, Refusal{fmt.Sprintf("node%04d@b#p", i), "CapacityFilter", "full", fmt.Sprintf("%d GiB left", i)})
		differing = append(differing, Refusal{fmt.Sprint(i, long), "JsonFilter", fmt.Sprint(i, long), long})
	}
	groups := Grouped(same)
	require.Len(t, groups, 1)
	require.Equal(t, 1000, groups[0].Count)
	require.Len(t, groups[0].Pools, 10)
	require.True(t, strings.HasSuffix(Summary(same), "node0009@b#p: 9 GiB left; and 990 more)"), Summary(same))
	require.Less(t, len(Summary(same)), 600)

	groups = Grouped(differing)
	require.Len(t, groups, 8)
	require.Equal(t, "993 other reasons", groups[7].Reason)
	total := 0
	for _, g := range groups {
		total += g.Count
	}
	require.Equal(t, 1000, total, "no pool is lost")
	require.Less(t, len(Summary(differing)), 6<<10)
	data, err := json.Marshal(groups)
	require.NoError(t, err)
	require.Less(t, len(data), 8<<10)
	require.True(t, json.Valid(data))
	require.NotContains(t, string(data), `\ufffd`, "clipping cuts no character in two")
	require.Len(t, differing[0].Pool, len(fmt.Sprint(0, long)), "the refusals themselves stay whole")
}
