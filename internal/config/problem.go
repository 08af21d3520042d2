package config

import (
	"fmt"
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

// err is nil when there is nothing wrong: an empty Problems in an error
// interface would not be.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
