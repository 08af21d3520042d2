package policy

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table into docs/policy.md")

const (
	docsFile  = "../../docs/policy.md"
	docsBegin = "<!-- operations: begin; written by `go test ./internal/policy -update` -->\n"
	docsEnd   = "<!-- operations: end -->\n"
)

// The reference and the table are one thing.
func TestReferenceIsUpToDate(t *testing.T) {
	raw, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(raw), docsBegin)
	require.True(t, ok, "no %q in %s", docsBegin, docsFile)
	_, tail, ok := strings.Cut(rest, docsEnd)
	require.True(t, ok, "no %q in %s", docsEnd, docsFile)
	want := head + docsBegin + referenceText() + docsEnd + tail
	if *update {
		require.NoError(t, os.WriteFile(docsFile, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(raw))
}

// The example in the docs is a file that loads.
func TestDocsShowAFileThatLoads(t *testing.T) {
	raw, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(raw), "```yaml\n")
	require.True(t, ok)
	text, _, _ := strings.Cut(rest, "```")
	_, err = Parse([]byte(text), "docs")
	require.NoError(t, err)
}

func referenceText() string {
	who := map[string]string{forAdmin: "admin", forMember: "member", forReader: "reader", forAll: "everybody"}
	var b strings.Builder
	table := func(title, column string, take func(Operation) bool, cell func(Operation) string) {
		fmt.Fprintf(&b, "### %s\n\n| Name | %s | Allows to |\n|---|---|---|\n", title, column)
		for _, o := range Table() {
			if take(o) {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, cell(o), o.Help)
			}
		}
		b.WriteString("\n")
	}
	table("Cinder's operations", "Default", func(o Operation) bool { return !o.Base && !o.Own }, func(o Operation) string { return who[o.Default] })
	table("Clinker's own", "Default", func(o Operation) bool { return o.Own }, func(o Operation) string { return who[o.Default] })
	b.WriteString("### Rules that others ask for\n\n| Name | Default | Who it is |\n|---|---|---|\n")
	for _, o := range Table() {
		if o.Base {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", o.Name, o.Default, o.Help)
		}
	}
	b.WriteString("\n### Old names\n\n| In a file | stands for |\n|---|---|\n")
	for _, old := range sorted(oldNames) {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", old, strings.Join(oldNames[old], "` `"))
	}
	return b.String()
}
