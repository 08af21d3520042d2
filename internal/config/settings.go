package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
)

// settings answers what value an option has: from the file or the environment,
// else its default, with $names put in.
type settings struct {
	tree     *tree
	backends []string // enabled_backends
}

func newSettings(t *tree) *settings {
	s := &settings{tree: t, backends: enabledBackends(t)}
	if _, given := t.find(defaultSection).last("enabled_backends"); !given {
		// The embedded default: a back end that works without a line of configuration.
		dir := t.open("dir", position{})
		if _, given := dir.last("volume_driver"); !given {
			dir.entries = append(dir.entries, entry{key: "volume_driver", value: "dir"})
		}
	}
	return s
}

// enabledBackends reads the list before anything else, since it decides what
// the sections mean.
func enabledBackends(t *tree) []string {
	e, given := t.find(defaultSection).last("enabled_backends")
	if !given {
		return parseList(registry.must(defaultSection, "enabled_backends").Default)
	}
	return parseList(e.value)
}

// enabled says whether a section is that of an enabled back end.
func (s *settings) enabled(section string) bool {
	return slices.ContainsFunc(s.backends, func(b string) bool { return normal(b) == normal(section) })
}

// kindOf gives the table's word for a section: its own name when it has a fixed
// one, else backend.
func kindOf(section string) string {
	name := normal(section)
	if name != backendDefaults && slices.Contains(registry.sections(), name) {
		return name
	}
	return backendSection
}

// given returns the entry that counts for an option, and false when there is
// none. heading is the section of a back end, for options of back ends.
func (s *settings) given(o *Option, heading string) (entry, bool) {
	for _, k := range o.keys() {
		if k.section == backendSection {
			k.section = heading
		}
		if e, ok := s.tree.find(k.section).last(k.name); ok {
			return e, true
		}
	}
	if o.Section != backendSection {
		return entry{}, false
	}
	if heading != backendDefaults {
		return s.given(o, backendDefaults)
	}
	if common := registry.byKey[optionKey{defaultSection, o.Name}]; common != nil && common.Status == Used {
		return s.given(common, defaultSection)
	}
	return entry{}, false
}

// value returns what the option is, $names put in.
func (s *settings) value(o *Option, heading string) (string, error) {
	budget := maxLookups
	return s.valueWithin(&budget, o, heading)
}

func (s *settings) valueWithin(budget *int, o *Option, heading string) (string, error) {
	if *budget--; *budget < 0 {
		return "", errLoop
	}
	if e, ok := s.given(o, heading); ok {
		return s.expand(budget, e.value, o.Section, heading)
	}
	switch {
	case o.Section == defaultSection && o.Name == "host":
		return hostName(), nil
	case o.Section == defaultSection && o.Name == "my_ip":
		return hostAddress(), nil
	}
	return s.expand(budget, o.Default, o.Section, heading)
}

// variable finds $name, ${name}, ${section.name} and $$, as oslo.config does.
var variable = regexp.MustCompile(`(?i)\$(?:(\$)|\{([_a-z][._a-z0-9]*)\}|([_a-z][._a-z0-9]*))`)

// maxLookups ends values that refer to themselves, or to too much.
const maxLookups = 500

var errLoop = errors.New("its $names lead back to itself")

// expand puts options in for $names. A name is looked for in the option's own
// section first, then in [DEFAULT].
func (s *settings) expand(budget *int, text, kind, heading string) (string, error) {
	var failure error
	text = strings.ReplaceAll(text, `\$`, "$$")
	out := variable.ReplaceAllStringFunc(text, func(match string) string {
		m := variable.FindStringSubmatch(match)
		if m[1] != "" || failure != nil {
			return "$"
		}
		name := m[2] + m[3]
		o := s.named(name, kind)
		if o == nil {
			failure = fmt.Errorf("$%s names no option; write $$ for a dollar sign", name)
			return ""
		}
		var v string
		v, failure = s.valueWithin(budget, o, heading)
		return v
	})
	return out, failure
}

// named finds the option that a $name means.
func (s *settings) named(name, kind string) *Option {
	if section, option, ok := strings.Cut(name, "."); ok {
		return registry.byKey[optionKey{normal(section), option}]
	}
	if o := registry.byKey[optionKey{kind, name}]; o != nil {
		return o
	}
	return registry.byKey[optionKey{defaultSection, name}]
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}

// hostAddress asks the kernel which address the default route uses. A UDP
// "connection" sends nothing; 192.0.2.1 is reserved for documentation.
func hostAddress() string {
	conn, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return "127.0.0.1"
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String()
}
