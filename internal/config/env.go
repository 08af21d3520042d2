package config

import (
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/internal/suggest"
)

const envPrefix = "CLINKER_"

// overlay puts environment variables behind the file's entries, where the last
// one counts: CLINKER_<OPTION> for [DEFAULT], CLINKER_<SECTION>__<OPTION> for the
// rest. An empty variable counts as not set, since compose files leave those.
func overlay(t *tree, env []string) Problems {
	var problems Problems
	var sectioned []string
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		switch {
		case !ours || value == "":
		case strings.Contains(rest, "__"):
			// Later, when it is known which back ends are enabled.
			sectioned = append(sectioned, kv)
		default:
			problems = append(problems, overlayDefault(t, name, strings.ToLower(rest), value)...)
		}
	}
	for _, kv := range sectioned {
		problems = append(problems, overlaySection(t, kv)...)
	}
	return problems
}

// overlayDefault sets an option of [DEFAULT]. A name that is like none of them is
// let pass: the command-line client has CLINKER_ variables too.
func overlayDefault(t *tree, variable, option, value string) Problems {
	if o := registry.byKey[optionKey{defaultSection, option}]; o != nil {
		t.set(o.Section, o.Name, value, variable)
		return nil
	}
	if near := suggest.Nearest(option, registry.names(defaultSection)); near != "" {
		return Problems{{Where: "$" + variable, Section: defaultSection, Option: option, Text: "unknown option; nearest known: " + near}}
	}
	return nil
}

func overlaySection(t *tree, kv string) Problems {
	variable, value, _ := strings.Cut(kv, "=")
	rest := strings.TrimPrefix(variable, envPrefix)
	known := envSections(t)
	for _, name := range known {
		upper, ok := strings.CutPrefix(rest, envName(name)+"__")
		if !ok {
			continue
		}
		option := strings.ToLower(upper)
		if o := registry.byKey[optionKey{kindOf(name), option}]; o != nil {
			option = o.Name // so that it comes before an old name in the file
			if o.Section != backendSection {
				name = o.Section
			}
		}
		t.set(name, option, value, variable)
		return nil
	}
	section, option, _ := strings.Cut(strings.ToLower(rest), "__")
	text := "unknown section, and none of enabled_backends"
	if near := suggest.Nearest(section, known); near != "" {
		text += "; nearest known: " + near
	}
	return Problems{{Where: "$" + variable, Section: section, Option: option, Text: text}}
}

// set appends a value; the last one of an option counts.
func (t *tree) set(section, option, value, variable string) {
	pos := position{file: t.file, env: variable}
	s := t.open(section, pos)
	s.entries = append(s.entries, entry{key: option, value: value, pos: pos})
}

// envSections lists the sections that a variable may mean, long names first, so
// that CLINKER_A__B__C reaches a section named a__b before one named a.
func envSections(t *tree) []string {
	names := registry.sections()
	for _, s := range t.sections {
		names = append(names, s.name)
	}
	names = append(names, enabledBackends(t)...)
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(names)
}

// envName is a section's name as it stands in a variable: upper case, and _ for
// what a variable can't hold.
func envName(section string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(section))
}
