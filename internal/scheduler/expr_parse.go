package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of an expression, so that a slip in a configuration file cannot exhaust the stack.
const (
	maxExprLength = 4096
	maxExprDepth  = 400 // rules; a pair of brackets takes four
)

// expr is a parsed filter_function or goodness_function. Its grammar and precedence are those of
// Cinder's evaluator, from loosest to tightest:
//
//	or || |     and && &     ? :     == != <> < <= > >=     not !     + -     * /     sign     ^
//
// with abs, max, min, numbers, quoted texts, true, false and names such as capabilities.x. Note that
// "not" binds tighter than a comparison: write not (a == b).
type expr func(env) (any, error)

// env resolves a name: scope is the part before the first dot.
type env func(scope string, path []string) (any, bool)

type parser struct {
	tokens []token
	depth  int
}

func parseExpr(source string) (expr, error) {
	if len(source) > maxExprLength {
		return nil, fmt.Errorf("expression is longer than %d characters", maxExprLength)
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	e, err := p.or()
	if err == nil && p.tokens[0].kind != tokenEnd {
		err = p.unexpected()
	}
	return e, err
}

func (p *parser) unexpected() error {
	if p.tokens[0].kind == tokenEnd {
		return errors.New("expression ends too early")
	}
	return fmt.Errorf("unexpected %q", p.tokens[0].text)
}

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is one of these operators, words such as "and" included.
func (p *parser) accept(operators ...string) (string, bool) {
	t := p.tokens[0]
	if (t.kind == tokenSign || t.kind == tokenName) && slices.Contains(operators, t.text) {
		return p.next().text, true
	}
	return "", false
}

func (p *parser) expect(sign string) error {
	if _, ok := p.accept(sign); !ok {
		return fmt.Errorf("%w, %q wanted", p.unexpected(), sign)
	}
	return nil
}

// enter guards the rules that can nest without end; the caller defers leave.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxExprDepth {
		return errors.New("expression is nested too deep")
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// chain reads operand {operator operand}, grouped from the left.
func (p *parser) chain(operand func() (expr, error), join func(op string, a, b expr) expr, operators ...string) (expr, error) {
	left, err := operand()
	for err == nil {
		op, ok := p.accept(operators...)
		if !ok {
			return left, nil
		}
		var right expr
		if right, err = operand(); err == nil {
			left = join(op, left, right)
		}
	}
	return nil, err
}

func (p *parser) or() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.chain(p.and, evalOr, "or", "OR", "||", "|")
}

func (p *parser) and() (expr, error) {
	return p.chain(p.ternary, evalAnd, "and", "AND", "&&", "&")
}

func (p *parser) ternary() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	condition, err := p.comparison()
	if err != nil {
		return nil, err
	}
	if _, ok := p.accept("?"); !ok {
		return condition, nil
	}
	yes, err := p.or()
	if err != nil {
		return nil, err
	}
	if err = p.expect(":"); err != nil {
		return nil, err
	}
	no, err := p.ternary()
	if err != nil {
		return nil, err
	}
	return evalTernary(condition, yes, no), nil
}

// comparison reads a < b <= c, which holds when each neighbouring pair does.
func (p *parser) comparison() (expr, error) {
	first, err := p.not()
	if err != nil {
		return nil, err
	}
	operands, operators := []expr{first}, []string{}
	for {
		op, ok := p.accept("==", "!=", "<>", "<", "<=", ">", ">=")
		if !ok {
			break
		}
		operand, err := p.not()
		if err != nil {
			return nil, err
		}
		operands, operators = append(operands, operand), append(operators, op)
	}
	if len(operators) == 0 {
		return first, nil
	}
	return evalComparison(operands, operators), nil
}

func (p *parser) not() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if _, ok := p.accept("not", "NOT", "!"); !ok {
		return p.sum()
	}
	operand, err := p.not()
	if err != nil {
		return nil, err
	}
	return evalNot(operand), nil
}

func (p *parser) sum() (expr, error) { return p.chain(p.product, evalArithmetic, "+", "-") }

func (p *parser) product() (expr, error) { return p.chain(p.signed, evalArithmetic, "*", "/") }

func (p *parser) signed() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	op, ok := p.accept("+", "-")
	if !ok {
		return p.power()
	}
	operand, err := p.signed()
	if err != nil {
		return nil, err
	}
	return evalArithmetic(op, constant(0.0), operand), nil
}

// power groups from the right: 2^3^2 is 2^9.
func (p *parser) power() (expr, error) {
	base, err := p.primary()
	if err != nil {
		return nil, err
	}
	op, ok := p.accept("^")
	if !ok {
		return base, nil
	}
	exponent, err := p.signed()
	if err != nil {
		return nil, err
	}
	return evalArithmetic(op, base, exponent), nil
}

func (p *parser) primary() (expr, error) {
	if _, ok := p.accept("("); ok {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	}
	t := p.tokens[0]
	switch t.kind {
	case tokenNumber:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", t.text)
		}
		p.next()
		return constant(n), nil
	case tokenText:
		p.next()
		return constant(t.text), nil
	case tokenName:
		p.next()
		return p.name(t.text)
	}
	return nil, p.unexpected()
}

func (p *parser) name(name string) (expr, error) {
	if _, ok := p.accept("("); ok {
		return p.call(name)
	}
	switch name {
	case "true", "True":
		return constant(true), nil
	case "false", "False":
		return constant(false), nil
	}
	scope, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return constant(name), nil // Cinder takes a bare word for a text
	}
	if !slices.Contains([]string{"stats", "capabilities", "volume", "extra", "qos"}, scope) {
		return nil, fmt.Errorf("unknown name %s: it must be in one of stats, capabilities, volume, extra and qos, as in stats.total_volumes", name)
	}
	return evalName(name, scope, strings.Split(rest, ".")), nil
}

func (p *parser) call(name string) (expr, error) {
	if !slices.Contains([]string{"abs", "max", "min"}, name) {
		return nil, fmt.Errorf("unknown function %s, known are abs, max, min", name)
	}
	var args []expr
	for {
		arg, err := p.or()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		if _, ok := p.accept(","); !ok {
			break
		}
	}
	if name == "abs" && len(args) != 1 {
		return nil, fmt.Errorf("abs takes one number, not %d", len(args))
	}
	return evalCall(name, args), p.expect(")")
}
