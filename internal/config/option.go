package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	defaultSection  = "DEFAULT"
	backendSection  = "backend" // stands in the table for the section of any back end
	backendDefaults = "backend_defaults"
)

// Kind is how an option's text is read.
type Kind int

// The kinds of option.
const (
	String   Kind = iota
	Int           // a whole number
	Float         // a number with a decimal point
	Bool          // true false yes no on off 1 0, in any case
	List          // separated by commas; blanks around an item don't count
	Duration      // a whole number of Option.Unit, or a number with s, m, h or d
	Choice        // one of Option.Choices
	Ratio         // a number of at least 1, or auto
)

// Status is what Clinker makes of an option.
type Status int

const (
	// Used options change what Clinker does.
	Used Status = iota
	// AcceptedNotNeeded options are Cinder's; Clinker has no use for them and
	// takes them so that a file need not be edited.
	AcceptedNotNeeded
)

// Option is one row of the table.
type Option struct {
	Section string   // "DEFAULT", "database" ...; "backend" for the section of any back end
	Name    string   // the present name
	Aliases []string // older names; "DEFAULT/sql_connection" where the old one had another section
	Kind    Kind
	Default string // as it would stand in the file; $name refers to another option
	Unit    string // of numbers: seconds, hours, days, GiB, MiB, bytes, % ...
	Range   *Range // of numbers; nil for any
	Choices []string
	Drivers []string // back end drivers that look at it; empty for all
	Status  Status
	Help    string // one line; for AcceptedNotNeeded, why not

	secret secrecy
	check  func(string) error // what Kind, Range and Choices can't say
}

// secrecy is how much of a value may be shown.
type secrecy int

const (
	open        secrecy = iota
	hidden              // nothing
	urlPassword         // a URL: all but its password
)

// Range is what a number may be; both ends are allowed.
type Range struct{ Min, Max float64 }

func (r Range) contains(v float64) bool { return v >= r.Min && v <= r.Max }

func (r Range) String() string {
	if math.IsInf(r.Max, 1) {
		return fmt.Sprintf("of at least %g", r.Min)
	}
	return fmt.Sprintf("from %.0f to %.0f", r.Min, r.Max)
}

// detail fills in the rarer fields of a row.
type detail func(*Option)

func opt(name string, kind Kind, def, help string, details ...detail) Option {
	o := Option{Name: name, Kind: kind, Default: def, Help: help}
	for _, d := range details {
		d(&o)
	}
	return o
}

func atLeast(v float64) detail { return between(v, math.Inf(1)) }

func between(low, high float64) detail { return func(o *Option) { o.Range = &Range{low, high} } }

func unit(u string) detail { return func(o *Option) { o.Unit = u } }

func oneOf(choices ...string) detail { return func(o *Option) { o.Choices = choices } }

func alias(names ...string) detail { return func(o *Option) { o.Aliases = names } }

func drivers(names ...string) detail { return func(o *Option) { o.Drivers = names } }

func checked(f func(string) error) detail { return func(o *Option) { o.check = f } }

func secret(o *Option) { o.secret = hidden }

func secretURL(o *Option) { o.secret = urlPassword }

var port = between(1, 65535)

// in puts rows under a section.
func in(section string, options ...Option) []Option {
	for i := range options {
		options[i].Section = section
	}
	return options
}

// accepted makes rows for options of Cinder that have no effect here.
func accepted(section, why, names string) []Option {
	var options []Option
	for _, n := range strings.Fields(names) {
		o := Option{Section: section, Name: n, Status: AcceptedNotNeeded, Help: why}
		if looksSecret(n) {
			o.secret = hidden
		}
		options = append(options, o)
	}
	return options
}

// looksSecret guards values of options that the table says nothing about.
func looksSecret(name string) bool {
	return slices.ContainsFunc([]string{"password", "passwd", "secret", "token", "_key", "credential", "url", "connection"},
		func(s string) bool { return strings.Contains(strings.ToLower(name), s) })
}
