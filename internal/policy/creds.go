package policy

import (
	"slices"
	"strings"
)

// Creds is who asks, as the token says it. Roles hold what Keystone implies: who has member has reader too.
type Creds struct {
	UserID          string
	UserDomainID    string
	ProjectID       string // "" for a token that is not of a project
	ProjectDomainID string
	DomainID        string // of a token that is scoped to a domain
	SystemScope     string // "all" for a token that is scoped to the system
	Roles           []string
	ServiceRoles    []string // of the service that sends the request along with the user's token
	// Admin makes is_admin:True hold whatever context_is_admin says: with noauth everybody is admin.
	Admin bool
	// NotAdminProject is what Keystone says where it has an admin project and the token is for another.
	NotAdminProject bool
}

// Target is the thing that a request is about. An empty field matches nobody, so that a caller without a project is not
// the owner of a thing without one.
type Target struct {
	ProjectID string
	UserID    string
	DomainID  string
}

// Own is the target of requests that are about no thing yet: the caller's project, as in Cinder.
func (c *Creds) Own() Target {
	return Target{ProjectID: c.ProjectID, UserID: c.UserID, DomainID: c.DomainID}
}

// targetKeys are what may stand in %(...)s.
var targetKeys = map[string]func(*Target) string{
	"project_id": func(t *Target) string { return t.ProjectID },
	"tenant_id":  func(t *Target) string { return t.ProjectID },
	"user_id":    func(t *Target) string { return t.UserID },
	"domain_id":  func(t *Target) string { return t.DomainID },
}

// attributes are what may stand before the colon, beside role and rule; is_admin is a check of its own.
var attributes = map[string]func(c *Creds, want string) bool{
	"user_id":           func(c *Creds, want string) bool { return c.UserID == want },
	"user":              func(c *Creds, want string) bool { return c.UserID == want },
	"user_domain_id":    func(c *Creds, want string) bool { return c.UserDomainID == want },
	"project_id":        func(c *Creds, want string) bool { return c.ProjectID == want },
	"tenant_id":         func(c *Creds, want string) bool { return c.ProjectID == want },
	"tenant":            func(c *Creds, want string) bool { return c.ProjectID == want },
	"project_domain_id": func(c *Creds, want string) bool { return c.ProjectDomainID == want },
	"domain_id":         func(c *Creds, want string) bool { return c.DomainID == want },
	"system_scope":      func(c *Creds, want string) bool { return c.SystemScope == want },
	"is_admin_project":  func(c *Creds, want string) bool { return boolName(!c.NotAdminProject) == want },
	"roles":             func(c *Creds, want string) bool { return slices.Contains(c.Roles, want) },
	"service_roles":     func(c *Creds, want string) bool { return slices.Contains(c.ServiceRoles, want) },
}

// hasRole compares without regard to case, as oslo.policy does.
func (c *Creds) hasRole(name string) bool {
	return slices.ContainsFunc(c.Roles, func(r string) bool { return strings.EqualFold(r, name) })
}

// boolName is how Python writes a boolean, and so how rules do.
func boolName(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
