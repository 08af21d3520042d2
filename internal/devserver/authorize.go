//go:build !noembed

package devserver

import (
	"context"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/temporal"
	"google.golang.org/grpc"

	"github.com/clinker-storage/clinker/internal/nodeauth"
)

// guard lets callers in by what nodeauth says of them.
type guard struct{ callers *nodeauth.Registry }

// options wire the guard into the server. Temporal's own parts and the Web UI come in by the internal frontend, whose claims say system.
func (g guard) options() []temporal.ServerOption {
	return []temporal.ServerOption{
		temporal.WithAuthorizer(g),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return g }),
		temporal.WithChainedFrontendGrpcInterceptors(g.mark),
	}
}

// GetClaims finds the caller by the token, else by the name in the client's certificate. Whoever is unknown gets claims of nobody.
func (g guard) GetClaims(info *authorization.AuthInfo) (*authorization.Claims, error) {
	var c nodeauth.Caller
	if token, ok := strings.CutPrefix(info.AuthToken, "Bearer "); ok {
		c = g.callers.Find(token)
	} else if info.AuthToken == "" && info.TLSSubject != nil { // of a certificate that the client CA signed
		c, _ = nodeauth.Named(info.TLSSubject.CommonName)
	}
	return &authorization.Claims{Subject: c.String(), Extensions: c}, nil
}

// Authorize is asked for each call.
func (g guard) Authorize(_ context.Context, claims *authorization.Claims, target *authorization.CallTarget) (authorization.Result, error) {
	c, internal := callerOf(claims)
	if internal || g.callers.Marks().Allow(c, target.APIName, target.Request) {
		return authorization.Result{Decision: authorization.DecisionAllow}, nil
	}
	return authorization.Result{Decision: authorization.DecisionDeny, Reason: c.String() + " may not do this"}, nil
}

// callerOf tells who called, and whether it was a part of this server.
func callerOf(claims *authorization.Claims) (c nodeauth.Caller, internal bool) {
	if claims == nil {
		return c, false
	}
	c, known := claims.Extensions.(nodeauth.Caller)
	return c, !known && claims.System == authorization.RoleAdmin
}

// mark ties the tasks that a node takes to that node.
func (g guard) mark(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	answer, err := next(ctx, request)
	if task, ok := answer.(*workflowservice.PollActivityTaskQueueResponse); ok && err == nil && task != nil {
		claims, _ := ctx.Value(authorization.MappedClaims).(*authorization.Claims)
		if c, internal := callerOf(claims); !internal {
			task.TaskToken = g.callers.Marks().Mark(c, task.TaskToken)
		}
	}
	return answer, err
}
