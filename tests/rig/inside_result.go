package rig

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// innerResults reads what a test binary says with -test.v=test2json: lines about tests begin with a control byte (^V),
// and come as the tests begin and end; all between belongs to the test that was named last.
type innerResults struct {
	mu      sync.Mutex
	rest    []byte
	now     string // the test whose output comes, "" for none
	root    *innerTest
	byName  map[string]*innerTest
	outside strings.Builder // what belongs to no test: a panic, a log line
}

type innerTest struct {
	name  string // of this level only
	ended string // PASS, FAIL or SKIP
	took  string
	said  strings.Builder
	subs  []*innerTest
}

func newInnerResults() *innerResults {
	root := &innerTest{}
	return &innerResults{root: root, byName: map[string]*innerTest{"": root}}
}

// Write takes what the binary says, in pieces of any size.
func (r *innerResults) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rest = append(r.rest, p...)
	for {
		line, rest, found := bytes.Cut(r.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		r.take(string(line))
		r.rest = rest
	}
}

// finish takes a last line that has no end.
func (r *innerResults) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) > 0 {
		r.take(string(r.rest))
		r.rest = nil
	}
}

const mark = "\x16"

var (
	beginLine = regexp.MustCompile(`^=== (RUN|PAUSE|CONT|NAME) +(\S*)$`)
	endLine   = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP|BENCH): (\S+) \(([0-9.]+s)\)$`)
)

func (r *innerResults) take(line string) {
	// Output without a line end may stand before the mark.
	if before, after, found := strings.Cut(line, mark); found {
		if m := beginLine.FindStringSubmatch(after); m != nil {
			r.say(before)
			r.now = m[2]
			if r.now != "" {
				r.test(r.now)
			}
			return
		}
		if m := endLine.FindStringSubmatch(after); m != nil {
			r.say(before)
			t := r.test(m[2])
			t.ended, t.took = m[1], m[3]
			r.now = m[2] // what was logged follows
			return
		}
		line = before + after
	}
	if r.now == "" {
		r.outside.WriteString(line + "\n")
		return
	}
	r.test(r.now).said.WriteString(line + "\n")
}

func (r *innerResults) say(text string) {
	if text != "" {
		r.test(r.now).said.WriteString(text + "\n")
	}
}

// test finds or makes a test by its full name.
func (r *innerResults) test(name string) *innerTest {
	if t := r.byName[name]; t != nil {
		return t
	}
	parent, own := r.root, name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		parent, own = r.test(name[:i]), name[i+1:]
	}
	t := &innerTest{name: own}
	parent.subs = append(parent.subs, t)
	r.byName[name] = t
	return t
}

// report makes each inner test a subtest of t.
func (r *innerResults) report(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, inner := range r.root.subs {
		inner.report(t)
	}
}

func (i *innerTest) report(t *testing.T) {
	t.Run(i.name, func(t *testing.T) {
		for _, sub := range i.subs {
			sub.report(t)
		}
		t.Log(strings.TrimRight(i.took+" inside:\n"+i.said.String(), ":\n"))
		switch i.verdict() {
		case passed:
		case skipped:
			t.Skip("skipped itself inside the node")
		case failed:
			t.Fail()
		case cutOff:
			t.Error("cut off inside the node: it never said how it ended")
		}
	})
}

type verdict int

const (
	cutOff verdict = iota // the binary, or the node, ended before the test did
	passed
	failed
	skipped
)

func (i *innerTest) verdict() verdict {
	return map[string]verdict{"PASS": passed, "FAIL": failed, "SKIP": skipped}[i.ended]
}

// judge fails t for what no inner test tells: that there was none, or that the binary ended badly by itself.
func (r *innerResults) judge(t *testing.T, pattern, stderr string, err error) {
	t.Helper()
	if len(r.root.subs) == 0 {
		t.Errorf("no test ran inside the node: nothing matches %s", pattern)
	}
	if err != nil && !t.Failed() {
		t.Errorf("the tests inside the node: %v", err)
	}
	if t.Failed() && strings.TrimSpace(r.outside.String()+stderr) != "" {
		t.Logf("inside, beside the tests:\n%s%s", r.outside.String(), stderr)
	}
}
