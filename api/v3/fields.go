package v3

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
)

// Fields reads a JSON object key by key. Each reader checks what it reads; the first refusal is kept for End, and
// everything read after it returns zero values.
type Fields struct {
	at   string // where the object is, for messages: "volume"
	raw  map[string]json.RawMessage
	seen map[string]bool
	err  *error // shared with the objects inside
}

func newFields(at string, raw map[string]json.RawMessage) *Fields {
	return &Fields{at: at, raw: raw, seen: make(map[string]bool, len(raw)), err: new(error)}
}

// Fail keeps a refusal (400), unless there is one already.
func (f *Fields) Fail(format string, args ...any) {
	f.FailWith(fault.BadRequest(format, args...))
}

// FailWith keeps a refusal of any kind, unless there is one already.
func (f *Fields) FailWith(err error) {
	if *f.err == nil {
		*f.err = err
	}
}

// End returns the first refusal. When strict, a key that no reader asked for is one.
func (f *Fields) End(strict bool) error {
	if *f.err == nil && strict {
		for _, key := range slices.Sorted(maps.Keys(f.raw)) {
			if !f.seen[key] {
				f.Fail("%s is not known here; known are: %s", f.name(key), strings.Join(slices.Sorted(maps.Keys(f.seen)), ", "))
				break
			}
		}
	}
	return *f.err
}

// Keys returns the object's keys, sorted.
func (f *Fields) Keys() []string { return slices.Sorted(maps.Keys(f.raw)) }

// Has tells whether a key is there, be it null. It does not count as read.
func (f *Fields) Has(key string) bool {
	_, ok := f.raw[key]
	return ok
}

func (f *Fields) name(key string) string {
	if f.at == "" {
		return key
	}
	return f.at + "." + key
}

// value returns a key's JSON; nil if it is absent, null, or something failed before.
func (f *Fields) value(key string) json.RawMessage {
	f.seen[key] = true
	v := f.raw[key]
	if *f.err != nil || v == nil || string(v) == "null" {
		return nil
	}
	return v
}

// Text reads a string of min to max characters; nil when absent or null. NUL is refused: PostgreSQL can't store it.
func (f *Fields) Text(key string, minLen, maxLen int) *string {
	v := f.value(key)
	if v == nil {
		return nil
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		f.Fail("%s must be a string", f.name(key))
		return nil
	}
	if n := utf8.RuneCountInString(s); n < minLen || n > maxLen {
		f.Fail("%s has %d characters; it must have %d to %d", f.name(key), n, minLen, maxLen)
		return nil
	}
	if strings.ContainsRune(s, 0) {
		f.Fail("%s contains a NUL character", f.name(key))
		return nil
	}
	return &s
}

// Trimmed is Text without the blanks around it, as names are kept. The length is checked after trimming.
func (f *Fields) Trimmed(key string, minLen, maxLen int) *string {
	s := f.Text(key, 0, 1<<20)
	if s == nil {
		return nil
	}
	t := strings.TrimSpace(*s)
	if n := utf8.RuneCountInString(t); n < minLen || n > maxLen {
		f.Fail("%s has %d characters; it must have %d to %d", f.name(key), n, minLen, maxLen)
		return nil
	}
	return &t
}

// Needed is Text that must be there.
func (f *Fields) Needed(key string, minLen, maxLen int) string {
	if s := f.Text(key, minLen, maxLen); s != nil {
		return *s
	}
	f.Fail("%s is needed", f.name(key))
	return ""
}

// Choice reads a string that must be one of some words; nil when absent or null.
func (f *Fields) Choice(key string, words ...string) *string {
	s := f.Text(key, 0, 255)
	if s != nil && !slices.Contains(words, *s) {
		f.Fail("%s %q is not valid; it must be one of %s", f.name(key), *s, strings.Join(words, ", "))
		return nil
	}
	return s
}

// UUID reads a uuid, dashed or not, and returns it dashed; "" when absent or null.
func (f *Fields) UUID(key string) string {
	s := f.Text(key, 0, 255)
	if s == nil {
		return ""
	}
	if *s == "" { // as good as absent: cinderclient sends it for what was not given
		return ""
	}
	if !isUUID(*s) {
		f.Fail("%s %q is not a uuid", f.name(key), clip(*s))
		return ""
	}
	return uuid.MustParse(*s).String()
}

// isUUID takes a uuid with or without its dashes; uuid.Parse would take braces and URNs too.
func isUUID(s string) bool {
	return (len(s) == 36 || len(s) == 32) && uuid.Validate(s) == nil
}

// Int reads a whole number, or a string of digits as old clients send it; nil when absent or null.
func (f *Fields) Int(key string, minVal, maxVal int64) *int64 {
	v := f.value(key)
	if v == nil {
		return nil
	}
	n, err := strconv.ParseInt(string(bytes.Trim(v, `"`)), 10, 64)
	if err != nil || n < minVal || n > maxVal {
		f.Fail("%s %s is not valid; it must be a whole number from %d to %d", f.name(key), clip(string(v)), minVal, maxVal)
		return nil
	}
	return &n
}

// Bool reads true, false or one of the words that Cinder takes for them; nil when absent or null.
func (f *Fields) Bool(key string) *bool {
	v := f.value(key)
	if v == nil {
		return nil
	}
	b, ok := parseBool(string(bytes.Trim(v, `"`)))
	if !ok {
		f.Fail("%s %s is not valid; it must be true or false", f.name(key), clip(string(v)))
		return nil
	}
	return &b
}

// Object reads an object inside; nil when absent or null. Its refusals are kept with these.
func (f *Fields) Object(key string) *Fields {
	v := f.value(key)
	if v == nil {
		return nil
	}
	var obj map[string]json.RawMessage
	if json.Unmarshal(v, &obj) != nil {
		f.Fail("%s must be an object", f.name(key))
		return nil
	}
	inner := newFields(f.name(key), obj)
	inner.err = f.err
	return inner
}

// Texts reads a string or a list of strings; nil when absent or null.
func (f *Fields) Texts(key string) []string {
	v := f.value(key)
	if v == nil {
		return nil
	}
	var list []string
	if json.Unmarshal(v, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(v, &one) != nil {
		f.Fail("%s must be a string or a list of strings", f.name(key))
		return nil
	}
	return []string{one}
}

// clip shortens what a message quotes.
func clip(s string) string {
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "..."
}

// parseBool knows the words that Cinder takes for booleans.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "t", "true", "y", "yes", "on":
		return true, true
	case "0", "f", "false", "n", "no", "off":
		return false, true
	}
	return false, false
}
