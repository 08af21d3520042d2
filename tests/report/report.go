package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json` (see `go doc test2json`).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output, in place of Package
	Test        string
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

type testKey struct{ pkg, test string }

// report counts tests, subtests included, and prints what a person needs of them.
type report struct {
	w                       io.Writer
	passed, failed, skipped int

	output map[testKey]*strings.Builder // of tests that have not ended, and of packages (no test)
	builds map[string]*strings.Builder  // what the compiler said
	inPkg  map[string]*tally
}

type tally struct{ passed, failed, skipped int }

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[testKey]*strings.Builder{}, builds: map[string]*strings.Builder{}, inPkg: map[string]*tally{}}
}

// read takes events until in ends. Lines that are no events (go's own complaints) are passed on.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprintln(r.w, strings.TrimSuffix(line, "\n"))
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			r.cutOff()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	key := testKey{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		builder(r.builds, e.ImportPath).WriteString(e.Output)
	case "output":
		builder(r.output, key).WriteString(e.Output)
	case "start", "run":
		builder(r.output, key)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(e)
		}
		delete(r.output, key)
	}
}

func (r *report) endTest(e event) {
	t := r.tally(e.Package)
	text := builder(r.output, testKey{e.Package, e.Test}).String()
	switch e.Action {
	case "pass":
		r.passed++
		t.passed++
	case "skip":
		r.skipped++
		t.skipped++
		fmt.Fprintf(r.w, "skip  %s %s: %s\n", e.Package, e.Test, reason(text))
	case "fail":
		r.failed++
		t.failed++
		fmt.Fprintf(r.w, "FAIL  %s %s (%.1f s)\n%s", e.Package, e.Test, e.Elapsed, indent(text))
	}
}

func (r *report) endPackage(e event) {
	t := r.tally(e.Package)
	switch {
	case e.Action == "skip": // it has no tests
	case e.Action == "pass":
		fmt.Fprintf(r.w, "ok    %s %.1f s, %d tests\n", e.Package, e.Elapsed, t.passed+t.skipped)
	case t.failed > 0:
		fmt.Fprintf(r.w, "FAIL  %s %.1f s, %d of %d tests\n%s", e.Package, e.Elapsed, t.failed, t.passed+t.failed+t.skipped,
			indent(beside(builder(r.output, testKey{pkg: e.Package}).String())))
	default: // it was not built, or ended outside of a test: that counts as one
		r.failed++
		fmt.Fprintf(r.w, "FAIL  %s %.1f s\n%s%s", e.Package, e.Elapsed,
			indent(builder(r.builds, e.FailedBuild).String()), indent(builder(r.output, testKey{pkg: e.Package}).String()))
	}
}

// cutOff counts packages that never said how they ended: go test itself was killed.
func (r *report) cutOff() {
	for key := range r.output {
		if key.test == "" && key.pkg != "" {
			r.failed++
			fmt.Fprintf(r.w, "FAIL  %s was cut off\n", key.pkg)
		}
	}
}

func (r *report) tally(pkg string) *tally {
	if r.inPkg[pkg] == nil {
		r.inPkg[pkg] = &tally{}
	}
	return r.inPkg[pkg]
}

func builder[K comparable](m map[K]*strings.Builder, key K) *strings.Builder {
	if m[key] == nil {
		m[key] = &strings.Builder{}
	}
	return m[key]
}

// reason is what a test said before it skipped itself.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") && line != "" {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, "; ")
}

// beside is what a package said outside of its tests, a dump of its goroutines for one, without go test's own last lines.
func beside(output string) string {
	var said strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "FAIL") && !strings.HasPrefix(line, "exit status ") {
			said.WriteString(line)
		}
	}
	return said.String()
}

func indent(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString("      " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return out.String()
}
