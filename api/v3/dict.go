package v3

import (
	"encoding/json"
	"errors"
	"strings"
)

var errDict = errors.New("not an object of strings")

// parseDict reads {"key": "value"} as JSON or as Python writes it: {'key': 'value', u'k2': "it's"}. The official clients
// send metadata filters as Python's repr of a dictionary.
func parseDict(text string) (map[string]string, error) {
	var out map[string]string
	if json.Unmarshal([]byte(text), &out) == nil && out != nil {
		return out, nil
	}
	p := dictParser{rest: strings.TrimSpace(text)}
	return p.parse()
}

type dictParser struct{ rest string }

func (p *dictParser) parse() (map[string]string, error) {
	out := map[string]string{}
	if !p.eat('{') {
		return nil, errDict
	}
	for !p.eat('}') {
		key, err := p.quoted()
		if err != nil || !p.eat(':') {
			return nil, errDict
		}
		value, err := p.quoted()
		if err != nil {
			return nil, err
		}
		out[key] = value
		if !p.eat(',') && !strings.HasPrefix(p.rest, "}") {
			return nil, errDict
		}
	}
	if p.rest != "" {
		return nil, errDict
	}
	return out, nil
}

// eat passes over one character and the blanks after it.
func (p *dictParser) eat(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = strings.TrimLeft(p.rest[1:], " \t")
	return true
}

// quoted reads a string in either kind of quotes, with backslash escapes of the quote and of the backslash.
func (p *dictParser) quoted() (string, error) {
	p.rest = strings.TrimPrefix(p.rest, "u")
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		return "", errDict
	}
	quote := p.rest[0]
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = strings.TrimLeft(p.rest[i+1:], " \t")
			return b.String(), nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errDict
}
