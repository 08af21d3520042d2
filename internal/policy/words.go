package policy

import (
	"slices"
	"strings"
)

// sorted returns a map's keys in order, for messages.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// clip keeps messages short and on one line, whatever stands in the file.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "..."
	}
	return s
}

// listText writes a rule of lists as a rule of words, for those who list rules.
func listText(rows []any) string {
	var some []string
	for _, row := range rows {
		inner, ok := row.([]any)
		if !ok {
			inner = []any{row}
		}
		var all []string
		for _, one := range inner {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		if len(all) > 0 {
			some = append(some, strings.Join(all, " and "))
		}
	}
	switch {
	case len(rows) == 0:
		return "@"
	case len(some) == 0:
		return "!"
	}
	return strings.Join(some, " or ")
}
