package config

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// Report is what `clinkerd config check` says of a file.
type Report struct {
	File              string
	Used              []Item
	AcceptedNotNeeded []Item
	Unknown           []Item
	Problems          Problems // wrong values and, once more, what is unknown
}

// Check judges a file, without the environment. The error is for a file that
// can't be read; what is wrong inside it is in the report.
func Check(path string) (Report, error) {
	t, problems, err := readFile(path)
	if err != nil {
		return Report{}, err
	}
	_, j := evaluate(t, problems)
	return Report{File: path, Used: j.used, AcceptedNotNeeded: j.accepted, Unknown: j.unknown, Problems: j.problems}, nil
}

// Err is nil when [Load] would take the file, else the [Problems] it would return.
func (r Report) Err() error { return r.Problems.err() }

// OK says whether [Load] would take the file.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// WriteTo prints the report for a person. Secrets are masked.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %d used, %d accepted but not needed, %d unknown, %d problems\n",
		r.File, len(r.Used), len(r.AcceptedNotNeeded), len(r.Unknown), len(r.Problems))
	writeItems(&b, "Used", r.Used)
	writeItems(&b, "Accepted, not needed", r.AcceptedNotNeeded)
	writeItems(&b, "Unknown", r.Unknown)
	if len(r.Problems) > 0 {
		fmt.Fprintf(&b, "\nProblems\n")
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "  %s\n", p.Error())
		}
	}
	return b.WriteTo(w)
}

func writeItems(b *bytes.Buffer, title string, items []Item) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	var table bytes.Buffer
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, i := range items {
		fmt.Fprintf(tw, "  %d\t[%s]\t%s\t%s\t%s\n", i.Line, i.Section, i.Option, i.Value, i.Note)
	}
	tw.Flush()
	for line := range bytes.Lines(table.Bytes()) {
		b.Write(bytes.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
}
