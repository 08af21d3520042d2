package scheduler

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONFilter(t *testing.T) {
	p := thick("n@b#p")
	p.Capabilities = map[string]any{
		"vendor": "x", "ssd": true, "off": false, "tags": []any{"a", "b"}, "nest": map[string]any{"iops": 500.0},
	}
	for query, want := range map[string]bool{
		`[]`: true, `  `: true,
		`["=", "$vendor", "x"]`: true, `["=", "$vendor", "y"]`: false, `["=", "x", "$vendor", "x"]`: true, `["=", "x", "x", "y"]`: false,
		`["<", 1, 2, 3]`: true, `["<", 1, 2, 1]`: false, `[">", 3, 2]`: true, `["<=", 2, 2]`: true, `[">=", 2, 3]`: false, `[">=", 2]`: false, `["="]`: false,
		`[">=", "$free_capacity_gb", 50]`: true, `[">=", "$free_capacity_gb", 51]`: false, `["=", "$host", "n@b#p"]`: true,
		`[">=", "$capabilities.nest.iops", 500]`: true, `["=", "$nest.iops", 500]`: true, `["=", "$nest.none", 500]`: false,
		`["in", "x", "w", "x"]`: true, `["in", "z", "w", "x"]`: false, `["in", "x"]`: false, `["in", "a", "$tags"]`: true, `["in", "c", "$tags"]`: false,
		`["and", ["=", 1, 1], ["=", 2, 2]]`: true, `["and", ["=", 1, 1], ["=", 2, 3]]`: false, `["and"]`: true,
		`["or", ["=", 1, 2], ["=", 2, 2]]`: true, `["or", ["=", 1, 2]]`: false, `["or"]`: false,
		`["not", ["=", 1, 2]]`: true, `["not", ["=", 1, 1]]`: false, `["not", true, false]`: true, `["not"]`: false,
		`["and", ["not", ["=", 1, 1]]]`: false, // true in Cinder, where a list that holds a False is true
		`["and", []]`:                   true, `["or", "$ssd"]`: true, `["or", "$off"]`: false, `["=", "$ssd", true]`: true, `["<", "$off", "$ssd"]`: true,
		`["=", 1, "1"]`: false, `["=", true, 1]`: false, `["<", "a", "b"]`: true, `["=", "", ""]`: false, `["or", null]`: false, `["or", "$tags"]`: true,
		`["or", "$nest"]`: true, `["or", 0]`: false, `["or", "$capabilities"]`: false,
	} {
		got := placeOne(t, "JsonFilter", Request{Hints: Hints{Query: query}}, p)
		require.Equal(t, want, got == "", "%s: %s", query, got)
		if !want {
			require.Equal(t, "does not match hint query "+query, got)
		}
	}
}

func TestJSONFilterRefusesBadQueries(t *testing.T) {
	s := scheduler(t, Options{Filters: []string{"JsonFilter"}})
	for query, want := range map[string]string{
		`{`: "not JSON", `{}`: "must be a list", `3`: "must be a list", `["like", 1]`: "unknown operation like, known are",
		`[3, 1]`: "unknown operation 3", `["=", {"a": 1}]`: "an object cannot stand in a query",
		`["and", ["nand"]]`: "unknown operation nand",
		strings.Repeat(`["not",`, 40) + "1" + strings.Repeat("]", 40): "nested deeper",
	} {
		_, err := s.Place(Request{Hints: Hints{Query: query}}, nil)
		require.ErrorIs(t, err, ErrInvalidRequest)
		require.ErrorContains(t, err, "hint query: ", query)
		require.ErrorContains(t, err, want, query)
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{`[]`, `["=", "$vendor", "x"]`, `["not", ["in", 1, "$tags"]]`, `["and", [], ["or", "$a.b"]]`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p := thick("n@b#p")
		p.Capabilities["tags"] = []any{"a", 1.0}
		if term, err := parseQuery(query); err == nil {
			if _, ok := term(&p).(bool); !ok {
				t.Errorf("%s gives no boolean", query)
			}
		}
	})
}
