package v3

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/clinker-storage/clinker/api/fault"
)

// Limits on a volume's metadata. A flow carries it in its input, whose payload is bounded.
const (
	maxPairs     = 128
	maxPairBytes = 32 << 10
)

var (
	metadataKey  = regexp.MustCompile(`^[A-Za-z0-9\-_:. /]{1,255}$`)
	extraSpecKey = regexp.MustCompile(`^[A-Za-z0-9\-_:.]{1,255}$`)
)

// Metadata reads an object of strings with metadata's keys; nil when absent or null.
func (f *Fields) Metadata(key string) map[string]string { return f.pairs(key, metadataKey) }

// ExtraSpecs reads an object of strings with the keys of extra specs; a null value becomes "".
func (f *Fields) ExtraSpecs(key string) map[string]string { return f.pairs(key, extraSpecKey) }

func (f *Fields) pairs(key string, form *regexp.Regexp) map[string]string {
	v := f.value(key)
	if v == nil {
		return nil
	}
	var raw map[string]*json.RawMessage
	if json.Unmarshal(v, &raw) != nil {
		f.Fail("%s must be an object of strings", f.name(key))
		return nil
	}
	out := make(map[string]string, len(raw))
	for _, k := range slices.Sorted(maps.Keys(raw)) {
		var text string
		if raw[k] != nil && json.Unmarshal(*raw[k], &text) != nil {
			f.Fail("%s: the value of %q must be a string", f.name(key), clip(k))
		}
		if raw[k] == nil && form == metadataKey {
			f.Fail("%s: the value of %q must be a string, not null", f.name(key), clip(k))
		}
		f.pair(f.name(key), k, text, form)
		out[k] = text
	}
	return out
}

// pair checks one key and its value.
func (f *Fields) pair(at, key, value string, form *regexp.Regexp) {
	if !form.MatchString(key) {
		f.Fail("%s: the key %q is not valid; it must be 1 to 255 of the characters %s", at, clip(key), allowedIn(form))
	}
	if utf8.RuneCountInString(value) > 255 || strings.ContainsRune(value, 0) {
		f.Fail("%s: the value of %q must have at most 255 characters, none of them NUL", at, clip(key))
	}
}

func allowedIn(form *regexp.Regexp) string {
	if form == metadataKey {
		return "A-Z a-z 0-9 - _ : . / and blank"
	}
	return "A-Z a-z 0-9 - _ : ."
}

// checkMetadataSize refuses metadata that would not fit into a flow's input (413).
func checkMetadataSize(m map[string]string) error {
	size := 0
	for k, v := range m {
		size += len(k) + len(v)
	}
	if len(m) > maxPairs || size > maxPairBytes {
		return fault.OverLimit("MetadataLimitExceeded: the metadata has %d pairs of %d bytes in sum; at most %d pairs and %d bytes are kept",
			len(m), size, maxPairs, maxPairBytes)
	}
	return nil
}
