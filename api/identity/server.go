package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

// Base is where the API begins.
const Base = "/identity"

// Server answers Keystone's API.
type Server struct {
	People *identity.Service
	// PublicEndpoint is the base of links, "https://volume.example.org"; "" takes the request's host.
	PublicEndpoint string
}

// object is JSON on its way out.
type object map[string]any

// refusal is an error that a client reads.
type refusal struct {
	code    int
	message string
	wait    time.Duration // Retry-After
}

func (r *refusal) Error() string { return r.message }

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

var (
	errUnauthorized = refuse(http.StatusUnauthorized, "The request you have made requires authentication.")
	errForbidden    = refuse(http.StatusForbidden, "You are not authorized to perform the requested action.")
)

// call is one request.
type call struct {
	*gin.Context
	s *Server
	// token is the caller's; nobody's for the routes that need none.
	token identity.Token
	// hash is that of the password in the request, once it is made.
	hash string
}

// handler answers a call, or returns why not.
type handler func(c *call) error

// limit is when a request that waits for its turn, or for the database, is given up.
const limit = 20 * time.Second

// Register adds the routes below Base.
func (s *Server) Register(g *gin.Engine, maxBody int64) {
	guard := []gin.HandlerFunc{middleware.Deadline(limit), noStore, middleware.Body(maxBody)}
	handle := func(method, path string, h gin.HandlerFunc) {
		g.Handle(method, Base+path, append(guard[:len(guard):len(guard)], h)...)
	}
	open := func(method, path string, h handler) { handle(method, path, s.serve(h)) }
	known := func(method, path string, h handler) { handle(method, path, s.serve(authenticated(h))) }
	admin := func(method, path string, h handler) { known(method, path, administrator(h)) }

	open(http.MethodGet, "", versions)
	open(http.MethodGet, "/v3", version)
	open(http.MethodPost, "/v3/auth/tokens", issue)
	known(http.MethodGet, "/v3/auth/tokens", validate)
	known(http.MethodDelete, "/v3/auth/tokens", revoke)
	known(http.MethodGet, "/v3/auth/catalog", showCatalog)
	known(http.MethodGet, "/v3/auth/projects", ownProjects)
	known(http.MethodGet, "/v3/auth/domains", ownDomains)
	known(http.MethodGet, "/v3/auth/system", ownSystem)
	known(http.MethodGet, "/v3/users/:id/projects", projectsOf)
	known(http.MethodPost, "/v3/users/:id/password", changePassword)
	known(http.MethodGet, "/v3/users/:id/groups", noGroups)
	known(http.MethodGet, "/v3/groups", noGroups)

	register(admin, known, domains)
	register(admin, known, projects)
	register(admin, known, users)
	register(admin, known, roles)
	register(admin, known, services)
	register(admin, known, endpoints)
	admin(http.MethodGet, "/v3/regions", regions)
	admin(http.MethodGet, "/v3/role_assignments", assignments)
	admin(http.MethodGet, "/v3/role_inferences", inferences)
	registerGrants(admin)
}

// noStore keeps tokens and passwords out of every cache on the way.
func noStore(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Vary", "X-Auth-Token")
}

func (s *Server) serve(h handler) gin.HandlerFunc {
	return func(g *gin.Context) {
		if err := h(&call{Context: g, s: s}); err != nil {
			answer(g, s, err)
		}
	}
}

// authenticated wants a token that is valid.
func authenticated(h handler) handler {
	return func(c *call) error {
		t, err := c.s.People.Verify(c.Request.Context(), c.GetHeader("X-Auth-Token"))
		if err != nil {
			return err
		}
		c.token = t
		scope := middleware.From(c.Request.Context())
		scope.Identity.UserID, scope.Identity.ProjectID = t.User.ID, t.Project.ID // for the log
		return h(c)
	}
}

// administrator wants a token with the role admin.
func administrator(h handler) handler {
	return func(c *call) error {
		if !c.token.Admin() {
			return errForbidden
		}
		return h(c)
	}
}

// answer writes an error as Keystone does. Its cause is logged, not shown.
func answer(g *gin.Context, s *Server, err error) {
	log := middleware.From(g.Request.Context()).Log
	wait := new(identity.WaitError)
	r := new(refusal)
	switch {
	case errors.As(err, &r):
	case errors.As(err, &wait):
		r = &refusal{code: http.StatusTooManyRequests, message: "Too many logins went wrong.", wait: wait.For}
	case errors.Is(err, identity.ErrUnauthorized):
		r = errUnauthorized
	case errors.Is(err, models.ErrNotFound):
		r = &refusal{code: http.StatusNotFound, message: "Could not find what was asked for: " + err.Error() + "."}
	case errors.Is(err, models.ErrExists), errors.Is(err, models.ErrInUse):
		r = &refusal{code: http.StatusConflict, message: err.Error() + "."}
	case errors.Is(err, models.ErrInvalid):
		r = &refusal{code: http.StatusBadRequest, message: err.Error() + "."}
	case errors.Is(err, models.ErrUnavailable):
		log.Error("request failed", "error", err.Error())
		r = &refusal{code: http.StatusServiceUnavailable, message: "The service is not available for the moment.", wait: 5 * time.Second}
	default:
		log.Error("request failed", "error", err.Error())
		r = &refusal{code: http.StatusInternalServerError, message: "An unexpected error prevented the server from fulfilling your request."}
	}
	if r.code == http.StatusUnauthorized {
		g.Header("WWW-Authenticate", "Keystone uri=\""+s.base(g.Request)+"/v3\"")
	}
	if r.wait > 0 {
		g.Header("Retry-After", strconv.Itoa(int(r.wait/time.Second)+1))
	}
	g.Abort()
	write(g, r.code, object{"error": object{"code": r.code, "title": http.StatusText(r.code), "message": r.message}})
}

func (c *call) json(code int, body object) error {
	write(c.Context, code, body)
	return nil
}

func (c *call) empty() error {
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
	return nil
}

func write(g *gin.Context, code int, body object) {
	text, err := json.Marshal(body)
	if err != nil {
		middleware.From(g.Request.Context()).Log.Error("an answer could not be written", "error", err.Error())
		code, text = http.StatusInternalServerError, nil
	}
	g.Header("Content-Type", "application/json")
	g.Status(code)
	_, _ = g.Writer.Write(text) // a client that went away is no failure of ours
}

// base is the address of this API as the client knows it.
func (s *Server) base(r *http.Request) string {
	if s.PublicEndpoint != "" {
		return s.PublicEndpoint + Base
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + Base
}
