package middleware

import (
	"io"
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
		drain(r)
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

// maxDrain is how much of a body that is too large is thrown away before the refusal is sent.
const maxDrain = 16 << 20

// drain reads on, because many clients only look for an answer once they have sent everything, and take a connection that
// is closed before that for a failure of the network. A client that waits for "100 Continue" has sent nothing yet.
func drain(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // whatever goes wrong here, the answer is the same
	}
}

// TooLarge refuses a body over MaxBody.
func TooLarge() error {
	return fault.OverLimit("the request body is too large; at most %d bytes are read", MaxBody)
}
