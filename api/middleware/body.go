package middleware

import (
	"cmp"
	"io"
	"mime"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/fault"
)

// DefaultMaxBody is the largest body that is read where the configuration says nothing, in bytes (Cinder's
// max_request_body_size).
const DefaultMaxBody = 114688

// Body refuses bodies of more than limit bytes (413; 0 is DefaultMaxBody) and those that are not JSON (415). A body of
// unknown length is cut off at the limit, which whoever reads it sees as *http.MaxBytesError.
func Body(limit int64) gin.HandlerFunc {
	limit = cmp.Or(limit, DefaultMaxBody)
	return func(c *gin.Context) { checkBody(c, limit) }
}

func checkBody(c *gin.Context, limit int64) {
	r := c.Request
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return
	}
	if r.ContentLength > limit {
		drain(r)
		c.Header("Connection", "close")
		Refuse(c, TooLarge(limit))
		return
	}
	r.Body = http.MaxBytesReader(c.Writer, r.Body, limit)
	if text := r.Header.Get("Content-Type"); text != "" {
		kind, _, err := mime.ParseMediaType(text)
		if err != nil || kind != "application/json" {
			Refuse(c, fault.New(http.StatusUnsupportedMediaType, "content type %q is not supported; it must be application/json", text))
		}
	}
}

// maxDrain is how much of a body that is too large is thrown away before the refusal is sent.
const maxDrain = 16 << 20

// drain reads on, because many clients only look for an answer once they have sent everything, and take a connection that
// is closed before that for a failure of the network. A client that waits for "100 Continue" has sent nothing yet.
func drain(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // whatever goes wrong here, the answer is the same
	}
}

// TooLarge refuses a body of more than limit bytes.
func TooLarge(limit int64) error {
	return fault.OverLimit("the request body is too large; at most %d bytes are read", limit)
}
