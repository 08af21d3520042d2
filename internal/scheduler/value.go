package scheduler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// list gives the elements of a list value.
func list(v any) ([]any, bool) {
	switch l := v.(type) {
	case []any:
		return l, true
	case []string:
		out := make([]any, len(l))
		for i, s := range l {
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

// plainNumber gives the value of anything that is a number already; text and booleans are not.
func plainNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case float32:
		return float64(n), true
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// number reads a number from anything that looks like one: true is 1, as it is to Cinder, and text
// may spell one. NaN is none.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case bool:
		return boolNumber(x), true
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(x), 64)
		return n, err == nil && !math.IsNaN(n)
	}
	n, ok := plainNumber(v)
	return n, ok && !math.IsNaN(n)
}

// boolNumber is 1 for true.
func boolNumber(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// truth says whether a value counts as true where a condition is wanted.
func truth(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		return x != ""
	case map[string]any:
		return len(x) > 0
	}
	if l, ok := list(v); ok {
		return len(l) > 0
	}
	n, ok := plainNumber(v)
	return !ok || n != 0
}

// boolean reads a word the way oslo's bool_from_string does: whatever is not a known yes is no.
func boolean(v any) bool {
	switch strings.ToLower(strings.TrimSpace(text(v))) {
	case "1", "t", "true", "on", "y", "yes":
		return true
	}
	return false
}

// text writes a value for reasons and for booleans; booleans look as they do in extra specs.
func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		if x {
			return "True"
		}
		return "False"
	}
	if n, ok := plainNumber(v); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	if data, err := json.Marshal(v); err == nil { // sorts keys, unlike fmt for nested lists of maps
		return string(data)
	}
	return fmt.Sprint(v)
}

// gib writes a size with at most two decimals, which is as exact as drivers report.
func gib(n float64) string {
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64) + " GiB"
}

// clip shortens text that somebody else wrote, so that reasons stay small.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}

// orderOf compares two values of one kind: numbers, texts, or booleans (false before true). Values
// of different kinds have no order.
func orderOf(a, b any) (int, bool) {
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	}
	if x, ok := a.(bool); ok {
		y, ok := b.(bool)
		return cmp.Compare(boolNumber(x), boolNumber(y)), ok
	}
	x, ok := plainNumber(a)
	y, too := plainNumber(b)
	return cmp.Compare(x, y), ok && too
}
