package store

import (
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// listing is what a list needs to know of its table.
type listing struct {
	kind  string // for errors
	table string
	keys  map[string]string // columns to sort by, by their API names
	sort  []models.SortKey  // where the caller names no order
	// nothing are filters that are known and of which no row has any; statuses are those that are shown as one, nil is itself.
	nothing  []string
	statuses func(shown string) []any
}

var newestFirst = []models.SortKey{{Key: "created_at", Desc: true}}

type sortColumn struct {
	name string
	desc bool
}

// order makes columns of sort keys. The id comes last, in the direction of the key before it, so that no two rows are equal and
// one index serves the whole order.
func (l listing) order(keys []models.SortKey) ([]sortColumn, error) {
	if len(keys) == 0 {
		keys = l.sort
	}
	var cols []sortColumn
	for _, k := range keys {
		name, ok := l.keys[k.Key]
		if !ok {
			return nil, fmt.Errorf("sort key %q %w", k.Key, models.ErrInvalid)
		}
		cols = append(cols, sortColumn{name, k.Desc})
		if name == "id" {
			return cols, nil
		}
	}
	return append(cols, sortColumn{"id", cols[len(cols)-1].desc}), nil
}

// page puts order, marker, offset and limit to q. scope is what the caller may see at all, without filters: the marker
// must be in it, but need not pass the filters any more.
func (l listing) page(q, scope *gorm.DB, p models.Page) (*gorm.DB, error) {
	cols, err := l.order(p.Sort)
	if err != nil {
		return nil, err
	}
	if p.Marker != "" {
		at, err := l.marker(scope, cols, p.Marker)
		if err != nil {
			return nil, err
		}
		where, args := after(cols, at)
		q = q.Where(where, args...)
	}
	var order []string
	for _, c := range cols {
		if c.desc {
			order = append(order, c.name+" DESC")
		} else {
			order = append(order, c.name)
		}
	}
	q = q.Order(strings.Join(order, ", "))
	if p.Limit >= 0 {
		q = q.Limit(p.Limit)
	}
	if p.Offset > 0 {
		q = q.Offset(p.Offset)
	}
	return q, nil
}

// marker reads the sort columns of the row that the last page ended with.
func (l listing) marker(scope *gorm.DB, cols []sortColumn, id string) ([]any, error) {
	names := make([]string, len(cols))
	at := make([]any, len(cols))
	into := make([]any, len(cols))
	for i, c := range cols {
		names[i], into[i] = c.name, &at[i]
	}
	rows, err := scope.Table(l.table).Select(strings.Join(names, ", ")).Where("id = ?", id).Rows()
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, translate(err)
		}
		return nil, fmt.Errorf("marker %s: %w", id, models.ErrNotFound)
	}
	return at, translate(rows.Scan(into...))
}

// after is the condition that a row comes behind the values in the order of cols. Where all directions are the same it is one
// comparison of rows, which both engines answer from an index; else it is spelled out, with a bound on the first column
// that an index can serve.
func after(cols []sortColumn, at []any) (string, []any) {
	uniform := true
	names, marks := make([]string, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		names[i], marks[i] = c.name, "?"
		uniform = uniform && c.desc == cols[0].desc
	}
	if uniform {
		return "(" + strings.Join(names, ", ") + ") " + beyond(cols[0]) + " (" + strings.Join(marks, ", ") + ")", at
	}
	var ors []string
	var args []any
	for i, c := range cols {
		var ands []string
		for j := range i {
			ands = append(ands, cols[j].name+" = ?")
			args = append(args, at[j])
		}
		ors = append(ors, "("+strings.Join(append(ands, c.name+" "+beyond(c)+" ?"), " AND ")+")")
		args = append(args, at[i])
	}
	first := cols[0].name + " " + beyond(cols[0]) + "= ?"
	return first + " AND (" + strings.Join(ors, " OR ") + ")", append([]any{at[0]}, args...)
}

func beyond(c sortColumn) string {
	if c.desc {
		return "<"
	}
	return ">"
}
