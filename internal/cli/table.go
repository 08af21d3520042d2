package cli

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Column is a column of a list. Titles are stable: scripts use them with -c and in JSON.
type Column struct {
	Title string
	// Key is the field of the object that is shown, unless Value computes it.
	Key   string
	Value func(Object) any
	// Long columns are shown with --long, or when -c names them.
	Long bool
}

// Table is a list to print.
type Table struct {
	Columns []Column
	Rows    [][]any
}

// NewTable lays objects out in columns.
func NewTable(columns []Column, objects []Object) Table {
	t := Table{Columns: columns, Rows: make([][]any, len(objects))}
	for i, o := range objects {
		t.Rows[i] = make([]any, len(columns))
		for j, c := range columns {
			if c.Value != nil {
				t.Rows[i][j] = c.Value(o)
			} else {
				t.Rows[i][j] = o[c.Key]
			}
		}
	}
	return t
}

// SortBy sorts rows by "title" or "title:desc"; "" leaves them as they came.
func (t Table) SortBy(spec string) error {
	if spec == "" {
		return nil
	}
	title, direction, _ := strings.Cut(spec, ":")
	at, err := t.find(title)
	if err != nil {
		return err
	}
	if direction != "" && direction != "asc" && direction != "desc" {
		return Errorf(Usage, "sort direction %q is not known; use asc or desc", direction)
	}
	slices.SortStableFunc(t.Rows, func(a, b []any) int {
		if direction == "desc" {
			a, b = b, a
		}
		return compare(a[at], b[at])
	})
	return nil
}

func compare(a, b any) int {
	an, aok := a.(json.Number)
	bn, bok := b.(json.Number)
	if aok && bok {
		af, _ := an.Float64()
		bf, _ := bn.Float64()
		return cmp.Compare(af, bf)
	}
	return strings.Compare(Text(a), Text(b))
}

// choose keeps the named columns, or without names those that are not long.
func (t Table) choose(names []string, long bool) (Table, error) {
	var keep []int
	for i, c := range t.Columns {
		if len(names) == 0 && (long || !c.Long) {
			keep = append(keep, i)
		}
	}
	for _, name := range names {
		i, err := t.find(name)
		if err != nil {
			return Table{}, err
		}
		keep = append(keep, i)
	}
	chosen := Table{Rows: make([][]any, len(t.Rows))}
	for _, i := range keep {
		chosen.Columns = append(chosen.Columns, t.Columns[i])
		for r, row := range t.Rows {
			chosen.Rows[r] = append(chosen.Rows[r], row[i])
		}
	}
	return chosen, nil
}

func (t Table) find(name string) (int, error) {
	for i, c := range t.Columns {
		if strings.EqualFold(c.Title, name) || c.Key != "" && strings.EqualFold(c.Key, name) {
			return i, nil
		}
	}
	return 0, Errorf(Usage, "there is no column %q; there are %s", name, strings.Join(t.titles(), ", "))
}

func (t Table) titles() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Title
	}
	return out
}

func (t Table) records() []Record {
	out := make([]Record, len(t.Rows))
	for i, row := range t.Rows {
		for j, c := range t.Columns {
			out[i] = append(out[i], Field{c.Title, row[j]})
		}
	}
	return out
}
