//go:build !noembed

package devserver

import (
	"fmt"
	"slices"
	"strings"
)

// Temporal writes three visibility rows a flow, each into 60 indexes and two
// full-text tables: a fifth of all CPU a flow costs. So lists have a file of
// their own, which need not sync at every commit (they are derived, and what a
// power cut takes of them is lists, not flows), without the indexes that no
// list of ours uses, and with full-text rows only where there is text.

// visibilityDurability is the synchronous level of the lists' file.
const visibilityDurability = "NORMAL"

// keptIndexes serve the lists of the Web UI and of Clinker. Others, by a custom
// search attribute say, read the rows of the namespace: as many as retention
// leaves.
var keptIndexes = []string{"default_idx", "by_workflow_id", "by_workflow_type", "by_status"}

func ofVisibility(stmt string) bool { return strings.Contains(stmt, "executions_visibility") }

// visibilityStatements makes of Temporal's schema statement what we run
// instead, which may be nothing.
func visibilityStatements(stmt string) []string {
	words := strings.Fields(stmt)
	switch {
	case !ofVisibility(stmt), len(words) < 3, words[1] == "TRIGGER":
		return nil
	case words[1] == "INDEX" && !slices.Contains(keptIndexes, words[2]):
		return nil
	case words[1] == "VIRTUAL":
		return append([]string{stmt}, textTriggers(words[3], textColumns(stmt))...)
	}
	return []string{stmt}
}

// textColumns reads the columns of a CREATE VIRTUAL TABLE ... USING fts5 (a,
// b, content=...).
func textColumns(stmt string) (columns []string) {
	_, list, _ := strings.Cut(stmt, "(")
	for item := range strings.SplitSeq(list, ",") {
		if strings.Contains(item, "=") {
			break
		}
		columns = append(columns, strings.TrimSpace(item))
	}
	return columns
}

// textTriggers keep a full-text table in step with its content, as Temporal's
// own do, but leave rows without text alone.
func textTriggers(table string, columns []string) []string {
	each := func(format, sep string) string {
		var b strings.Builder
		for i, c := range columns {
			if i > 0 {
				b.WriteString(sep)
			}
			b.WriteString(strings.ReplaceAll(format, "$", c))
		}
		return b.String()
	}
	remove := fmt.Sprintf(`INSERT INTO %s (%s, rowid, %s) SELECT 'delete', OLD.rowid, %s WHERE %s;`,
		table, table, each("$", ", "), each("OLD.$", ", "), each("OLD.$ IS NOT NULL", " OR "))
	add := fmt.Sprintf(`INSERT INTO %s (rowid, %s) SELECT NEW.rowid, %s WHERE %s;`,
		table, each("$", ", "), each("NEW.$", ", "), each("NEW.$ IS NOT NULL", " OR "))
	trigger := func(suffix, on, when, body string) string {
		return fmt.Sprintf("CREATE TRIGGER %s_%s AFTER %s ON executions_visibility WHEN %s BEGIN %s END", table, suffix, on, when, body)
	}
	return []string{
		trigger("ai", "INSERT", each("NEW.$ IS NOT NULL", " OR "), add),
		trigger("ad", "DELETE", each("OLD.$ IS NOT NULL", " OR "), remove),
		trigger("au", "UPDATE", each("NEW.$ IS NOT OLD.$", " OR "), remove+" "+add),
	}
}
