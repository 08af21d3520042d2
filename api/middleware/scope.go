package middleware

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/api/microversion"
)

// Identity is who asks, as an Authenticator found it.
type Identity struct {
	UserID    string
	ProjectID string
	Roles     []string
	// What a token of Keystone says beside it; "" where it doesn't.
	UserDomainID, ProjectDomainID string
	DomainID                      string // of a token that is scoped to a domain
	SystemScope                   string // "all" for a token that is scoped to the system
	NotAdminProject               bool   // of a Keystone with an admin project, for a token of another
	// ServiceRoles are those of the service token that came along.
	ServiceRoles []string
	// Admin opens every project. An Authenticator sets it only for whom no policy shall be asked; of the others the policy's
	// context_is_admin decides.
	Admin bool
}

// HasRole tells whether the caller has a role, by its exact name.
func (i Identity) HasRole(name string) bool { return slices.Contains(i.Roles, name) }

// Scope is what is known of one request. The middleware fills it in order; handlers only read it.
type Scope struct {
	// RequestID is ours ("req-<uuid>"): it is in every answer, in each log line and in the flows the request starts.
	RequestID string
	// GlobalID is the id under which another service (Nova) sent the request, "" if none; it is logged only.
	GlobalID string
	Began    time.Time
	// Method is as it was sent: a HEAD is routed as GET.
	Method string
	// Address is where the request comes from: of the client before our own proxies, as far as those are known.
	Address string
	// PathProject is the project in the path, "" where the path has none (from 3.67).
	PathProject string
	Identity    Identity
	Version     microversion.Version
	Log         *slog.Logger
	// FlowID is the flow that the request started, for the access log.
	FlowID string
}

type scopeKey struct{}

// With puts the scope into a context.
func With(ctx context.Context, s *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// From returns the request's scope; outside of a request it is an empty one.
func From(ctx context.Context) *Scope {
	if s, ok := ctx.Value(scopeKey{}).(*Scope); ok {
		return s
	}
	return &Scope{Log: slog.New(slog.DiscardHandler)}
}
