package identity

import (
	"context"
	"net/http"
	"slices"

	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

// registerGrants adds the routes by which users get roles, and roles imply others.
func registerGrants(admin registrar) {
	for _, g := range []struct{ path, scope string }{
		{"/v3/projects/:id/users/:user/roles", models.GrantProject},
		{"/v3/domains/:id/users/:user/roles", models.GrantDomain},
		{"/v3/system/users/:user/roles", models.GrantSystem},
	} {
		admin(http.MethodGet, g.path, func(c *call) error { return c.grants(g.scope) })
		admin(http.MethodPut, g.path+"/:role", func(c *call) error { return c.grant(g.scope) })
		admin(http.MethodGet, g.path+"/:role", func(c *call) error { return c.checkGrant(g.scope) })
		admin(http.MethodDelete, g.path+"/:role", func(c *call) error {
			row := c.assignment(g.scope)
			if err := identity.Remove(c.Request.Context(), c.s.People, row); err != nil {
				return err
			}
			return c.empty()
		})
	}
	admin(http.MethodGet, "/v3/roles/:id/implies", impliedBy)
	admin(http.MethodPut, "/v3/roles/:id/implies/:implied", imply)
	admin(http.MethodGet, "/v3/roles/:id/implies/:implied", showImplied)
	admin(http.MethodDelete, "/v3/roles/:id/implies/:implied", func(c *call) error {
		row := models.IdentityImplication{PriorID: c.Param("id"), ImpliedID: c.Param("implied")}
		if err := identity.Remove(c.Request.Context(), c.s.People, row); err != nil {
			return err
		}
		return c.empty()
	})
}

func (c *call) assignment(scope string) models.IdentityAssignment {
	a := models.IdentityAssignment{UserID: c.Param("user"), Scope: scope, ScopeID: c.Param("id"), RoleID: c.Param("role")}
	if scope == models.GrantSystem {
		a.ScopeID = models.WholeSystem
	}
	return a
}

// there checks that all that a grant names is there.
func (c *call) there(a models.IdentityAssignment) error {
	ctx, people := c.Request.Context(), c.s.People
	if _, err := identity.Get[models.IdentityUser](ctx, people, a.UserID); err != nil {
		return err
	}
	var err error
	switch a.Scope {
	case models.GrantProject:
		_, err = identity.Get[models.IdentityProject](ctx, people, a.ScopeID)
	case models.GrantDomain:
		_, err = identity.Get[models.IdentityDomain](ctx, people, a.ScopeID)
	}
	if err != nil || a.RoleID == "" {
		return err
	}
	_, err = identity.Get[models.IdentityRole](ctx, people, a.RoleID)
	return err
}

func (c *call) grant(scope string) error {
	a := c.assignment(scope)
	if err := c.there(a); err != nil {
		return err
	}
	if err := identity.Ensure(c.Request.Context(), c.s.People, a); err != nil {
		return err
	}
	return c.empty()
}

func (c *call) grants(scope string) error {
	a := c.assignment(scope)
	if err := c.there(a); err != nil {
		return err
	}
	given, err := c.given(map[string]any{"user_id": a.UserID, "scope": scope, "scope_id": a.ScopeID})
	if err != nil {
		return err
	}
	all, err := identity.List[models.IdentityRole](c.Request.Context(), c.s.People, nil)
	if err != nil {
		return err
	}
	return list(c, roles, slices.DeleteFunc(all, func(r models.IdentityRole) bool {
		return !slices.ContainsFunc(given, func(g models.IdentityAssignment) bool { return g.RoleID == r.ID })
	}))
}

func (c *call) given(equal map[string]any) ([]models.IdentityAssignment, error) {
	return identity.List[models.IdentityAssignment](c.Request.Context(), c.s.People, equal)
}

func (c *call) checkGrant(scope string) error {
	a := c.assignment(scope)
	given, err := c.given(map[string]any{"user_id": a.UserID, "scope": scope, "scope_id": a.ScopeID, "role_id": a.RoleID})
	if err != nil {
		return err
	}
	if len(given) == 0 {
		return models.ErrNotFound
	}
	return c.empty()
}

// assignments lists who has which role where; with `effective`, what roles imply too, and with include_names, names.
func assignments(c *call) error {
	equal := map[string]any{}
	for parameter, column := range map[string]string{"user.id": "user_id", "role.id": "role_id"} {
		if v := c.Query(parameter); v != "" {
			equal[column] = v
		}
	}
	for parameter, scope := range map[string]string{
		"scope.project.id": models.GrantProject, "scope.domain.id": models.GrantDomain, "scope.system": models.GrantSystem,
	} {
		if v := c.Query(parameter); v != "" {
			equal["scope"], equal["scope_id"] = scope, v
		}
	}
	if scope := equal["scope"]; scope == models.GrantSystem {
		equal["scope_id"] = models.WholeSystem
	}
	_, effective := c.GetQuery("effective")
	wanted := equal["role_id"]
	if effective {
		delete(equal, "role_id") // it may be implied
	}
	given, err := c.given(equal)
	if err != nil {
		return err
	}
	if effective {
		if given, err = c.expand(given, wanted); err != nil {
			return err
		}
	}
	names := func(string, string) object { return nil }
	if v, with := c.GetQuery("include_names"); with && v != "0" && v != "false" && v != "False" {
		if names, err = c.names(); err != nil {
			return err
		}
	}
	out := make([]object, len(given))
	for i, a := range given {
		out[i] = c.showAssignment(a, names)
	}
	return c.json(http.StatusOK, object{"role_assignments": out, "links": c.self()})
}

// expand adds what roles imply; wanted, if it isn't nil, is the one role to keep.
func (c *call) expand(given []models.IdentityAssignment, wanted any) ([]models.IdentityAssignment, error) {
	seen := map[models.IdentityAssignment]bool{}
	out := []models.IdentityAssignment{}
	for _, a := range given {
		all, err := c.s.People.Implied(c.Request.Context(), []string{a.RoleID})
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			a.RoleID = r.ID
			if !seen[a] && (wanted == nil || wanted == r.ID) {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	return out, nil
}

// names returns what finds the name of a user, role, project or domain, with that of its domain.
func (c *call) names() (func(kind, id string) object, error) {
	ctx, people := c.Request.Context(), c.s.People
	known := map[string]object{}
	allDomains, err := identity.List[models.IdentityDomain](ctx, people, nil)
	if err != nil {
		return nil, err
	}
	domain := map[string]object{}
	for _, d := range allDomains {
		domain[d.ID] = object{"id": d.ID, "name": d.Name}
		known["domain"+d.ID] = object{"name": d.Name}
	}
	allProjects, err := identity.List[models.IdentityProject](ctx, people, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range allProjects {
		known["project"+p.ID] = object{"name": p.Name, "domain": domain[p.DomainID]}
	}
	allUsers, err := identity.List[models.IdentityUser](ctx, people, nil)
	if err != nil {
		return nil, err
	}
	for _, u := range allUsers {
		known["user"+u.ID] = object{"name": u.Name, "domain": domain[u.DomainID]}
	}
	return func(kind, id string) object { return known[kind+id] }, c.roleNames(ctx, known)
}

func (c *call) roleNames(ctx context.Context, known map[string]object) error {
	all, err := identity.List[models.IdentityRole](ctx, c.s.People, nil)
	for _, r := range all {
		known["role"+r.ID] = object{"name": r.Name}
	}
	return err
}

func (c *call) showAssignment(a models.IdentityAssignment, names func(kind, id string) object) object {
	thing := func(kind, id string) object {
		o := object{"id": id}
		for k, v := range names(kind, id) {
			o[k] = v
		}
		return o
	}
	path := map[string]string{models.GrantProject: "/projects/" + a.ScopeID, models.GrantDomain: "/domains/" + a.ScopeID, models.GrantSystem: "/system"}[a.Scope]
	scope := object{"system": object{"all": true}}
	if a.Scope != models.GrantSystem {
		scope = object{a.Scope: thing(a.Scope, a.ScopeID)}
	}
	return object{
		"user": thing("user", a.UserID), "role": thing("role", a.RoleID), "scope": scope,
		"links": object{"assignment": c.s.base(c.Request) + "/v3" + path + "/users/" + a.UserID + "/roles/" + a.RoleID},
	}
}
