// Package suggest finds what somebody meant who has mistyped a name.
package suggest

import "github.com/agnivade/levenshtein"

// longest is the length in bytes of a name that is compared at all: whoever writes more has not mistyped one.
const longest = 100

// Nearest returns the candidate most like name, "" when none is close enough to be what was meant. Of equals the first wins, so callers sort.
func Nearest(name string, candidates []string) string {
	if len(name) > longest {
		return ""
	}
	best, least := "", min(3, 1+len(name)/6)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(name, c); d < least {
			best, least = c, d
		}
	}
	return best
}
