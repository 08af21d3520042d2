package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/internal/suggest"
)

// rule is a name with its check, where it came from, and its text for those who list it.
type rule struct {
	name  string
	check check
	text  string
	where string // "file:line"; "" for a default
}

// Rules is one complete policy, immutable once made, for any number of goroutines.
type Rules struct {
	byName map[string]*rule
	admin  *rule
}

// Allowed tells whether who may do operation with target. What is no operation is allowed to nobody.
func (r *Rules) Allowed(who Creds, operation string, target Target) bool {
	one := r.byName[operation]
	return one != nil && one.check.holds(&who, &target)
}

// Admin tells whether who is an administrator, whom all projects' things are open to: what the rule context_is_admin says.
func (r *Rules) Admin(who Creds) bool {
	own := who.Own()
	return who.Admin || r.admin.check.holds(&who, &own)
}

// Text is the rule of an operation as it was written, and where: "policy.yaml:3", "" for a default.
func (r *Rules) Text(operation string) (text, where string) {
	if one := r.byName[operation]; one != nil {
		return one.text, one.where
	}
	return "", ""
}

// Defaults are the rules without any file.
func Defaults() *Rules {
	r, err := merge(nil)
	if err != nil {
		panic(err) // the table is ours
	}
	return r
}

// merge puts files' rules, later ones over earlier ones, over the defaults.
func merge(written []*rule) (*Rules, error) {
	r := &Rules{byName: make(map[string]*rule, len(table)+len(written))}
	for _, o := range table {
		c, err := parseRule(o.Default)
		if err != nil {
			return nil, fmt.Errorf("default of %s: %w", o.Name, err)
		}
		r.byName[o.Name] = &rule{name: o.Name, check: c, text: o.Default}
	}
	given := make(map[string]bool, len(written))
	for _, w := range written {
		r.byName[w.name] = w
		given[w.name] = true
	}
	r.spread(given)
	problems := unused(r, given)
	problems = append(problems, r.link()...)
	r.admin = r.byName[adminRule]
	if len(problems) > 0 {
		return nil, problems
	}
	return r, nil
}

// spread gives the rule that a file has for an old name to the operations that came in its place, unless the file has rules
// for these too, or the old name only points to the new one.
func (r *Rules) spread(given map[string]bool) {
	for old, names := range oldNames {
		if !given[old] {
			continue
		}
		from := r.byName[old]
		for _, name := range names {
			if ref, ok := from.check.(*reference); ok && ref.name == name || given[name] {
				continue
			}
			copied := *from
			copied.name = name
			r.byName[name] = &copied
		}
	}
}

// unused finds rules of the file that nothing asks: most likely a name is misspelt, and the operator believes that it holds.
func unused(r *Rules, given map[string]bool) Problems {
	asked := map[string]bool{"default": true} // oslo.policy's rule for what has none; here everything has one
	for _, one := range r.byName {
		each(one.check, func(c check) {
			if ref, ok := c.(*reference); ok && ref.name != one.name {
				asked[ref.name] = true
			}
		})
	}
	var problems Problems
	for name := range given {
		if _, ok := known[name]; ok || oldNames[name] != nil || asked[name] || slices.Contains(gone, name) {
			continue
		}
		text := fmt.Sprintf("there is no operation %q, and no rule asks for it", clip(name))
		if n := suggest.Nearest(name, sorted(known)); n != "" {
			text += fmt.Sprintf("; did you mean %q?", n)
		}
		problems = append(problems, Problem{Where: r.byName[name].where, Text: text})
	}
	return problems
}

// link connects references, and refuses those to nothing and those in a circle.
func (r *Rules) link() Problems {
	var problems Problems
	for _, name := range sorted(r.byName) {
		one := r.byName[name]
		each(one.check, func(c check) {
			ref, ok := c.(*reference)
			if admin, is := c.(*isAdmin); is {
				ref, ok = admin.admin, true
			}
			if !ok {
				return
			}
			if ref.to = r.byName[ref.name]; ref.to == nil {
				text := fmt.Sprintf("rule %q asks for rule:%s, which there is not", clip(name), clip(ref.name))
				if n := suggest.Nearest(ref.name, sorted(r.byName)); n != "" {
					text += fmt.Sprintf("; did you mean %q?", n)
				}
				problems = append(problems, Problem{Where: one.where, Text: text})
			}
		})
	}
	if len(problems) > 0 {
		return problems
	}
	return r.circles()
}

// circles finds rules that ask themselves, by whatever way.
func (r *Rules) circles() Problems {
	var problems Problems
	done, path := map[*rule]bool{}, []string{}
	var walk func(one *rule)
	walk = func(one *rule) {
		if at := slices.Index(path, one.name); at >= 0 {
			problems = append(problems, Problem{Where: one.where, Text: "rules ask each other in a circle: " + strings.Join(append(path[at:], one.name), " -> ")})
			return
		}
		if done[one] {
			return
		}
		path = append(path, one.name)
		each(one.check, func(c check) {
			switch c := c.(type) {
			case *reference:
				walk(c.to)
			case *isAdmin:
				walk(c.admin.to)
			}
		})
		path = path[:len(path)-1]
		done[one] = true
	}
	for _, name := range sorted(r.byName) {
		walk(r.byName[name])
	}
	return problems
}
