package perf

import (
	"fmt"
	"strings"
)

// figure is a line of the table.
type figure struct {
	what     string
	measured string
	target   string // "" for none
	peer     string // the same of Cinder, "" where it was not measured
}

// table is the figures as Markdown.
func table(figures []figure) string {
	var b strings.Builder
	b.WriteString("| | measured | target | Cinder 21.3.1 |\n|---|---|---|---|\n")
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.what, f.measured, f.target, f.peer)
	}
	return b.String()
}

// mib writes bytes as MiB.
func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
