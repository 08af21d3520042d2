package middleware

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/fault"
)

// Access writes one log line a request, counts it, and turns a panic into a 500 that says nothing of it.
func Access(m *Metrics) gin.HandlerFunc {
	return func(c *gin.Context) {
		s := From(c.Request.Context())
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		defer func() {
			if p := recover(); p != nil {
				recovered(c, s, p)
			}
			took := time.Since(s.Began)
			m.observe(c.FullPath(), s.Method, c.Writer.Status(), took)
			logAccess(c, s, took)
			audit(c, s)
		}()
		c.Next()
	}
}

func recovered(c *gin.Context, s *Scope, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p) // net/http's own way to give a connection up
	}
	s.Log.Error("a handler panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	c.Abort()
	if !c.Writer.Written() {
		fault.Internal(nil).Write(c.Writer)
	}
}

func logAccess(c *gin.Context, s *Scope, took time.Duration) {
	level := slog.LevelInfo
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", s.Method), slog.String("route", c.FullPath()), slog.String("path", c.Request.URL.Path),
		slog.Int("status", c.Writer.Status()), slog.Duration("duration", took),
		slog.String("project", s.Identity.ProjectID), slog.String("user", s.Identity.UserID))
	if s.GlobalID != "" {
		attrs = append(attrs, slog.String("global_request_id", s.GlobalID))
	}
	if s.FlowID != "" {
		attrs = append(attrs, slog.String("flow_id", s.FlowID))
	}
	s.Log.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

// Refuse ends a request with what an error means to a client; only a cause that we don't show is logged.
func Refuse(c *gin.Context, err error) {
	f := fault.From(err)
	if f.Cause != nil {
		From(c.Request.Context()).Log.Error("request failed", "error", f.Cause.Error(), "status", f.Code)
	}
	c.Abort()
	f.Write(c.Writer)
}
