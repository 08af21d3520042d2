package config

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
)

const mask = "***"

// Secret is a text that logs, %v and JSON show as "***".
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Options are the options of one back end or backup store by present name,
// $names put in, defaults filled in. Values are as in the file; passwords
// among them are shown as "***" by String and slog.
type Options map[string]string

// String lists them by name.
func (o Options) String() string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name + "=" + o.shown(name))
	}
	return b.String()
}

// LogValue hides passwords from slog.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// GoString hides passwords from %#v.
func (o Options) GoString() string { return "config.Options{" + o.String() + "}" }

func (o Options) shown(name string) string {
	for _, section := range []string{backendSection, defaultSection} {
		if row := registry.byKey[optionKey{section, name}]; row != nil {
			return row.show(o[name])
		}
	}
	return guess(name).show(o[name])
}

// LogValue keeps logs short, and passwords out of them.
func (c *Config) LogValue() slog.Value {
	names := make([]string, len(c.Backends))
	for i, b := range c.Backends {
		names[i] = b.Name
	}
	return slog.GroupValue(slog.String("file", c.File), slog.String("host", c.Host), slog.Any("backends", names))
}

// LogValue keeps logs short, and passwords out of them.
func (b Backend) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", b.Name), slog.String("driver", b.Driver), slog.Any("options", b.Options))
}

// show gives a value as it may be printed.
func (o *Option) show(v string) string {
	switch {
	case v == "" || o.secret == open:
		return v
	case o.secret == urlPassword:
		return maskURL(v)
	}
	return mask
}
