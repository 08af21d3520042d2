package config

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxFileSize bounds what is read: a path that names a disk image or an
// endless device ends in a message, not in an exhausted machine.
const maxFileSize = 4 << 20

// entry is one assignment: a line of the file, or an environment variable.
type entry struct {
	key   string
	value string
	pos   position
}

// section gathers the entries under one heading; headings that repeat are one
// section, as in oslo.config.
type section struct {
	name    string // as first written
	pos     position
	repeats []position
	entries []entry
}

// tree is a configuration file as it was read, before any meaning is given to it.
type tree struct {
	file     string
	sections []*section
}

// normal folds a section's name as oslo.config does: case counts in [DEFAULT] only.
func normal(name string) string {
	if name == defaultSection {
		return name
	}
	return strings.ToLower(name)
}

// find returns the section of that name, or nil.
func (t *tree) find(name string) *section {
	for _, s := range t.sections {
		if normal(s.name) == normal(name) {
			return s
		}
	}
	return nil
}

// open returns the section of that name and makes it when it is not there.
func (t *tree) open(name string, pos position) *section {
	if s := t.find(name); s != nil {
		return s
	}
	s := &section{name: name, pos: pos}
	t.sections = append(t.sections, s)
	return s
}

// last returns the entry that counts: a later assignment replaces an earlier one.
func (s *section) last(key string) (entry, bool) {
	if s == nil {
		return entry{}, false
	}
	for i := len(s.entries) - 1; i >= 0; i-- {
		if s.entries[i].key == key {
			return s.entries[i], true
		}
	}
	return entry{}, false
}

// readINI reads r by the rules of oslo.config's iniparser: "#" and ";" begin a
// comment only at the start of a line; the first of "=" and ":" ends the key; an
// indented line continues the value above it; one pair of quotes is taken off.
// All broken lines are reported, not the first alone.
func readINI(r io.Reader, file string) (*tree, Problems) {
	t := &tree{file: file}
	raw, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	if err != nil {
		return t, Problems{{Where: file, Text: "can't be read: " + err.Error()}}
	}
	if len(raw) > maxFileSize {
		return t, Problems{{Where: file, Text: fmt.Sprintf("larger than %d MiB: not a configuration file", maxFileSize>>20)}}
	}
	p := &parser{tree: t}
	text := strings.TrimPrefix(string(raw), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		p.pos = position{file: file, line: i + 1}
		p.line(strings.TrimRight(line, " \t\r\v\f"))
	}
	return t, p.problems
}

// parser is the state between two lines.
type parser struct {
	tree     *tree
	section  *section
	current  *entry // the assignment that an indented line continues
	pos      position
	problems Problems
}

func (p *parser) fail(text string) {
	p.problems = append(p.problems, Problem{Where: p.pos.String(), Line: p.pos.line, Text: text})
}

func (p *parser) line(line string) {
	switch {
	case !utf8.ValidString(line) || strings.ContainsRune(line, 0):
		p.current = nil
		p.fail("not UTF-8 text")
	case line == "":
		p.current = nil
	case line[0] == ' ' || line[0] == '\t':
		p.continuation(strings.TrimLeft(line, " \t"))
	case line[0] == '[':
		p.current = nil
		p.heading(line)
	case line[0] == '#' || line[0] == ';':
		p.current = nil
	default:
		p.assignment(line)
	}
}

func (p *parser) continuation(text string) {
	if p.current == nil {
		p.fail("indented line continues no value; take the blanks before it away")
		return
	}
	p.current.value += "\n" + text
}

func (p *parser) heading(line string) {
	name, closed := strings.CutSuffix(line[1:], "]")
	switch {
	case !closed:
		p.fail("section heading must end with ]")
	case name == "":
		p.fail("section heading has no name")
	default:
		p.open(name)
	}
}

func (p *parser) open(name string) {
	known := p.tree.find(name)
	p.section = p.tree.open(name, p.pos)
	if known != nil {
		known.repeats = append(known.repeats, p.pos)
	}
}

func (p *parser) assignment(line string) {
	p.current = nil
	i := strings.IndexAny(line, "=:")
	if i < 0 {
		p.fail("neither section, comment nor assignment; want name = value")
		return
	}
	key := strings.TrimSpace(line[:i])
	if key == "" {
		p.fail("assignment has no name before " + line[i:i+1])
		return
	}
	if p.section == nil {
		p.fail(key + " stands before the first section; put [DEFAULT] above it")
		return
	}
	e := entry{key: key, value: unquote(strings.TrimSpace(line[i+1:])), pos: p.pos}
	p.section.entries = append(p.section.entries, e)
	p.current = &p.section.entries[len(p.section.entries)-1]
}

// unquote takes one pair of equal quotes off, as oslo.config does.
func unquote(v string) string {
	if v == "" || (v[0] != '"' && v[0] != '\'') || v[0] != v[len(v)-1] {
		return v
	}
	if len(v) == 1 {
		return ""
	}
	return v[1 : len(v)-1]
}
