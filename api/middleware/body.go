package middleware

import (
	"mime"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/fault"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 1 << 20

// Body refuses bodies that are too large (413) or not JSON (415). A body of unknown length is cut off at the limit,
// which whoever reads it sees as *http.MaxBytesError.
func Body(c *gin.Context) {
	r := c.Request
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return
	}
	if r.ContentLength > MaxBody {
		// The rest is not read: the connection is closed after the answer.
		c.Header("Connection", "close")
		Refuse(c, TooLarge())
		return
	}
	r.Body = http.MaxBytesReader(c.Writer, r.Body, MaxBody)
	if text := r.Header.Get("Content-Type"); text != "" {
		kind, _, err := mime.ParseMediaType(text)
		if err != nil || kind != "application/json" {
			Refuse(c, fault.New(http.StatusUnsupportedMediaType, "content type %q is not supported; it must be application/json", text))
		}
	}
}

// TooLarge refuses a body over MaxBody.
func TooLarge() error {
	return fault.OverLimit("the request body is too large; at most %d bytes are read", MaxBody)
}
