package middleware

import (
	"net/http"
	"strings"
)

// NoAuth believes every caller (auth_strategy = noauth): the token is "user:project", and whoever has one is admin.
// It is for a single machine; listening beyond loopback with it needs an explicit flag.
//
// python-cinderclient and gophercloud send exactly this token and put the same project into the path.
type NoAuth struct{}

// Authenticate takes the token apart. The project of the path counts; without one, the token's, else the user's name, as in Cinder.
func (NoAuth) Authenticate(r *http.Request, pathProject string) (Identity, error) {
	token := r.Header.Get("X-Auth-Token")
	if token == "" {
		return Identity{}, Unauthorized("the header X-Auth-Token is missing; with noauth it is user:project")
	}
	user, project, _ := strings.Cut(token, ":")
	if project == "" {
		project = user
	}
	if pathProject != "" {
		project = pathProject
	}
	if user == "" || len(user) > 255 || len(project) > 255 {
		return Identity{}, Unauthorized("the token is malformed; with noauth it is user:project")
	}
	who := Identity{UserID: user, ProjectID: project, Roles: []string{"admin", "member", "reader"}, Admin: true}
	if r.Header.Get("X-Service-Token") != "" { // a service is believed too
		who.ServiceRoles = []string{"service"}
	}
	return who, nil
}

// Challenge names the scheme; there is no Keystone to point to.
func (NoAuth) Challenge() string { return "Noauth" }
