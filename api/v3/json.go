package v3

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// timeForm is how Cinder writes dates: UTC, microseconds, no zone.
const timeForm = "2006-01-02T15:04:05.000000"

// Time is a date in a view; the zero time is null.
type Time time.Time

// MarshalJSON writes the date as Cinder does.
func (t Time) MarshalJSON() ([]byte, error) { return appendTime(nil, time.Time(t)), nil }

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeForm)
	return append(b, '"')
}

// Null is a string in a view whose "" is null.
type Null string

// MarshalJSON writes null for "".
func (n Null) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(n))
}

// Writer appends JSON to a buffer, field by field. Views of long lists use it: it is several times as fast as reflection,
// and a field that depends on the microversion is a plain if.
type Writer struct {
	buf   []byte
	comma bool
}

// Open begins an object or a list with "{" or "[", as a list's element or after Key.
func (w *Writer) Open(bracket byte) {
	w.sep()
	w.buf = append(w.buf, bracket)
	w.comma = false
}

// Close ends what Open began.
func (w *Writer) Close(bracket byte) {
	w.buf = append(w.buf, bracket)
	w.comma = true
}

func (w *Writer) sep() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

// Key writes a field's name; its value must follow. Names are ours: they need no escapes.
func (w *Writer) Key(name string) {
	w.sep()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
	w.comma = false
}

// Text writes a string field.
func (w *Writer) Text(name, v string) {
	w.Key(name)
	w.buf = appendString(w.buf, v)
	w.comma = true
}

// TextOrNull writes a string field whose "" is null.
func (w *Writer) TextOrNull(name, v string) {
	if v == "" {
		w.Null(name)
		return
	}
	w.Text(name, v)
}

// Null writes a field without a value.
func (w *Writer) Null(name string) {
	w.Key(name)
	w.buf = append(w.buf, "null"...)
	w.comma = true
}

// Int writes a number field.
func (w *Writer) Int(name string, v int64) {
	w.Key(name)
	w.buf = strconv.AppendInt(w.buf, v, 10)
	w.comma = true
}

// Bool writes a boolean field.
func (w *Writer) Bool(name string, v bool) {
	w.Key(name)
	w.buf = strconv.AppendBool(w.buf, v)
	w.comma = true
}

// Time writes a date field; the zero time is null.
func (w *Writer) Time(name string, t time.Time) {
	w.Key(name)
	w.buf = appendTime(w.buf, t)
	w.comma = true
}

// Pairs writes an object of strings, sorted by key so that equal answers are equal bytes.
func (w *Writer) Pairs(name string, m map[string]string) {
	w.Key(name)
	w.buf = append(w.buf, '{')
	if len(m) > 0 {
		for i, k := range sortedKeys(m) {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.buf = appendString(w.buf, k)
			w.buf = append(w.buf, ':')
			w.buf = appendString(w.buf, m[k])
		}
	}
	w.buf = append(w.buf, '}')
	w.comma = true
}

// link writes one link.
func (w *Writer) link(rel, href string) {
	w.Open('{')
	w.Text("rel", rel)
	w.Text("href", href)
	w.Close('}')
}

// next writes the link to the next page, if there is one.
func (w *Writer) next(name string, links []Link) {
	if len(links) == 0 {
		return
	}
	w.Key(name)
	w.Open('[')
	for _, l := range links {
		w.link(l.Rel, l.Href)
	}
	w.Close(']')
}

// appendString quotes a string. Plain ASCII, which nearly all are, is copied; the rest is encoding/json's business.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always marshals
				quoted = []byte(`""`)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
