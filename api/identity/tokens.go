package identity

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

// stamp is Keystone's form of a time.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// issue logs in.
func issue(c *call) error {
	auth, err := c.body("auth")
	if err != nil {
		return err
	}
	login := readLogin(auth)
	if *auth.err != nil {
		return *auth.err
	}
	login.Address = middleware.From(c.Request.Context()).Address
	t, text, err := c.s.People.Issue(c.Request.Context(), login)
	if err != nil {
		return err
	}
	c.Header("X-Subject-Token", text)
	return c.showToken(http.StatusCreated, t)
}

func readLogin(auth fields) identity.Login {
	var l identity.Login
	how := auth.object("identity")
	for _, method := range how.list("methods") {
		switch method {
		case "password":
			password := how.object("password")
			user := password.object("user")
			l.User, l.Password = ref(user), user.secret("password")
			if l.User.ID == "" && l.User.DomainID+l.User.DomainName == "" {
				user.fail("domain", "given with a user's name")
			}
		case "token":
			token := how.object("token")
			if l.Token = token.secret("id"); l.Token == "" {
				token.fail("id", "given")
			}
		default:
			how.fail("methods", "password or token")
		}
	}
	if len(how.list("methods")) != 1 {
		how.fail("methods", "one method")
	}
	if !auth.has("scope") {
		return l
	}
	var word string
	if json.Unmarshal(auth.keys["scope"], &word) == nil {
		if l.Unscoped = word == "unscoped"; !l.Unscoped {
			auth.fail("scope", "an object, or unscoped")
		}
		return l
	}
	readScope(auth.object("scope"), &l)
	return l
}

func readScope(scope fields, l *identity.Login) {
	if len(scope.keys) != 1 {
		*scope.err = refuse(http.StatusBadRequest, "scope must have one of project, domain and system.")
		return
	}
	project, domain, system := scope.object("project"), scope.object("domain"), scope.object("system")
	switch {
	case project.keys != nil:
		l.Project = ref(project)
	case domain.keys != nil:
		l.Domain = ref(domain)
	case system.keys != nil:
		system.flag("all", &l.System)
	}
	if !l.System && l.Project == (identity.Ref{}) && l.Domain == (identity.Ref{}) {
		scope.fail("project", "given by id, or by name and domain")
	}
}

func ref(f fields) identity.Ref {
	r := identity.Ref{ID: f.text("id"), Name: f.text("name")}
	if r.ID == "" {
		domain := f.object("domain")
		r.DomainID, r.DomainName = domain.text("id"), domain.text("name")
	}
	return r
}

// subject is the token that X-Subject-Token names. Others' are for administrators and services.
func (c *call) subject() (identity.Token, error) {
	t, err := c.s.People.Verify(c.Request.Context(), c.GetHeader("X-Subject-Token"))
	if err != nil {
		if c.GetHeader("X-Subject-Token") == "" {
			return t, refuse(http.StatusBadRequest, "X-Subject-Token is needed.")
		}
		if !isUnauthorized(err) {
			return t, err
		}
		return t, refuse(http.StatusNotFound, "Could not find the token.")
	}
	if t.User.ID != c.token.User.ID && !c.token.Admin() && !c.token.HasRole("service") {
		return t, errForbidden
	}
	return t, nil
}

func validate(c *call) error {
	t, err := c.subject()
	if err != nil {
		return err
	}
	c.Header("X-Subject-Token", c.GetHeader("X-Subject-Token"))
	return c.showToken(http.StatusOK, t)
}

func revoke(c *call) error {
	t, err := c.subject()
	if err != nil {
		return err
	}
	if err := c.s.People.Revoke(c.Request.Context(), t); err != nil {
		return err
	}
	return c.empty()
}

// showToken answers with a token and, unless it is asked not to, the catalogue.
func (c *call) showToken(code int, t identity.Token) error {
	user := ofDomain(t.User, t.UserDomain)
	user["password_expires_at"] = nil
	token := object{
		"methods": t.Methods, "user": user, "audit_ids": t.AuditIDs, "issued_at": stamp(t.IssuedAt), "expires_at": stamp(t.ExpiresAt),
	}
	switch {
	case t.Project.ID != "":
		token["project"], token["is_domain"] = ofDomain(t.Project, t.ProjectDomain), false
	case t.Domain.ID != "":
		token["domain"] = named(t.Domain)
	case t.System:
		token["system"] = object{"all": true}
	}
	if t.Scoped() {
		roles := make([]object, len(t.Roles))
		for i, r := range t.Roles {
			roles[i] = named(r)
		}
		token["roles"] = roles
		if _, without := c.Request.URL.Query()["nocatalog"]; !without {
			entries, err := c.catalog(c.Request.Context(), t)
			if err != nil {
				return err
			}
			token["catalog"] = entries
		}
	}
	return c.json(code, object{"token": token})
}

func named(n identity.Name) object { return object{"id": n.ID, "name": n.Name} }

func ofDomain(n, domain identity.Name) object {
	return object{"id": n.ID, "name": n.Name, "domain": named(domain)}
}

func (c *call) catalog(ctx context.Context, t identity.Token) ([]object, error) {
	entries, err := c.s.People.Catalog(ctx, t)
	if err != nil {
		return nil, err
	}
	out := make([]object, len(entries))
	for i, e := range entries {
		points := make([]object, len(e.Endpoints))
		for j, p := range e.Endpoints {
			points[j] = object{"id": p.ID, "interface": p.Interface, "region": p.Region, "region_id": p.Region, "url": p.URL}
		}
		out[i] = object{"id": e.Service.ID, "type": e.Service.Type, "name": e.Service.Name, "endpoints": points}
	}
	return out, nil
}

func showCatalog(c *call) error {
	if !c.token.Scoped() {
		return errForbidden
	}
	entries, err := c.catalog(c.Request.Context(), c.token)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, object{"catalog": entries, "links": c.self()})
}

func ownProjects(c *call) error { return c.projectsOf(c.token.User.ID) }

// projectsOf is what a user may see of themselves, and an administrator of anybody.
func projectsOf(c *call) error {
	if c.Param("id") != c.token.User.ID && !c.token.Admin() {
		return errForbidden
	}
	return c.projectsOf(c.Param("id"))
}

func (c *call) projectsOf(user string) error {
	rows, err := c.s.People.Projects(c.Request.Context(), user)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(p models.IdentityProject) bool { return !p.Enabled })
	return list(c, projects, rows)
}

func ownDomains(c *call) error {
	rows, err := c.s.People.Domains(c.Request.Context(), c.token.User.ID)
	if err != nil {
		return err
	}
	return list(c, domains, slices.DeleteFunc(rows, func(d models.IdentityDomain) bool { return !d.Enabled }))
}

func ownSystem(c *call) error {
	rows, err := identity.List[models.IdentityAssignment](c.Request.Context(), c.s.People, map[string]any{"user_id": c.token.User.ID, "scope": models.GrantSystem})
	if err != nil {
		return err
	}
	out := []object{}
	if len(rows) > 0 {
		out = append(out, object{"all": true})
	}
	return c.json(http.StatusOK, object{"system": out, "links": c.self()})
}

// noGroups: there are none, and clients that ask for them want to hear so.
func noGroups(c *call) error {
	return c.json(http.StatusOK, object{"groups": []object{}, "links": c.self()})
}
