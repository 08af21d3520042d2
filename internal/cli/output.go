package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is how results are printed.
type Format string

// Formats, as the OpenStack clients name them.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatYAML  Format = "yaml"
	FormatValue Format = "value" // bare values, one row a line, for shell scripts
)

// Formats lists all formats.
func Formats() []string {
	return []string{string(FormatTable), string(FormatJSON), string(FormatYAML), string(FormatValue)}
}

// Printer writes results.
type Printer struct {
	Out    io.Writer
	Format Format
	// Columns picks columns of lists and fields of shows, in this order; none means all but the long ones.
	Columns []string
	// Long shows the long columns too.
	Long bool
}

// Check refuses a format that is not known.
func (p Printer) Check() error {
	if !slices.Contains(Formats(), string(p.Format)) {
		return Errorf(Usage, "output format %q is not known; use one of %s", p.Format, strings.Join(Formats(), ", "))
	}
	return nil
}

// List prints a table.
func (p Printer) List(t Table) error {
	t, err := t.choose(p.Columns, p.Long)
	if err != nil {
		return err
	}
	switch p.Format {
	case FormatJSON:
		return p.json(t.records())
	case FormatYAML:
		return p.yaml(t.records())
	case FormatValue:
		for _, row := range t.Rows {
			if err := p.line(texts(row)...); err != nil {
				return err
			}
		}
		return nil
	}
	return p.table(t.titles(), t.Rows)
}

// Show prints one resource.
func (p Printer) Show(r Record) error {
	r, err := r.choose(p.Columns)
	if err != nil {
		return err
	}
	switch p.Format {
	case FormatJSON:
		return p.json(r)
	case FormatYAML:
		return p.yaml(r)
	case FormatValue:
		for _, f := range r {
			if err := p.line(Text(f.Value)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]any, len(r))
	for i, f := range r {
		rows[i] = []any{f.Name, f.Value}
	}
	return p.table([]string{"Field", "Value"}, rows)
}

func (p Printer) line(cells ...string) error {
	_, err := fmt.Fprintln(p.Out, strings.Join(cells, " "))
	return err
}

func texts(row []any) []string {
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = Text(v)
	}
	return out
}
