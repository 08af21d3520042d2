package scheduler

import "errors"

// functions evaluates the expressions of pools for one request. Many pools share one text, so each
// text is parsed once.
type functions struct {
	req    *Request
	parsed map[string]parsedExpr
}

type parsedExpr struct {
	run expr
	err error
}

func newFunctions(req *Request) *functions {
	return &functions{req: req, parsed: map[string]parsedExpr{}}
}

// evaluate gives the value of an expression for a pool.
func (f *functions) evaluate(source string, pool *Pool) (any, error) {
	p, ok := f.parsed[source]
	if !ok {
		p.run, p.err = parseExpr(source)
		f.parsed[source] = p
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.run(func(scope string, path []string) (any, bool) {
		switch scope {
		case "stats", "capabilities":
			return pool.lookup(path)
		}
		return f.req.variable(scope, path)
	})
}

// goodness gives 0 (poor) to 100 (perfect). Without a function it is 0; so it is when the function
// fails, and the error says how.
func (f *functions) goodness(pool *Pool) (float64, error) {
	source := pool.function(pool.GoodnessFunction, "goodness_function")
	if source == "" {
		return 0, nil
	}
	v, err := f.evaluate(source, pool)
	if err != nil {
		return 0, err
	}
	if yes, ok := v.(bool); ok {
		return 100 * boolNumber(yes), nil
	}
	n, ok := plainNumber(v)
	if !ok || !(n >= 0 && n <= 100) {
		return 0, errors.New("result must be 0 to 100: " + show(v))
	}
	return n, nil
}

// function gives the expression set for the pool, or the one that its driver reports.
func (p *Pool) function(set, capability string) string {
	if set != "" {
		return set
	}
	v, ok := p.Capabilities[capability]
	if !ok || v == nil {
		return ""
	}
	return text(v)
}

func hasFilterFunction(p Pool) bool { return p.function(p.FilterFunction, "filter_function") != "" }

// driverFilter refuses pools whose filter_function does not hold, or fails.
func driverFilter(req *Request) (check, error) {
	f := newFunctions(req)
	return func(p *Pool) reason {
		source := p.function(p.FilterFunction, "filter_function")
		if source == "" {
			return pass
		}
		v, err := f.evaluate(source, p)
		switch {
		case err != nil:
			return reason{"filter_function fails", err.Error() + ": " + source}
		case !truth(v):
			return reason{"filter_function does not hold", source}
		}
		return pass
	}, nil
}
