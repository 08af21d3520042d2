package middleware

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/fault"
)

// Authenticator finds out who sends a request.
type Authenticator interface {
	// Authenticate returns the caller. pathProject is the project in the path, "" if there is none. An error that is a
	// *fault.Fault is the answer as it stands; use Unauthorized for a token that is missing or not valid.
	Authenticate(r *http.Request, pathProject string) (Identity, error)
	// Challenge is the value of WWW-Authenticate on a 401.
	Challenge() string
}

// Unauthorized is the 401 for a missing or bad token.
func Unauthorized(reason string) error {
	return fault.New(http.StatusUnauthorized, "%s", reason)
}

// Auth refuses requests whose sender is unknown, and those whose path names another project than their token.
func Auth(a Authenticator) gin.HandlerFunc {
	return func(c *gin.Context) {
		s := From(c.Request.Context())
		who, err := a.Authenticate(c.Request, s.PathProject)
		if err != nil {
			if fault.From(err).Code == http.StatusUnauthorized {
				c.Header("WWW-Authenticate", a.Challenge())
			}
			Refuse(c, err)
			return
		}
		s.Identity = who
		if s.PathProject != "" && s.PathProject != who.ProjectID {
			Refuse(c, fault.BadRequest("malformed request url: project %q is not the token's", s.PathProject))
		}
	}
}
