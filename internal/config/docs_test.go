package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	docsFile  = "../../docs/configuration.md"
	docsBegin = "<!-- options: begin; written by `go test ./internal/config -update` -->\n"
	docsEnd   = "<!-- options: end -->\n"
)

// The reference and the registry are one thing.
func TestReferenceIsUpToDate(t *testing.T) {
	raw, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(raw), docsBegin)
	require.True(t, ok, "no %q in %s", docsBegin, docsFile)
	_, tail, ok := strings.Cut(rest, docsEnd)
	require.True(t, ok, "no %q in %s", docsEnd, docsFile)
	golden(t, docsFile, head+docsBegin+reference()+docsEnd+tail)
}

func reference() string {
	var b strings.Builder
	var sections []string
	for _, o := range Table() {
		if o.Status == Used && !slices.Contains(sections, o.Section) {
			sections = append(sections, o.Section)
		}
	}
	for _, s := range sections {
		title := "`[" + s + "]`"
		if s == backendSection {
			title = "Section of a back end, or `[backend_defaults]`"
		}
		fmt.Fprintf(&b, "### %s\n\n| Option | Value | Default | Meaning |\n|---|---|---|---|\n", title)
		for _, o := range Table() {
			if o.Section == s && o.Status == Used {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", nameCell(o), valueCell(o), code(o.Default), helpCell(o))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("### Accepted, not needed\n\n| Section | Options | Why |\n|---|---|---|\n")
	acceptedRows(&b)
	for _, s := range acceptedSections {
		fmt.Fprintf(&b, "| `[%s]` | all | %s |\n", strings.Join(strings.Fields(s.names), "]` `["), s.why)
	}
	return b.String()
}

// acceptedRows joins neighbours of the table that have section and reason in common.
func acceptedRows(b *strings.Builder) {
	rest := slices.DeleteFunc(Table(), func(o Option) bool { return o.Status == Used })
	for len(rest) > 0 {
		first, names := rest[0], []string{}
		for len(rest) > 0 && rest[0].Section == first.Section && rest[0].Help == first.Help {
			names = append(names, rest[0].Name)
			rest = rest[1:]
		}
		section := "`[" + first.Section + "]`"
		if first.Section == backendSection {
			section = "a back end's"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", section, strings.Join(names, ", "), first.Help)
	}
}

func nameCell(o Option) string {
	if len(o.Aliases) == 0 {
		return code(o.Name)
	}
	var old []string
	for _, a := range o.Aliases {
		section, name, ok := strings.Cut(a, "/")
		if ok {
			old = append(old, "`["+section+"] "+name+"`")
		} else {
			old = append(old, code(a))
		}
	}
	return code(o.Name) + " (old: " + strings.Join(old, ", ") + ")"
}

func valueCell(o Option) string {
	words := map[Kind]string{String: "text", Int: "whole number", Float: "number", Bool: "bool", List: "list", Duration: "time", Choice: "", Ratio: "ratio"}
	text := words[o.Kind]
	if o.Range != nil && o.Kind != Duration {
		text += " " + o.Range.String()
	}
	if o.Unit != "" {
		text += ", " + o.Unit
	}
	if len(o.Choices) > 0 {
		text = strings.TrimPrefix(text+" of: ", " of: ") + "`" + strings.Join(o.Choices, "` `") + "`"
	}
	return text
}

func helpCell(o Option) string {
	if len(o.Drivers) == 0 {
		return o.Help
	}
	return o.Help + " (" + strings.Join(o.Drivers, ", ") + ")"
}

func code(v string) string {
	if v == "" {
		return ""
	}
	return "`" + v + "`"
}

func TestExampleLoads(t *testing.T) {
	const file = "../../etc/clinker.conf.example"
	r, err := Check(file)
	require.NoError(t, err)
	require.NoError(t, r.Err())
	c, err := Load(file, nil)
	require.NoError(t, err)
	require.Len(t, c.Backends, 1)

	// With every commented line switched on it must still be all known and right.
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	all := regexp.MustCompile(`(?m)^#(\[|[a-z_]+ =)`).ReplaceAllString(string(raw), "$1")
	c = parse(t, all)
	require.Len(t, c.Backends, 3)
	require.Equal(t, []string{"dir", "lvm", "glusterfs"}, []string{c.Backends[0].Driver, c.Backends[1].Driver, c.Backends[2].Driver})
	require.Equal(t, "embedded", c.API.AuthStrategy)
	require.Equal(t, "postgres", c.Database.Engine)
}

// The report in the docs is what the program prints.
func TestDocsShowARealReport(t *testing.T) {
	docs, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	report, err := os.ReadFile("testdata/docs.report")
	require.NoError(t, err)
	require.Contains(t, string(docs), strings.ReplaceAll(string(report), "testdata/docs.conf", "/etc/cinder/cinder.conf"))
}
