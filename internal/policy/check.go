package policy

// check is one node of a parsed rule.
type check interface {
	holds(c *Creds, t *Target) bool
}

type always bool

func (a always) holds(*Creds, *Target) bool { return bool(a) }

type allOf []check

func (all allOf) holds(c *Creds, t *Target) bool {
	for _, one := range all {
		if !one.holds(c, t) {
			return false
		}
	}
	return true
}

type anyOf []check

func (some anyOf) holds(c *Creds, t *Target) bool {
	for _, one := range some {
		if one.holds(c, t) {
			return true
		}
	}
	return false
}

type negation struct{ of check }

func (n negation) holds(c *Creds, t *Target) bool { return !n.of.holds(c, t) }

// reference is rule:name. link sets to, once all rules are known.
type reference struct {
	name string
	to   *rule
}

func (r *reference) holds(c *Creds, t *Target) bool { return r.to.check.holds(c, t) }

// adminRule decides what is_admin:True means.
const adminRule = "context_is_admin"

// isAdmin is is_admin:True, or False. It asks the rule context_is_admin, as Cinder does when it makes a request's context.
type isAdmin struct {
	want  bool
	admin *reference
}

func (i *isAdmin) holds(c *Creds, t *Target) bool {
	return (c.Admin || i.admin.holds(c, t)) == i.want
}

type role struct{ name template }

func (r role) holds(c *Creds, t *Target) bool {
	name, ok := r.name.fill(t)
	return ok && c.hasRole(name)
}

type attribute struct {
	is   func(c *Creds, want string) bool
	want template
}

func (a attribute) holds(c *Creds, t *Target) bool {
	want, ok := a.want.fill(t)
	return ok && want != "" && a.is(c, want)
}

// literal is 'text':%(key)s: the thing has a fixed value.
type literal struct {
	text string
	want template
}

func (l literal) holds(_ *Creds, t *Target) bool {
	want, ok := l.want.fill(t)
	return ok && want == l.text
}

// each calls visit for a check and all that it is made of.
func each(c check, visit func(check)) {
	visit(c)
	switch c := c.(type) {
	case allOf:
		for _, one := range c {
			each(one, visit)
		}
	case anyOf:
		for _, one := range c {
			each(one, visit)
		}
	case negation:
		each(c.of, visit)
	}
}
