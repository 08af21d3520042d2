package scheduler

import (
	"cmp"
	"fmt"
	"math"
)

func constant(v any) expr { return func(env) (any, error) { return v, nil } }

// evalName looks a name up. Text that spells a number is one, since extra specs are all text.
func evalName(name, scope string, path []string) expr {
	return func(e env) (any, error) {
		v, ok := e(scope, path)
		if !ok {
			return nil, fmt.Errorf("%s is not known", name)
		}
		if _, isBool := v.(bool); isBool {
			return v, nil
		}
		if n, ok := number(v); ok && !math.IsInf(n, 0) {
			return n, nil
		}
		return v, nil
	}
}

// evalAnd and evalOr give one of their operands, as Python does, and always look at both: a slip in
// the second must not stay hidden until the first changes.
func evalAnd(_ string, a, b expr) expr {
	return both(a, b, func(x, y any) (any, error) {
		if truth(x) {
			return y, nil
		}
		return x, nil
	})
}

func evalOr(_ string, a, b expr) expr {
	return both(a, b, func(x, y any) (any, error) {
		if truth(x) {
			return x, nil
		}
		return y, nil
	})
}

func evalNot(a expr) expr {
	return func(e env) (any, error) {
		v, err := a(e)
		return !truth(v), err
	}
}

func evalTernary(condition, yes, no expr) expr {
	return func(e env) (any, error) {
		v, err := condition(e)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			return yes(e)
		}
		return no(e)
	}
}

func evalComparison(operands []expr, operators []string) expr {
	return func(e env) (any, error) {
		left, err := operands[0](e)
		if err != nil {
			return nil, err
		}
		holds := true
		for i, op := range operators {
			right, err := operands[i+1](e)
			if err != nil {
				return nil, err
			}
			ok, err := compareValues(op, left, right)
			if err != nil {
				return nil, err
			}
			holds, left = holds && ok, right
		}
		return holds, nil
	}
}

// compareValues orders numbers and texts; values of different kinds are only ever unequal. A boolean
// counts as 0 or 1 and a text that spells a number as that number when the other side is one.
func compareValues(op string, a, b any) (bool, error) {
	if order, ok := orderOf(a, b); ok {
		return compares(op, order), nil
	}
	x, ok := number(a)
	y, too := number(b)
	if ok && too {
		return compares(op, cmp.Compare(x, y)), nil
	}
	switch op {
	case "==":
		return false, nil
	case "!=", "<>":
		return true, nil
	}
	return false, fmt.Errorf("cannot tell whether %s %s %s", show(a), op, show(b))
}

func evalArithmetic(op string, a, b expr) expr {
	return both(a, b, func(l, r any) (any, error) {
		x, ok := operand(l)
		y, too := operand(r)
		if !ok || !too {
			return nil, fmt.Errorf("cannot calculate %s %s %s", show(l), op, show(r))
		}
		n := calculate(op, x, y)
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("%s %s %s has no result", show(l), op, show(r))
		}
		return n, nil
	})
}

func calculate(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	}
	return math.Pow(x, y)
}

func evalCall(name string, args []expr) expr {
	return func(e env) (any, error) {
		var result float64
		for i, arg := range args {
			v, err := arg(e)
			if err != nil {
				return nil, err
			}
			n, ok := operand(v)
			switch {
			case !ok:
				return nil, fmt.Errorf("%s needs numbers, not %s", name, show(v))
			case name == "abs":
				result = math.Abs(n)
			case i == 0:
				result = n
			case name == "max":
				result = max(result, n)
			default:
				result = min(result, n)
			}
		}
		return result, nil
	}
}

// operand gives the number in a calculation: a number or a boolean, but no text.
func operand(v any) (float64, bool) {
	if _, isText := v.(string); isText {
		return 0, false
	}
	return number(v)
}

func both(a, b expr, join func(x, y any) (any, error)) expr {
	return func(e env) (any, error) {
		x, err := a(e)
		if err != nil {
			return nil, err
		}
		y, err := b(e)
		if err != nil {
			return nil, err
		}
		return join(x, y)
	}
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", clip(s, 40))
	}
	return clip(text(v), 40)
}
