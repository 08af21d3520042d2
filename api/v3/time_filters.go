package v3

import (
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// timeForms are the dates that clients send; without a zone they are UTC.
var timeForms = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"}

// timeRanges reads "gt:2026-01-02T03:04:05,lt:..." (from 3.60), before that one date that must match.
func (c *Call) timeRanges(name, text string) ([]models.TimeRange, error) {
	parts := []string{text}
	if c.At(60) {
		parts = strings.Split(text, ",")
	}
	var out []models.TimeRange
	for _, part := range parts {
		op, date := "eq", part
		if word, rest, ok := strings.Cut(part, ":"); ok && c.At(60) && slices.Contains([]string{"gt", "gte", "eq", "neq", "lt", "lte"}, word) {
			op, date = word, rest
		}
		at, err := parseTime(date)
		if err != nil {
			return nil, fault.BadRequest("filter %s %q is not valid; it must be a date such as gt:2026-01-02T03:04:05, with gt, gte, eq, neq, lt or lte", name, clip(part))
		}
		out = append(out, models.TimeRange{Op: op, At: at})
	}
	return out, nil
}

func parseTime(text string) (time.Time, error) {
	var last error
	for _, form := range timeForms {
		t, err := time.Parse(form, strings.TrimSpace(text))
		if err == nil {
			return t.UTC(), nil
		}
		last = err
	}
	return time.Time{}, last
}
