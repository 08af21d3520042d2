package execxtest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clinker-storage/clinker/internal/execx"
)

// Answer is what a program says and how it ends. The zero value is a silent success.
type Answer struct {
	Stdout, Stderr string
	Exit           int   // other than 0 makes Run answer with an *execx.ExitError
	Err            error // answered as it is, in place of that
}

// Call is a command that was run, and what it was given on standard input.
type Call struct {
	execx.Command
	Input string
}

// Runner is an execx.Runner that runs nothing. It is safe for concurrent use.
type Runner struct {
	t     testing.TB
	mu    sync.Mutex
	rules []*rule
	calls []Call
}

type rule struct {
	words   []string
	handler func(Call) Answer
}

var _ execx.Runner = (*Runner)(nil)

// New returns a Runner that fails the test when it is asked something that it has no answer to.
func New(t testing.TB) *Runner { return &Runner{t: t} }

// On answers commands that begin with these words, taken apart at blanks: with each of the answers in turn, then with
// the last one again and again; with none, by a silent success. The longest match counts, and of two equal ones the
// later.
func (r *Runner) On(command string, answers ...Answer) *Runner {
	if len(answers) == 0 {
		answers = []Answer{{}}
	}
	next := 0
	return r.OnFunc(command, func(Call) Answer {
		a := answers[next]
		next = min(next+1, len(answers)-1)
		return a
	})
}

// OnFunc answers commands that begin with these words by a function. It is called by one at a time.
func (r *Runner) OnFunc(command string, handler func(Call) Answer) *Runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rules = append(r.rules, &rule{words: strings.Fields(command), handler: handler})
	return r
}

// Run answers as the rules say. A cancelled context is answered as the real Runner does.
func (r *Runner) Run(ctx context.Context, c execx.Command) (execx.Result, error) {
	if err := ctx.Err(); err != nil {
		return execx.Result{ExitCode: -1}, fmt.Errorf("%s was not run: %w", c.Name, err)
	}
	call := Call{Command: c}
	if c.Stdin != nil {
		input, err := io.ReadAll(c.Stdin)
		if err != nil {
			return execx.Result{ExitCode: -1}, fmt.Errorf("%s: %w", c, err)
		}
		call.Input = string(input)
	}
	a, known := r.answer(call)
	if !known {
		err := fmt.Errorf("nobody told what %s answers", c)
		r.t.Error(err)
		return execx.Result{ExitCode: -1}, err
	}
	return deliver(c, a)
}

func deliver(c execx.Command, a Answer) (execx.Result, error) {
	result := execx.Result{Stderr: []byte(a.Stderr), ExitCode: a.Exit}
	if c.Stdout == nil {
		result.Stdout = []byte(a.Stdout)
	} else if _, err := io.WriteString(c.Stdout, a.Stdout); err != nil {
		return result, fmt.Errorf("%s: %w", c, err)
	}
	switch {
	case a.Err != nil:
		return result, a.Err
	case a.Exit != 0:
		return result, &execx.ExitError{Command: c.String(), ExitCode: a.Exit, Stderr: strings.TrimSpace(a.Stderr)}
	}
	return result, nil
}

func (r *Runner) answer(call Call) (Answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	argv := append([]string{call.Name}, call.Args...)
	var best *rule
	for _, rule := range r.rules {
		if len(rule.words) <= len(argv) && slices.Equal(rule.words, argv[:len(rule.words)]) &&
			(best == nil || len(rule.words) >= len(best.words)) {
			best = rule
		}
	}
	if best == nil {
		return Answer{}, false
	}
	return best.handler(call), true
}

// Calls are the commands that were run, in order.
func (r *Runner) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// Lines are the command lines that were run, in order, as execx.Command.String shows them.
func (r *Runner) Lines() []string {
	calls := r.Calls()
	lines := make([]string, len(calls))
	for i, c := range calls {
		lines[i] = c.String()
	}
	return lines
}

// Forget forgets the commands that were run; the answers stay.
func (r *Runner) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}
