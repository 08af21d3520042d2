package scheduler

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Capacity is a size in GiB that a backend may also report as infinite or unknown, or not at all.
// The zero value is Missing.
type Capacity struct {
	kind capacityKind
	gib  float64
}

type capacityKind uint8

const (
	kindMissing capacityKind = iota
	kindNumber
	kindInfinite
	kindUnknown
)

// The capacities that are no number.
var (
	Missing  = Capacity{}
	Infinite = Capacity{kind: kindInfinite}
	Unknown  = Capacity{kind: kindUnknown}
)

// GiB makes a capacity of a number. NaN is Missing and an infinity is Infinite, so that no rule has
// to compare with either.
func GiB(n float64) Capacity {
	switch {
	case math.IsNaN(n):
		return Missing
	case math.IsInf(n, 0):
		return Infinite
	}
	return Capacity{kind: kindNumber, gib: n}
}

// ParseCapacity reads what [Capacity.String] writes: a number of GiB, "infinite", "unknown" or "".
func ParseCapacity(s string) (Capacity, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
		return Missing, nil
	case "infinite":
		return Infinite, nil
	case "unknown":
		return Unknown, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(n) {
		return Missing, fmt.Errorf("capacity %q is neither a number of GiB nor infinite nor unknown", s)
	}
	return GiB(n), nil
}

// Number gives the size in GiB, and false when there is no number.
func (c Capacity) Number() (float64, bool) { return c.gib, c.kind == kindNumber }

// Unbounded says that the backend reported "infinite" or "unknown".
func (c Capacity) Unbounded() bool { return c.kind == kindInfinite || c.kind == kindUnknown }

// IsMissing says that the backend reported nothing.
func (c Capacity) IsMissing() bool { return c.kind == kindMissing }

// String gives the number, "infinite", "unknown" or "".
func (c Capacity) String() string {
	switch c.kind {
	case kindNumber:
		return strconv.FormatFloat(c.gib, 'f', -1, 64)
	case kindInfinite:
		return "infinite"
	case kindUnknown:
		return "unknown"
	}
	return ""
}

// MarshalJSON writes a number, "infinite", "unknown" or null, as Cinder's pool listing does.
func (c Capacity) MarshalJSON() ([]byte, error) { return json.Marshal(c.value()) }

// UnmarshalJSON reads what [Capacity.MarshalJSON] writes; a number in quotes will do too.
func (c *Capacity) UnmarshalJSON(data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*c = Missing
		return nil
	case float64:
		*c = GiB(v)
		return nil
	case string:
		parsed, err := ParseCapacity(v)
		*c = parsed
		return err
	}
	return fmt.Errorf("capacity %s is neither a number of GiB nor infinite nor unknown", data)
}

// value is the capacity as a plain value for expressions and extra specs: float64, string or nil.
func (c Capacity) value() any {
	switch c.kind {
	case kindNumber:
		return c.gib
	case kindMissing:
		return nil
	}
	return c.String()
}
