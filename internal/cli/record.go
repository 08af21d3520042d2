package cli

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v2"
)

// Field is a line of a Record.
type Field struct {
	Name  string
	Value any
}

// Record is one resource to print, its fields in order; as JSON and YAML it is an object that keeps that order.
type Record []Field

// NewRecord shows an object's fields by name. The names of some are changed to those that the OpenStack client shows
// ("metadata" is "properties"), and links, which only programs follow, are left out.
func NewRecord(o Object, rename map[string]string) Record {
	shown := make(Object, len(o))
	for key, value := range o {
		if key == "links" {
			continue
		}
		if name, ok := rename[key]; ok {
			key = name
		}
		shown[key] = value
	}
	r := make(Record, 0, len(shown))
	for _, key := range slices.Sorted(maps.Keys(shown)) {
		r = append(r, Field{key, shown[key]})
	}
	return r
}

// WithFlow adds the flow that works on what is shown; "" adds nothing.
func (r Record) WithFlow(flow string) Record {
	if flow == "" {
		return r
	}
	return append(r, Field{"flow", flow})
}

func (r Record) choose(names []string) (Record, error) {
	if len(names) == 0 {
		return r, nil
	}
	var chosen Record
	for _, name := range names {
		i := slices.IndexFunc(r, func(f Field) bool { return strings.EqualFold(f.Name, name) })
		if i < 0 {
			all := make([]string, len(r))
			for i, f := range r {
				all[i] = f.Name
			}
			return nil, Errorf(Usage, "there is no field %q; there are %s", name, strings.Join(all, ", "))
		}
		chosen = append(chosen, r[i])
	}
	return chosen, nil
}

// MarshalJSON writes the fields in their order.
func (r Record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, f := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(f.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(f.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// MarshalYAML writes the fields in their order.
func (r Record) MarshalYAML() (any, error) {
	out := make(yaml.MapSlice, len(r))
	for i, f := range r {
		out[i] = yaml.MapItem{Key: f.Name, Value: plain(f.Value)}
	}
	return out, nil
}

// plain turns JSON's numbers into Go's, which YAML writes without quotes.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case Object:
		out := make(Object, len(v))
		for k := range v {
			out[k] = plain(v[k])
		}
		return out
	}
	return v
}
