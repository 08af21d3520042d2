package policy

import "strings"

// Problem is one thing that is wrong with a file of rules.
type Problem struct {
	Where string // "policy.yaml:12"; the file alone where no line is to blame
	Text  string
}

func (p Problem) String() string { return p.Where + ": " + p.Text }

// Problems are all that is wrong, so that an operator mends a file in one go.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}
