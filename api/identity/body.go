package identity

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/clinker-storage/clinker/api/middleware"
)

// maxText is the longest name or description, in characters.
const maxText = 255

// fields is an object of a request. Its first mistake is kept in err.
type fields struct {
	at   string
	keys map[string]json.RawMessage
	err  *error
}

// body reads {root: {...}}.
func (c *call) body(root string) (fields, error) {
	f := fields{err: new(error)}
	raw, err := io.ReadAll(c.Request.Body)
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return f, refuse(http.StatusRequestEntityTooLarge, "%s", middleware.TooLarge(large.Limit))
	}
	if err != nil || json.Unmarshal(raw, &f.keys) != nil || f.keys == nil {
		return f, refuse(http.StatusBadRequest, "The request body must be a JSON object.")
	}
	inner := f.object(root)
	if inner.keys == nil {
		return f, refuse(http.StatusBadRequest, "%s is needed and must be an object.", root)
	}
	return inner, nil
}

func (f *fields) fail(key, wants string) {
	if *f.err == nil {
		*f.err = refuse(http.StatusBadRequest, "%s must be %s.", strings.TrimPrefix(f.at+"."+key, "."), wants)
	}
}

// has tells whether a key is there and not null.
func (f *fields) has(key string) bool {
	raw, ok := f.keys[key]
	return ok && string(raw) != "null"
}

// object is what is below a key; its keys are nil if there is nothing.
func (f *fields) object(key string) fields {
	out := fields{at: strings.TrimPrefix(f.at+"."+key, "."), err: f.err}
	if f.has(key) && json.Unmarshal(f.keys[key], &out.keys) != nil {
		f.fail(key, "an object")
	}
	return out
}

// text is a string that may be printed; an empty one unless it is there.
func (f *fields) text(key string) string {
	var s string
	if f.has(key) && json.Unmarshal(f.keys[key], &s) != nil {
		f.fail(key, "a string")
	}
	if utf8.RuneCountInString(s) > maxText || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		f.fail(key, "a text of at most 255 characters")
		return ""
	}
	return s
}

// secret is a string of any length that the body may have.
func (f *fields) secret(key string) string {
	var s string
	if f.has(key) && json.Unmarshal(f.keys[key], &s) != nil {
		f.fail(key, "a string")
	}
	return s
}

func (f *fields) list(key string) []string {
	var s []string
	if f.has(key) && json.Unmarshal(f.keys[key], &s) != nil {
		f.fail(key, "a list of strings")
	}
	return s
}

// set writes a text to where it belongs if the key is there.
func (f *fields) set(key string, to *string) {
	if _, ok := f.keys[key]; ok {
		*to = f.text(key)
	}
}

// name is set for what must not be empty; a new row needs it.
func (f *fields) name(key string, to *string, made bool) {
	f.set(key, to)
	if *to = strings.TrimSpace(*to); *to == "" && (made || f.has(key)) {
		f.fail(key, "a text that is not empty")
	}
}

// shortName is name for what Keystone gives 64 characters.
func (f *fields) shortName(key string, to *string, made bool) {
	if f.name(key, to, made); utf8.RuneCountInString(*to) > 64 {
		f.fail(key, "a text of at most 64 characters")
	}
}

// flag is set for booleans.
func (f *fields) flag(key string, to *bool) {
	if f.has(key) && json.Unmarshal(f.keys[key], to) != nil {
		f.fail(key, "true or false")
	}
}
