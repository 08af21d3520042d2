package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/internal/suggest"
)

// Item is one assignment and what Clinker makes of it.
type Item struct {
	Line    int    // in the file, from 1
	Section string // as written
	Option  string // as written
	Value   string // secrets are masked
	Note    string // old name, why not needed, nearest known name
}

// judgement sorts every assignment and gathers what is wrong.
type judgement struct {
	*settings
	used, accepted, unknown []Item
	problems                Problems
}

func (s *settings) judge() *judgement {
	j := &judgement{settings: s}
	for _, sec := range s.tree.sections {
		j.section(sec)
	}
	return j
}

func (j *judgement) section(sec *section) {
	name := normal(sec.name)
	switch {
	case j.enabled(sec.name):
		j.repeated(sec)
		j.entries(sec, backendSection, j.driver(sec.name))
	case name == backendDefaults:
		j.entries(sec, backendSection, "")
	case wholeSection(name) != "":
		j.accept(sec, wholeSection(name))
	case slices.Contains(registry.sections(), name):
		j.entries(sec, name, "")
	case isBackend(sec):
		j.accept(sec, "this back end is not in enabled_backends")
	default:
		j.unknownSection(sec)
	}
}

// repeated refuses a back end given twice: two that were meant to differ, merged
// into one, would put volumes where nobody looks for them.
func (j *judgement) repeated(sec *section) {
	for _, pos := range sec.repeats {
		j.problem(pos, sec, "", fmt.Sprintf("back end is given a second time, first in line %d", sec.pos.line))
	}
}

func (j *judgement) driver(heading string) string {
	v, err := j.value(registry.must(backendSection, "volume_driver"), heading)
	if err != nil {
		return ""
	}
	return driverName(v)
}

// wholeSection says why a section is accepted whatever it holds, or "".
func wholeSection(name string) string {
	for _, s := range acceptedSections {
		if slices.Contains(strings.Fields(s.names), name) {
			return s.why
		}
	}
	return ""
}

func isBackend(sec *section) bool {
	_, driver := sec.last("volume_driver")
	_, name := sec.last("volume_backend_name")
	return driver || name
}

func (j *judgement) accept(sec *section, why string) {
	for _, e := range sec.entries {
		j.accepted = append(j.accepted, item(sec, e, guess(e.key), why))
	}
}

func (j *judgement) unknownSection(sec *section) {
	text := "unknown section, and none of enabled_backends"
	names := slices.Concat(registry.sections(), j.backends)
	slices.Sort(names)
	near := suggest.Nearest(normal(sec.name), names)
	if normal(sec.name) == "default" {
		near = defaultSection // its case counts
	}
	if near != "" {
		text += "; nearest known: " + near
	}
	j.problem(sec.pos, sec, "", text)
	for _, e := range sec.entries {
		j.unknown = append(j.unknown, item(sec, e, guess(e.key), "in an unknown section"))
	}
}

func (j *judgement) entries(sec *section, kind, driver string) {
	for _, e := range sec.entries {
		if e.pos != (position{}) { // the embedded default's own
			j.entry(sec, e, kind, driver)
		}
	}
}

func (j *judgement) entry(sec *section, e entry, kind, driver string) {
	o := registry.byKey[optionKey{kind, e.key}]
	switch {
	case o == nil && kind == defaultSection && registry.byKey[optionKey{backendSection, e.key}] != nil:
		o = registry.byKey[optionKey{backendSection, e.key}]
		j.accepted = append(j.accepted, item(sec, e, o, "has effect only in a back end's section or in [backend_defaults]"))
	case o == nil:
		text := "unknown option" + j.advice(e.key, kind)
		j.unknown = append(j.unknown, item(sec, e, guess(e.key), strings.TrimPrefix(text, "unknown option; ")))
		j.problem(e.pos, sec, e.key, text)
	case o.Status == AcceptedNotNeeded:
		j.accepted = append(j.accepted, item(sec, e, o, o.Help))
	case driver != "" && !o.appliesTo(driver):
		j.accepted = append(j.accepted, item(sec, e, o, "the "+driver+" driver does not look at it"))
	default:
		j.usedEntry(sec, e, o)
	}
}

// usedEntry judges a value that may have effect: only the entry that counts does.
func (j *judgement) usedEntry(sec *section, e entry, o *Option) {
	if counts, _ := j.given(o, sec.name); counts.pos != e.pos {
		j.accepted = append(j.accepted, item(sec, e, o, "overridden by "+counts.key+" at "+counts.pos.String()))
		return
	}
	v, err := j.value(o, sec.name)
	switch {
	case err != nil && o.secret != open:
		err = errDollar // the name behind the $ is a piece of the secret
	case err == nil:
		err = o.validate(v)
	}
	if err != nil {
		j.problem(e.pos, sec, e.key, fmt.Sprintf("%s, got %q", err, shorten(o.show(e.value))))
		return
	}
	note := ""
	if e.key != o.Name {
		note = "older name of " + o.Name
	}
	j.used = append(j.used, item(sec, e, o, note))
}

var errDollar = errors.New("has a $ that begins no option's name; write $$ for a dollar sign")

// advice helps with an unknown option: where it belongs, or what was meant.
func (j *judgement) advice(key, kind string) string {
	if home := registry.sectionOf(key); home == backendSection {
		return "; it belongs in a back end's section"
	} else if home != "" {
		return "; it belongs in [" + home + "]"
	}
	if near := suggest.Nearest(key, registry.names(kind)); near != "" {
		return "; nearest known: " + near
	}
	return ""
}

func (j *judgement) problem(pos position, sec *section, option, text string) {
	j.problems = append(j.problems, Problem{Where: pos.String(), Line: pos.line, Section: sec.name, Option: option, Text: text})
}

// guess stands for an option that the table doesn't have: the name alone tells
// whether its value may be shown.
func guess(key string) *Option {
	if looksSecret(key) {
		return &Option{secret: hidden}
	}
	return &Option{}
}

func item(sec *section, e entry, o *Option, note string) Item {
	return Item{Line: e.pos.line, Section: sec.name, Option: e.key, Value: shorten(o.show(e.value)), Note: note}
}

// shorten keeps a value to one line that fits a terminal.
func shorten(v string) string {
	v = strings.Join(strings.Fields(v), " ")
	const most = 60
	if r := []rune(v); len(r) > most {
		return string(r[:most]) + "..."
	}
	return v
}
