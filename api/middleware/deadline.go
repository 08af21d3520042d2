package middleware

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"
)

// Deadline ends the context of a request after a time; what waits for it then fails and is answered.
func Deadline(limit time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), limit)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}
