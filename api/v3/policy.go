package v3

import (
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
	}
}

// admit lets a request through to its handler: it finds out who is admin, reads the thing that the path names, and asks for the route's rule.
func (c *Call) admit(r Route) error {
	c.creds = credentials(&c.Identity)
	c.Identity.Admin = c.api.Policy.Admin(c.creds)
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
