package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of a rule's text, far beyond what anybody writes; without them a file could exhaust the stack.
const (
	maxRule  = 64 << 10
	maxDepth = 100
)

// parseRule reads a rule: checks joined by and, or, not and parentheses. not binds closest, or least.
// An empty rule allows everybody, as in oslo.policy.
func parseRule(text string) (check, error) {
	if len(text) > maxRule {
		return nil, fmt.Errorf("the rule has %d bytes; at most %d are read", len(text), maxRule)
	}
	p := &parser{tokens: tokens(text)}
	if len(p.tokens) == 0 {
		return always(true), nil
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		return nil, fmt.Errorf("%q: there should be \"and\" or \"or\" before it", clip(p.tokens[p.at]))
	}
	return c, nil
}

// tokens splits at blanks. Parentheses stand apart only at a word's ends: those within belong to %(key)s.
func tokens(text string) []string {
	var out []string
	for _, word := range strings.Fields(text) {
		inner := strings.TrimLeft(word, "(")
		for range len(word) - len(inner) {
			out = append(out, "(")
		}
		core := strings.TrimRight(inner, ")")
		if core != "" {
			out = append(out, core)
		}
		for range len(inner) - len(core) {
			out = append(out, ")")
		}
	}
	return out
}

type parser struct {
	tokens []string
	at     int
	depth  int
}

func (p *parser) word(w string) bool {
	if p.at < len(p.tokens) && strings.EqualFold(p.tokens[p.at], w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) or() (check, error) {
	var some anyOf
	for {
		c, err := p.and()
		if err != nil {
			return nil, err
		}
		if some = append(some, c); !p.word("or") {
			break
		}
	}
	if len(some) == 1 {
		return some[0], nil
	}
	return some, nil
}

func (p *parser) and() (check, error) {
	var all allOf
	for {
		c, err := p.one()
		if err != nil {
			return nil, err
		}
		if all = append(all, c); !p.word("and") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) one() (check, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("parentheses and \"not\" stand more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.at == len(p.tokens):
		return nil, errors.New("the rule ends where a check should follow")
	case p.word("not"):
		c, err := p.one()
		return negation{c}, err
	case p.word("("):
		c, err := p.or()
		if err == nil && !p.word(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return c, err
	}
	token := p.tokens[p.at]
	switch strings.ToLower(token) {
	case "and", "or", ")":
		return nil, fmt.Errorf("%q stands where a check should be", token)
	}
	p.at++
	return parseCheck(token)
}
