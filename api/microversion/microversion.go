// Package microversion knows the minor versions of the Block Storage API v3 that Clinker speaks.
package microversion

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is a microversion of API v3 by its minor number: 27 is 3.27.
type Version int

// Min and Max bound what is spoken; Max is that of Cinder 2024.1 and later.
const (
	Min Version = 0
	Max Version = 71
)

// Header carries the microversion in both directions.
const Header = "OpenStack-API-Version"

// String writes the version as clients do: "3.27".
func (v Version) String() string { return "3." + strconv.Itoa(int(v)) }

// MalformedError refuses a version that is not two numbers.
type MalformedError struct{ Text string }

// Error says what a version looks like.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("API version %q is malformed; it must be two numbers, such as 3.27, or latest", e.Text)
}

// RangeError refuses a version that is not spoken.
type RangeError struct{ Text string }

// Error names the bounds; clients read them to choose another.
func (e *RangeError) Error() string {
	return fmt.Sprintf("version %s is not supported by the API; minimum is %s and maximum is %s", e.Text, Min, Max)
}

// A number has at most nine digits, so that Atoi can't overflow.
var form = regexp.MustCompile(`^([1-9]\d{0,8})\.([1-9]\d{0,8}|0)$`)

// serviceTypes are the names under which clients ask for a volume version: most say volume, gophercloud its client's type.
var serviceTypes = map[string]bool{"volume": true, "volumev3": true, "block-storage": true, "block-store": true}

// Parse reads the header, which may list versions of several services ("compute 2.1,volume 3.9").
// Without a word on volumes it is 3.0. The error is a *MalformedError or a *RangeError.
func Parse(header string) (Version, error) {
	for entry := range strings.SplitSeq(header, ",") {
		words := strings.Fields(entry)
		if len(words) == 0 || !serviceTypes[strings.ToLower(words[0])] {
			continue
		}
		if len(words) != 2 {
			return 0, &MalformedError{Text: strings.TrimSpace(entry)}
		}
		return parseNumber(words[1])
	}
	return Min, nil
}

func parseNumber(text string) (Version, error) {
	if text == "latest" {
		return Max, nil
	}
	m := form.FindStringSubmatch(text)
	if m == nil {
		return 0, &MalformedError{Text: text}
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil {
		return 0, &MalformedError{Text: text}
	}
	if v := Version(minor); m[1] == "3" && v >= Min && v <= Max {
		return v, nil
	}
	return 0, &RangeError{Text: text}
}
