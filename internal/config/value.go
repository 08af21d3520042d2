package config

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/internal/suggest"
)

// validate says what is wrong with a value whose $names are already put in, in
// words that end a sentence "... want ...". It never repeats the value: the
// caller knows whether that may be shown.
func (o *Option) validate(v string) error {
	if err := o.validateKind(v); err != nil {
		return err
	}
	if o.check != nil && (v != "" || o.Default != "") { // what has a default can't do without
		return o.check(v)
	}
	return nil
}

func (o *Option) validateKind(v string) error {
	switch o.Kind {
	case Int, Float:
		return o.validateNumber(v)
	case Bool:
		_, err := parseBool(v)
		return err
	case Duration:
		return o.validateDuration(v)
	case Choice:
		if v == "" && o.Default == "" {
			return nil
		}
		return o.validateChoice(v)
	case List:
		return o.validateList(v)
	case Ratio:
		_, err := parseRatio(v)
		return err
	}
	return nil
}

func (o *Option) validateNumber(v string) error {
	number, what := 0.0, "a number"
	var err error
	if o.Kind == Int {
		var whole int64
		whole, err = strconv.ParseInt(v, 10, 64)
		number, what = float64(whole), "a whole number"
	} else {
		number, err = strconv.ParseFloat(v, 64)
	}
	if o.Range != nil {
		what += " " + o.Range.String()
	}
	if o.Unit != "" {
		what += " (" + o.Unit + ")"
	}
	// The API and the database hold 32 bits; a larger number is a slip of the
	// unit, such as bytes where GiB are meant.
	tooLarge := o.Kind == Int && o.Unit != "bytes" && o.Unit != "bytes/s" && math.Abs(number) > math.MaxInt32
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) || tooLarge || (o.Range != nil && !o.Range.contains(number)) {
		return fmt.Errorf("want %s", what)
	}
	return nil
}

func (o *Option) validateDuration(v string) error {
	d, err := parseDuration(v, o.Unit)
	if err == nil && (o.Range == nil || d >= time.Duration(o.Range.Min)*units[o.Unit]) {
		return nil
	}
	least := ""
	if o.Range != nil && o.Range.Min > 0 {
		least = fmt.Sprintf(" of at least %g", o.Range.Min)
	}
	return fmt.Errorf("want a whole number%s (%s), or a time such as 90s, 5m, 2h or 7d", least, o.Unit)
}

func (o *Option) validateChoice(v string) error {
	if slices.Contains(o.Choices, v) {
		return nil
	}
	hint := ""
	if near := suggest.Nearest(v, o.Choices); near != "" {
		hint = "; nearest: " + near
	}
	return fmt.Errorf("want %s%s", alternatives(o.Choices), hint)
}

func (o *Option) validateList(v string) error {
	if len(o.Choices) == 0 {
		return nil
	}
	items := parseList(v)
	for i, item := range items {
		if err := o.validateChoice(item); err != nil {
			return fmt.Errorf("%q: %w", item, err)
		}
		if slices.Contains(items[:i], item) {
			return fmt.Errorf("want each once, %s is there twice", item)
		}
	}
	return nil
}

// alternatives writes "a, b or c".
func alternatives(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// parseBool takes the words of oslo.config's Boolean type.
func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "1", "on", "yes":
		return true, nil
	case "false", "0", "off", "no":
		return false, nil
	}
	return false, fmt.Errorf("want true or false")
}

// parseList splits at commas; empty items don't count.
func parseList(v string) []string {
	var items []string
	for item := range strings.SplitSeq(v, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

var units = map[string]time.Duration{
	"seconds": time.Second, "hours": time.Hour, "days": 24 * time.Hour,
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

var durationForm = regexp.MustCompile(`^([0-9]+) ?([smhd]?)$`)

// parseDuration reads a whole number of unit, or of s, m, h or d behind it.
func parseDuration(v, unit string) (time.Duration, error) {
	m := durationForm.FindStringSubmatch(v)
	if m == nil {
		return 0, fmt.Errorf("not a time")
	}
	if m[2] != "" {
		unit = m[2]
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > int64(math.MaxInt64/units[unit]) {
		return 0, fmt.Errorf("too long a time")
	}
	return time.Duration(n) * units[unit], nil
}

// OverSubscription is max_over_subscription_ratio: how much thin space may be
// promised over the space that is there.
type OverSubscription struct {
	Auto  bool    // the driver works it out from what is used; Ratio is then the one to start from
	Ratio float64 // at least 1
}

// startRatio is what Cinder's "auto" begins with, while nothing is provisioned yet.
const startRatio = 20

func parseRatio(v string) (OverSubscription, error) {
	if v == "auto" {
		return OverSubscription{Auto: true, Ratio: startRatio}, nil
	}
	ratio, err := strconv.ParseFloat(v, 64)
	if err != nil || !(ratio >= 1) || math.IsInf(ratio, 0) {
		return OverSubscription{}, fmt.Errorf("want a number of at least 1, or auto")
	}
	return OverSubscription{Ratio: ratio}, nil
}

func isRegexp(v string) error {
	if _, err := regexp.Compile(v); err != nil {
		return fmt.Errorf("want a regular expression")
	}
	return nil
}

func isTemplate(v string) error {
	if strings.Count(v, "%s") != 1 || strings.Count(v, "%") != 1 || strings.ContainsAny(v, "/ \n") {
		return fmt.Errorf("want a name with one %%s for the id, without blanks and slashes")
	}
	return nil
}

// network is an address or a network in CIDR notation.
func network(v string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(v); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(v)
	return p.Masked(), err
}

// networks reads a list that areNetworks has looked at.
func networks(list []string) (out []netip.Prefix) {
	for _, v := range list {
		if p, err := network(v); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func areNetworks(v string) error {
	for _, item := range parseList(v) {
		if _, err := network(item); err != nil {
			return fmt.Errorf("want addresses or networks such as 10.0.0.0/24")
		}
	}
	return nil
}
