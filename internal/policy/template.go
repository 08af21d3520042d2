package policy

import (
	"fmt"
	"strings"
)

// template is what stands after a check's colon: text, in which %(key)s is a field of the target.
type template []piece

// piece is text, or a field when of is set.
type piece struct {
	text string
	of   func(*Target) string
}

// fill returns the text; false where a field of the target is empty, because then nothing is known to compare with.
func (tp template) fill(t *Target) (string, bool) {
	if len(tp) == 1 { // all but the oddest rules
		return tp[0].fill(t)
	}
	var b strings.Builder
	for _, p := range tp {
		s, ok := p.fill(t)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func (p piece) fill(t *Target) (string, bool) {
	if p.of == nil {
		return p.text, true
	}
	v := p.of(t)
	return v, v != ""
}

// parseTemplate reads Python's %-formatting as far as rules use it.
func parseTemplate(s string) (template, error) {
	var tp template
	for s != "" {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			return append(tp, piece{text: s}), nil
		}
		if at > 0 {
			tp = append(tp, piece{text: s[:at]})
		}
		s = s[at+1:]
		if rest, ok := strings.CutPrefix(s, "%"); ok {
			tp, s = append(tp, piece{text: "%"}), rest
			continue
		}
		key, rest, ok := strings.Cut(s, ")s")
		if !ok || !strings.HasPrefix(key, "(") {
			return nil, fmt.Errorf("%q: a %% begins a field of the target, such as %%(project_id)s", "%"+clip(s))
		}
		of := targetKeys[key[1:]]
		if of == nil {
			return nil, fmt.Errorf("the target has no %q; it has %s", clip(key[1:]), strings.Join(sorted(targetKeys), ", "))
		}
		tp, s = append(tp, piece{of: of}), rest
	}
	return tp, nil
}
