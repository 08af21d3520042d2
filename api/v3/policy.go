package v3

import (
	"net/http"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/policy"
)

// Policy decides who may do what; *policy.Enforcer and *policy.Rules are such. Both methods are asked concurrently, and several times a
// request.
type Policy interface {
	// Allowed tells whether who may do an operation, by its name in Cinder's policy, with target.
	Allowed(who policy.Creds, operation string, target policy.Target) bool
	// Admin tells whether who may look into every project.
	Admin(who policy.Creds) bool
}

// credentials is the caller as the policy looks at it.
func credentials(who *middleware.Identity) policy.Creds {
	return policy.Creds{
		UserID: who.UserID, UserDomainID: who.UserDomainID, ProjectID: who.ProjectID, ProjectDomainID: who.ProjectDomainID,
		DomainID: who.DomainID, SystemScope: who.SystemScope, Roles: who.Roles, ServiceRoles: who.ServiceRoles, Admin: who.Admin,
		NotAdminProject: who.NotAdminProject,
	}
}

// admit lets a request through to its handler: it finds out who is admin, reads the thing that the path names, and asks for the route's rule.
func (c *Call) admit(r Route) error {
	c.creds = credentials(&c.Identity)
	c.Identity.Admin = c.api.Policy.Admin(c.creds)
	if err := c.needProject(r); err != nil {
		return err
	}
	c.target = c.creds.Own()
	if r.Of != nil {
		var err error
		if c.target, err = r.Of(c); err != nil {
			return err
		}
	}
	if r.Rule == "" {
		return nil // one of r.ByAction, for which the handler asks
	}
	return c.require(r.Rule)
}

// ofNoProject are the beginnings of paths below which nothing belongs to a project.
var ofNoProject = []string{"/types", "/qos-specs", "/group_types"}

// needProject refuses tokens that are of no project: to people, since nothing would be left out of their lists, and to administrators
// (of the system) where something would be made that belonged to nobody.
func (c *Call) needProject(r Route) error {
	switch {
	case c.Identity.ProjectID != "":
		return nil
	case !c.Identity.Admin:
		return fault.Forbidden("a token of a project is needed")
	}
	within := slices.ContainsFunc(ofNoProject, func(p string) bool { return strings.HasPrefix(r.Path, p) })
	if r.Method == http.MethodPost && r.Of == nil && !within {
		return fault.BadRequest("a token of a project is needed: what is made belongs to one")
	}
	return nil
}

// allowed tells whether the caller passes a rule in its own project, which is what Cinder asks for where it hides fields.
func (c *Call) allowed(rule string) bool { return c.allowedOn(rule, c.creds.Own()) }

// allowedOn tells whether the caller passes a rule on a target.
func (c *Call) allowedOn(rule string, target policy.Target) bool {
	return c.api.Policy.Allowed(c.creds, rule, target)
}

// require refuses a caller who doesn't pass a rule on what the request is about, in Cinder's words.
func (c *Call) require(rule string) error {
	if c.allowedOn(rule, c.target) {
		return nil
	}
	return fault.Forbidden("Policy doesn't allow %s to be performed.", rule)
}
