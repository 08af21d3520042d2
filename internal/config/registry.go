package config

import (
	"slices"
	"strings"
)

// optionKey names an option: where it stands and what it is called.
type optionKey struct{ section, name string }

// table is the registry, indexed by present and by old names.
type table struct {
	options []Option
	byKey   map[optionKey]*Option
}

var registry = newTable(slices.Concat(
	defaultOptions, quotaOptions, schedulerOptions, backupOptions,
	backendOptions, lvmOptions, remoteFSOptions, dirOptions,
	serviceOptions, acceptedOptions,
))

func newTable(options []Option) *table {
	t := &table{options: options, byKey: map[optionKey]*Option{}}
	for i := range options {
		o := &options[i]
		for _, k := range o.keys() {
			if t.byKey[k] != nil {
				panic("config: two rows for [" + k.section + "] " + k.name)
			}
			t.byKey[k] = o
		}
	}
	return t
}

// keys are all the places where the option may be given, the present one first.
func (o *Option) keys() []optionKey {
	keys := []optionKey{{o.Section, o.Name}}
	for _, a := range o.Aliases {
		if s, name, ok := strings.Cut(a, "/"); ok {
			keys = append(keys, optionKey{s, name})
		} else {
			keys = append(keys, optionKey{o.Section, a})
		}
	}
	return keys
}

// appliesTo says whether a back end with that driver looks at the option.
func (o *Option) appliesTo(driver string) bool {
	return len(o.Drivers) == 0 || slices.Contains(o.Drivers, driver)
}

// must returns a row that the package itself relies on.
func (t *table) must(section, name string) *Option {
	o := t.byKey[optionKey{section, name}]
	if o == nil || o.Status != Used || o.Name != name {
		panic("config: no row for [" + section + "] " + name)
	}
	return o
}

// sectionOf returns a section that has the option, for "it belongs in ...".
func (t *table) sectionOf(name string) string {
	for i := range t.options {
		if t.options[i].Name == name || slices.Contains(t.options[i].Aliases, name) {
			return t.options[i].Section
		}
	}
	return ""
}

// names lists what may stand in a section, old names included.
func (t *table) names(section string) []string {
	var names []string
	for k := range t.byKey {
		if k.section == section {
			names = append(names, k.name)
		}
	}
	slices.Sort(names)
	return names
}

// sections lists the sections with a fixed name.
func (t *table) sections() []string {
	names := []string{backendDefaults}
	for _, o := range t.options {
		if o.Section != backendSection && !slices.Contains(names, o.Section) {
			names = append(names, o.Section)
		}
	}
	for _, s := range acceptedSections {
		names = append(names, strings.Fields(s.names)...)
	}
	return names
}

// Table returns every option that Clinker knows, for documentation and tools.
func Table() []Option { return slices.Clone(registry.options) }
