package middleware

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gin.New()
		begun := time.Now()
		g.GET("/", Deadline(20*time.Second), func(c *gin.Context) {
			<-c.Request.Context().Done()
			c.Status(503)
		})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		require.Equal(t, 503, w.Code)
		require.Equal(t, 20*time.Second, time.Since(begun))
	})
}
