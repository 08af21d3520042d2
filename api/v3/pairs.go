package v3

import (
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/clinker-storage/clinker/api/fault"
)

// Limits on a volume's metadata and a type's extra specs. A flow carries either, as JSON, in a payload, which is bounded.
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
	if size := pairsSize(m); len(m) > maxPairs || size > maxPairBytes {
		return fault.OverLimit("MetadataLimitExceeded: the metadata has %d pairs of %d bytes of JSON; at most %d pairs and %d bytes are kept",
			len(m), size, maxPairs, maxPairBytes)
	}
	return nil
}

// checkSpecsSize refuses extra specs that would not fit into what a flow knows of its type (400).
func checkSpecsSize(m map[string]string) error {
	if size := pairsSize(m); len(m) > maxPairs || size > maxPairBytes {
		return fault.BadRequest("a volume type has at most %d extra specs of %d bytes of JSON; these would be %d of %d bytes",
			maxPairs, maxPairBytes, len(m), size)
	}
	return nil
}

// pairsSize is what pairs take as JSON, where one character may become six.
func pairsSize(m map[string]string) int {
	b, err := json.Marshal(m)
	if err != nil {
		return math.MaxInt // a map of strings always has a form in JSON
	}
	return len(b)
}
