package middleware

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/keystone"
)

// Keystone knows callers by tokens of a Keystone (auth_strategy = keystone). What clients say of themselves in X-User-Id, X-Roles
// and the like is never looked at.
type Keystone struct {
	Tokens interface {
		// Validate answers keystone.ErrInvalid for a token that is none; any other error says nothing of the token.
		Validate(ctx context.Context, token string) (keystone.Token, error)
	}
	// URI is where clients are sent to log in.
	URI string
	// ServiceRoles make a service token one of a service; without one of them it is refused if ServiceRolesRequired.
	ServiceRoles         []string
	ServiceRolesRequired bool
}

// Authenticate asks who X-Auth-Token is of, and X-Service-Token, if there is one.
func (k Keystone) Authenticate(r *http.Request, _ string) (Identity, error) {
	t, err := k.validate(r, "X-Auth-Token")
	if err != nil {
		return Identity{}, err
	}
	who := Identity{
		UserID: t.UserID, UserDomainID: t.UserDomainID, ProjectID: t.ProjectID, ProjectDomainID: t.ProjectDomainID, DomainID: t.DomainID,
		Roles: t.Roles, NotAdminProject: t.NotAdminProject,
	}
	if t.System {
		who.SystemScope = "all"
	}
	if r.Header.Get("X-Service-Token") == "" {
		return who, nil
	}
	service, err := k.validate(r, "X-Service-Token")
	if err != nil {
		return Identity{}, err
	}
	known := slices.ContainsFunc(service.Roles, func(role string) bool { return slices.Contains(k.ServiceRoles, role) })
	switch {
	case known || !k.ServiceRolesRequired:
		who.ServiceRoles = service.Roles
		return who, nil
	}
	return Identity{}, invalidToken()
}

func (k Keystone) validate(r *http.Request, header string) (keystone.Token, error) {
	t, err := k.Tokens.Validate(r.Context(), r.Header.Get(header))
	switch {
	case errors.Is(err, keystone.ErrInvalid):
		return t, invalidToken()
	case err != nil:
		return t, &fault.Fault{Code: http.StatusServiceUnavailable, Message: "Keystone does not answer; try again", RetryAfter: "5", Cause: err}
	}
	return t, nil
}

func invalidToken() error { return Unauthorized("This request requires a valid token.") }

// Challenge says where to log in.
func (k Keystone) Challenge() string { return `Keystone uri="` + k.URI + `"` }
