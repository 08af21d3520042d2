package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxQueryDepth bounds the nesting of a query, which any user may send.
const maxQueryDepth = 32

// term is a part of a query that gives a value for a pool; nil when the pool has none.
type term func(*Pool) any

// jsonFilter follows the query hint: ["and", [">=", "$free_capacity_gb", 1024], ["=", "$vendor", "x"]].
func jsonFilter(req *Request) (check, error) {
	if strings.TrimSpace(req.Hints.Query) == "" {
		return nil, nil
	}
	query, err := parseQuery(req.Hints.Query)
	if err != nil {
		return nil, fmt.Errorf("hint query: %w", err)
	}
	why := reason{text: "does not match hint query " + clip(strings.TrimSpace(req.Hints.Query), maxDetail)}
	return func(p *Pool) reason {
		if truth(query(p)) {
			return pass
		}
		return why
	}, nil
}

func parseQuery(query string) (term, error) {
	var q any
	if err := json.Unmarshal([]byte(query), &q); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	l, ok := q.([]any)
	if !ok {
		return nil, errors.New(`must be a list such as [">=", "$free_capacity_gb", 1024]`)
	}
	return parseOperation(l, 0)
}

func parseOperation(l []any, depth int) (term, error) {
	if depth > maxQueryDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxQueryDepth)
	}
	if len(l) == 0 {
		return func(*Pool) any { return true }, nil
	}
	name, _ := l[0].(string)
	op, ok := queryOperation(name)
	if !ok {
		return nil, fmt.Errorf("unknown operation %s, known are = < > <= >= in not and or", clip(text(l[0]), 40))
	}
	args := make([]term, len(l)-1)
	for i, arg := range l[1:] {
		t, err := parseTerm(arg, depth)
		if err != nil {
			return nil, err
		}
		args[i] = t
	}
	return func(p *Pool) any {
		// An argument without a value drops out, and a comparison left with one argument is false.
		values := make([]any, 0, len(args))
		for _, arg := range args {
			if v := arg(p); v != nil {
				values = append(values, v)
			}
		}
		return op(values)
	}, nil
}

func parseTerm(arg any, depth int) (term, error) {
	switch a := arg.(type) {
	case []any:
		return parseOperation(a, depth+1)
	case map[string]any:
		return nil, fmt.Errorf("an object cannot stand in a query: %s", clip(text(a), 40))
	case string:
		if a == "" {
			return func(*Pool) any { return nil }, nil
		}
		if name, ok := strings.CutPrefix(a, "$"); ok {
			return variable(strings.Split(name, ".")), nil
		}
	}
	return func(*Pool) any { return arg }, nil
}

// variable is $name, $name.key, or the same below $capabilities.
func variable(path []string) term {
	if path[0] == "capabilities" && len(path) > 1 {
		path = path[1:]
	}
	return func(p *Pool) any {
		v, _ := p.lookup(path)
		return v
	}
}

func queryOperation(name string) (func([]any) bool, bool) {
	switch name {
	case "and":
		return func(args []any) bool { return !slices.ContainsFunc(args, isFalse) }, true
	case "or":
		return func(args []any) bool { return slices.ContainsFunc(args, truth) }, true
	case "not": // of several: any that is false. Cinder takes a nested "not" for true always.
		return func(args []any) bool { return slices.ContainsFunc(args, isFalse) }, true
	case "in":
		return func(args []any) bool { return len(args) > 1 && isIn(args[0], args[1:]) }, true
	case "=":
		return compareAll("=="), true
	case "<", ">", "<=", ">=":
		return compareAll(name), true
	}
	return nil, false
}

// compareAll holds the first argument against each of the others.
func compareAll(op string) func([]any) bool {
	return func(args []any) bool {
		if len(args) < 2 {
			return false
		}
		for _, other := range args[1:] {
			order, ok := orderOf(args[0], other)
			if !ok || !compares(op, order) {
				return false
			}
		}
		return true
	}
}

// isIn looks among the values, and in those that are lists.
func isIn(v any, among []any) bool {
	for _, a := range among {
		if elements, ok := list(a); ok && isIn(v, elements) {
			return true
		}
		if order, ok := orderOf(v, a); ok && order == 0 {
			return true
		}
	}
	return false
}

func isFalse(v any) bool { return !truth(v) }
