package middleware

import (
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
)

// audit logs who did what to what, and with which result, in CADF's words (DMTF DSP0262): for requests that change something, and
// for those that were refused for who sent them.
func audit(c *gin.Context, s *Scope) {
	code := c.Writer.Status()
	refused := code == http.StatusUnauthorized || code == http.StatusForbidden
	if s.Method == http.MethodGet || s.Method == http.MethodHead {
		if !refused {
			return
		}
	}
	outcome := "success"
	if code >= http.StatusBadRequest {
		outcome = "failure"
	}
	s.Log.LogAttrs(c.Request.Context(), slog.LevelInfo, "audit",
		slog.String("event_type", "activity"), slog.String("action", cadfAction(s.Method)+" "+c.FullPath()), slog.String("outcome", outcome),
		slog.Int("reason_code", code), slog.String("initiator_id", s.Identity.UserID), slog.String("initiator_project", s.Identity.ProjectID),
		slog.String("initiator_address", s.Address), slog.String("target", c.Request.URL.Path))
}

// cadfAction is CADF's word for a method.
func cadfAction(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut, http.MethodPatch:
		return "update"
	case http.MethodDelete:
		return "delete"
	}
	return "read"
}
