package identity

import (
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

// Authenticator knows callers of block storage by the tokens of this process's identity service (auth_strategy = embedded).
type Authenticator struct {
	People *identity.Service
	// URI is where clients are sent to log in.
	URI string
}

// Authenticate asks who X-Auth-Token is of, and X-Service-Token, if there is one.
func (a Authenticator) Authenticate(r *http.Request, _ string) (middleware.Identity, error) {
	t, err := a.People.Verify(r.Context(), r.Header.Get("X-Auth-Token"))
	if err != nil {
		return middleware.Identity{}, unauthorized(err)
	}
	who := middleware.Identity{
		UserID: t.User.ID, UserDomainID: t.UserDomain.ID, ProjectID: t.Project.ID, ProjectDomainID: t.ProjectDomain.ID, DomainID: t.Domain.ID,
		Roles: roleNames(t),
	}
	if t.System {
		who.SystemScope = models.WholeSystem
	}
	if text := r.Header.Get("X-Service-Token"); text != "" {
		service, err := a.People.Verify(r.Context(), text)
		if err != nil {
			return middleware.Identity{}, unauthorized(err)
		}
		who.ServiceRoles = roleNames(service)
	}
	return who, nil
}

// Challenge says where to log in.
func (a Authenticator) Challenge() string { return `Keystone uri="` + a.URI + `"` }

func roleNames(t identity.Token) []string {
	out := make([]string, len(t.Roles))
	for i, r := range t.Roles {
		out[i] = r.Name
	}
	return out
}

func unauthorized(err error) error {
	if errors.Is(err, identity.ErrUnauthorized) {
		return middleware.Unauthorized("This request requires a valid token.")
	}
	return &fault.Fault{Code: http.StatusServiceUnavailable, Message: "The service is not available for the moment.", RetryAfter: "5", Cause: err}
}
