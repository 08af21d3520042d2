package cli

import (
	"strings"
	"time"
)

// cinderTime is how the Block Storage API writes a time: UTC, microseconds, no zone.
const cinderTime = "2006-01-02T15:04:05.999999"

// Time is a time as the API writes it; null and "" are the zero time, and RFC 3339 is understood too.
type Time struct{ time.Time }

// UnmarshalJSON reads either form.
func (t *Time) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	if s == "" || s == "null" {
		*t = Time{}
		return nil
	}
	parsed, err := time.Parse(cinderTime, s)
	if err != nil {
		parsed, err = time.Parse(time.RFC3339Nano, s)
	}
	t.Time = parsed.UTC()
	return err
}

// String is the time as the API writes it, "" for the zero time.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000000")
}
