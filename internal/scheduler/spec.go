package scheduler

import (
	"fmt"
	"strings"
)

// spec is the value of an extra spec: an operator and its words, or a text to be equal to.
//
// The operators are Cinder's (cinder/scheduler/filters/extra_specs_ops.py) and <all-in>, which
// oslo.utils' matcher has and Cinder has not.
type spec struct {
	raw   string
	op    string // "" means: equal to raw
	words []string
}

func parseSpec(raw string) spec {
	words := strings.Fields(raw)
	if len(words) == 0 || !isOperator(words[0]) {
		return spec{raw: raw}
	}
	return spec{raw: raw, op: words[0], words: words[1:]}
}

func isOperator(word string) bool {
	switch word {
	case "=", "==", "!=", ">=", "<=", "s==", "s!=", "s<", "s<=", "s>", "s>=", "<in>", "<all-in>", "<is>", "<or>":
		return true
	}
	return false
}

// matches says whether a reported value satisfies the spec. Of a list any element may. An operator
// without a word is satisfied by nothing; words after the first are only read by <or> and <all-in>.
func (s spec) matches(have any) bool {
	if s.op == "<all-in>" {
		return s.allIn(have)
	}
	if elements, ok := list(have); ok {
		for _, e := range elements {
			if s.matches(e) {
				return true
			}
		}
		return false
	}
	if s.op == "" {
		return have == any(s.raw)
	}
	if len(s.words) == 0 {
		return false
	}
	switch s.op {
	case "<is>":
		return boolean(have) == boolean(s.words[0])
	case "<or>":
		return s.or(have)
	case "<in>":
		str, ok := have.(string)
		return ok && strings.Contains(str, s.words[0])
	}
	if textOp, ok := strings.CutPrefix(s.op, "s"); ok {
		str, isText := have.(string)
		return isText && compares(textOp, strings.Compare(str, s.words[0]))
	}
	return s.compareNumbers(have)
}

func (s spec) compareNumbers(have any) bool {
	a, ok := number(have)
	b, wanted := number(s.words[0])
	if !ok || !wanted {
		return false
	}
	op := s.op
	if op == "=" { // "at least", of old
		op = ">="
	}
	switch {
	case a < b:
		return compares(op, -1)
	case a > b:
		return compares(op, 1)
	}
	return compares(op, 0)
}

// compares says whether an order (-1, 0, 1) satisfies a comparison.
func compares(op string, order int) bool {
	switch op {
	case "==":
		return order == 0
	case "!=", "<>":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return false
}

// or reads "<or> a <or> b": every second word is a choice.
func (s spec) or(have any) bool {
	for i := 0; i < len(s.words); i += 2 {
		if have == any(s.words[i]) {
			return true
		}
	}
	return false
}

// allIn wants every word: as an element of a list, or within a text.
func (s spec) allIn(have any) bool {
	elements, isList := list(have)
	str, isText := have.(string)
	for _, word := range s.words {
		found := isText && strings.Contains(str, word)
		for _, e := range elements {
			found = found || e == any(word)
		}
		if !found {
			return false
		}
	}
	return len(s.words) > 0 && (isList || isText)
}

// advice tells of the two mistakes that puzzle people: a boolean or a number is never equal to a
// text, however alike they look.
func (s spec) advice(have any) string {
	if s.op != "" && s.op != "<or>" && s.op != "s==" {
		return ""
	}
	if b, ok := have.(bool); ok {
		return fmt.Sprintf(`a boolean: write "<is> %s"`, text(b))
	}
	if n, ok := plainNumber(have); ok {
		return fmt.Sprintf(`a number: write "== %s"`, text(n))
	}
	return ""
}
