package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// position is where a value was given.
type position struct {
	file string
	line int    // from 1
	env  string // the variable's name, when it was not the file
}

func (p position) String() string {
	if p.env != "" {
		return "$" + p.env
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// Problem is one thing wrong with the configuration.
type Problem struct {
	Where   string // "clinker.conf:12", or "$CLINKER_QUOTA_VOLUMES" for an environment variable
	Line    int    // in the file, from 1; 0 when it was not the file, or is the file as a whole
	Section string // heading without brackets; empty when the line has none
	Option  string // as written; empty when a whole section or line is wrong
	Text    string // what is wrong and what is allowed; holds no secret
}

// Error says it in one line: where, which option, what is allowed.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Where)
	b.WriteString(": ")
	if p.Section != "" {
		fmt.Fprintf(&b, "[%s] ", p.Section)
	}
	b.WriteString(p.Option)
	if p.Option != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems is everything wrong with a configuration, in the order of the file,
// so that an operator mends it in one go.
type Problems []Problem

// Error gives one line a problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As reach a single Problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// sort brings problems into the order of the file; what has no line comes last.
func (ps Problems) sort() {
	last := func(line int) int {
		if line == 0 {
			return math.MaxInt
		}
		return line
	}
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(last(a.Line), last(b.Line)) })
}

// err is nil when there is nothing wrong: an empty Problems in an error
// interface would not be.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
