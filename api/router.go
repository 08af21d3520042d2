package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/identity"
	"github.com/clinker-storage/clinker/api/middleware"
	v3 "github.com/clinker-storage/clinker/api/v3"
)

// Options say what the API is made of.
type Options struct {
	v3.Deps
	Auth middleware.Authenticator
	// People, where it is set, are served below /identity.
	People *identity.Server
	// Health is asked by GET /healthcheck; its error is the reason shown with 503. nil is always well.
	Health func(context.Context) error
	// Registry collects the figures and is what /metrics shows; nil makes one of its own.
	Registry *prometheus.Registry
	Log      *slog.Logger
	// MaxBody is the largest request body, in bytes (max_request_body_size); 0 is middleware.DefaultMaxBody.
	MaxBody int64
	// ProjectRate and AddressRate are requests a second of one project and of one address; 0 is no limit.
	ProjectRate, AddressRate int
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// ProjectID is what a project in a path looks like (project_id_regex); nil takes any.
	ProjectID *regexp.Regexp
}

// requestLimit is when a request that waits for a catalogue which hangs is answered with 503: before its client and the
// proxies in between give up, and so that hung requests don't pile up. What is promised sooner has deadlines of its own.
const requestLimit = 20 * time.Second

// New returns the handler that answers everything: versions, health, metrics and the resources below /v3.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.HandleMethodNotAllowed = true
	g.RedirectTrailingSlash = false
	g.UseRawPath = true
	g.UnescapePathValues = false // v3.Call.Param does it, by the rules of paths and not of queries
	g.Use(middleware.Access(middleware.NewMetrics(o.Registry)), middleware.AddressRate(o.AddressRate, o.Now))

	resources := v3.New(o.Deps)
	g.GET("/", versions(http.StatusMultipleChoices, o.Settings))
	g.GET("/v3", versions(http.StatusOK, o.Settings))
	g.GET("/healthcheck", health(o.Health))
	g.GET("/metrics", gin.WrapH(promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{})))

	if o.People != nil {
		o.People.Register(g, o.MaxBody)
	}
	guard := []gin.HandlerFunc{middleware.Deadline(requestLimit), middleware.Auth(o.Auth), middleware.ProjectRate(o.ProjectRate, o.Now), middleware.Negotiate, middleware.Body(o.MaxBody)}
	collections := make(map[string]bool)
	for _, r := range resources.Routes() {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
		collections[first] = true
		g.Handle(r.Method, "/v3"+r.Path, append(guard[:len(guard):len(guard)], resources.Serve(r))...)
	}
	g.NoRoute(func(c *gin.Context) { middleware.Refuse(c, fault.RouteNotFound()) })
	g.NoMethod(func(c *gin.Context) {
		middleware.Refuse(c, fault.New(http.StatusMethodNotAllowed, "the method %s is not allowed for this resource", c.Request.Method))
	})
	return &middleware.Entry{Next: g, Log: o.Log, Collections: collections, ProjectID: o.ProjectID, Proxies: o.Proxies, Now: o.Now}
}

// health answers as oslo's healthcheck: OK, or 503 with the reason.
func health(check func(context.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if check != nil {
			ctx, cancel := context.WithTimeout(c.Request.Context(), 3*time.Second)
			defer cancel()
			if err := check(ctx); err != nil {
				c.String(http.StatusServiceUnavailable, "%s\n", err.Error())
				return
			}
		}
		c.String(http.StatusOK, "OK")
	}
}
