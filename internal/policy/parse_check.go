package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parseCheck reads one check: @, ! or kind:match.
func parseCheck(text string) (check, error) {
	switch text {
	case "@":
		return always(true), nil
	case "!":
		return always(false), nil
	}
	kind, match, ok := strings.Cut(text, ":")
	if !ok || kind == "" || match == "" {
		return nil, fmt.Errorf("%q is no check; one is @ or !, or looks like role:admin, rule:name or project_id:%%(project_id)s", clip(text))
	}
	switch kind {
	case "rule":
		return &reference{name: match}, nil
	case "http", "https":
		return nil, fmt.Errorf("%q: checks that ask another server are not supported; write the rule with roles and attributes", clip(text))
	case "is_admin":
		if match != "True" && match != "False" {
			return nil, fmt.Errorf("%q: is_admin is True or False", clip(text))
		}
		return &isAdmin{want: match == "True", admin: &reference{name: adminRule}}, nil
	}
	want, err := parseTemplate(match)
	if err != nil {
		return nil, err
	}
	if kind == "role" {
		return role{want}, nil
	}
	if is := attributes[kind]; is != nil {
		return attribute{is: is, want: want}, nil
	}
	if fixed, ok := pythonLiteral(kind); ok {
		return literal{text: fixed, want: want}, nil
	}
	return nil, fmt.Errorf("%q: there is no check %q; there are role, rule, is_admin, %s, and 'text':%%(project_id)s",
		clip(text), clip(kind), strings.Join(sorted(attributes), ", "))
}

// pythonLiteral reads what oslo.policy takes for a value in place of an attribute: 'text', a number, True, False, None.
func pythonLiteral(s string) (string, bool) {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] && !strings.ContainsAny(s[1:len(s)-1], `\'"`) {
		return s[1 : len(s)-1], true
	}
	if slices.Contains([]string{"True", "False", "None"}, s) {
		return s, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return s, err == nil && strconv.FormatInt(n, 10) == s
}

var errNotRule = errors.New("a rule is a text, or a list of lists of checks")

// parseList reads the syntax before oslo.policy had words: [["role:admin"], ["role:member", "project_id:%(project_id)s"]]
// is an "or" of "and"s, and an element that is no list stands for a list of one.
func parseList(rows []any) (check, error) {
	if len(rows) == 0 {
		return always(true), nil
	}
	var some anyOf
	for _, row := range rows {
		inner, ok := row.([]any)
		if !ok {
			inner = []any{row}
		}
		if len(inner) == 0 {
			continue // as oslo.policy; a list of nothing but empty ones allows nobody
		}
		var all allOf
		for _, v := range inner {
			text, ok := v.(string)
			if !ok {
				return nil, errNotRule
			}
			if strings.ContainsAny(text, " \t\r\n") {
				return nil, fmt.Errorf("%q: an element of a list is one check, without blanks", clip(text))
			}
			c, err := parseCheck(text)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
		some = append(some, all)
	}
	return some, nil
}
