//go:build !noembed

package devserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/temporal"
	"go.uber.org/dig"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Embedded tells whether this build holds a Temporal server.
const Embedded = true

// Server is a Temporal that runs in this process.
type Server struct {
	options  Options
	frontend string
	trusted  string
	temporal temporal.Server
	state    *state // nil on PostgreSQL
	logger   slogLogger
	ui       *ui
	stopOnce sync.Once
	stopped  chan struct{}
	stopErr  error
}

// Start runs Temporal, and returns when its frontend answers and every
// namespace and search attribute can be used. Errors that an operator can mend
// are *AddrInUseError and *StateError.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	l, err := findPorts(&o)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, frontend: l.frontend, trusted: l.trusted(), logger: newLogger(o.Logger, o.LogLevel), stopped: make(chan struct{})}
	if o.Postgres == nil {
		if s.state, err = openState(ctx, o); err != nil {
			return nil, err
		}
	}
	if s.temporal, err = newTemporal(o, l, s.logger); err != nil {
		return nil, errors.Join(setupError(o, err), s.state.close())
	}
	if err := s.temporal.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("temporal can't start: %w", err), s.Stop(context.WithoutCancel(ctx)))
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// findPorts finds a port for every listener, or says which one asked for is
// taken.
func findPorts(o *Options) (layout, error) {
	frontend, err := claim(o.FrontendAddr, WhatFrontend)
	if err != nil {
		return layout{}, err
	}
	if o.UIAddr != "" {
		if o.UIAddr, err = claim(o.UIAddr, WhatUI); err != nil {
			return layout{}, err
		}
	}
	ports, err := freePorts(4)
	if err != nil {
		return layout{}, err
	}
	l := layout{frontend: frontend, history: ports[0], matching: ports[1], worker: ports[2]}
	if o.Callers != nil || o.TLS != nil {
		l.internal = ports[3]
	}
	return l, nil
}

func newTemporal(o Options, l layout, logger slogLogger) (temporal.Server, error) {
	options := []temporal.ServerOption{
		temporal.WithConfig(serverConfig(o, l)),
		temporal.ForServices(l.names()),
		temporal.WithStaticHosts(l.hosts()),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(dynamicConfig(o)),
		temporal.WithCustomMetricsHandler(metrics.NoopMetricsHandler),
	}
	if o.Callers != nil {
		return temporal.NewServer(append(options, guard{o.Callers}.options()...)...)
	}
	return temporal.NewServer(append(options,
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)...)
}

// setupError takes the cause out of what the server's wiring wraps round it.
func setupError(o Options, err error) error {
	err = dig.RootCause(err)
	if o.Postgres != nil {
		return fmt.Errorf("temporal can't use PostgreSQL on %s:%d: %w; run `clinkerd temporal setup` if it has not run for this version",
			o.Postgres.Host, o.Postgres.Port, err)
	}
	return fmt.Errorf("temporal can't be set up: %w", err)
}

// ready waits for the frontend, mends the namespaces and opens the Web UI.
func (s *Server) ready(ctx context.Context) error {
	conn, err := grpc.NewClient(s.trusted, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	wait, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = workflowservice.NewWorkflowServiceClient(conn).
		GetSystemInfo(wait, &workflowservice.GetSystemInfoRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("temporal on %s does not answer: %w", s.Addr(), err)
	}
	if err := ensureNamespaces(ctx, conn, s.options.Namespaces); err != nil {
		return err
	}
	if s.options.UIAddr == "" {
		return nil
	}
	namespace := "default"
	if len(s.options.Namespaces) > 0 {
		namespace = s.options.Namespaces[0].Name
	}
	s.ui, err = startUI(wait, s.options.UIAddr, s.trusted, namespace)
	return err
}

// Addr is the host:port to dial.
func (s *Server) Addr() string { return dialable(s.frontend) }

// TrustedAddr is the host:port for this process itself: whoever reaches it may do everything. Only this machine does, unless nobody is told apart anyway.
func (s *Server) TrustedAddr() string { return s.trusted }

// UIURL is where the Web UI is, or empty.
func (s *Server) UIURL() string {
	if s.ui == nil {
		return ""
	}
	return s.ui.url
}

// Durability says when an answered request is on disk: SQLite's synchronous
// level, or "postgresql".
func (s *Server) Durability() string {
	if s.options.Postgres != nil {
		return "postgresql"
	}
	return durability(s.options)
}

// Stop ends the Web UI and the services, the frontend first. Running flows
// stay as they are and go on at the next Start. It may be called twice. When
// ctx ends first its error is returned and stopping goes on behind.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		go func() {
			defer close(s.stopped)
			s.logger.quiet.Store(true)
			if s.ui != nil {
				s.ui.stop()
			}
			s.stopErr = errors.Join(s.temporal.Stop(), s.state.close())
		}()
	})
	select {
	case <-s.stopped:
		return s.stopErr
	case <-ctx.Done():
		return fmt.Errorf("temporal is still stopping: %w", ctx.Err())
	}
}
