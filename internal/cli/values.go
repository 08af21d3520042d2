package cli

import (
	"strconv"
	"strings"
)

// Size is a size in GiB from the command line. Whether it is one that can be had is the service's to say.
type Size struct {
	GiB int
	set bool
}

// Set reads "10", as a pflag.Value.
func (s *Size) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return Errorf(Usage, "size %q is not a whole number of GiB", text)
	}
	s.GiB, s.set = n, true
	return nil
}

// String is the size as it was given.
func (s *Size) String() string {
	if !s.set {
		return ""
	}
	return strconv.Itoa(s.GiB)
}

// Type names the value in help texts.
func (s *Size) Type() string { return "GiB" }

// ParseHints reads KEY=VALUE hints; a key may come several times.
func ParseHints(given []string) (map[string][]string, error) {
	hints := map[string][]string{}
	for _, hint := range given {
		key, value, ok := strings.Cut(hint, "=")
		if !ok || key == "" {
			return nil, Errorf(Usage, "hint %q is not KEY=VALUE", hint)
		}
		hints[key] = append(hints[key], value)
	}
	return hints, nil
}

// Properties are KEY=VALUE pairs from the command line, one each time the flag is given: a value may hold commas.
type Properties map[string]string

// Set adds a pair, as a pflag.Value.
func (p *Properties) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return Errorf(Usage, "property %q is not KEY=VALUE", text)
	}
	if *p == nil {
		*p = Properties{}
	}
	(*p)[key] = value
	return nil
}

// String is empty: the properties have no default to show in help texts.
func (p *Properties) String() string { return "" }

// Type names the value in help texts.
func (p *Properties) Type() string { return "KEY=VALUE" }
