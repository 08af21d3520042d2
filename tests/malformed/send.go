package malformed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience is for a machine that does much else: an answer that takes longer is none.
const patience = time.Minute

// Send sends a request and returns the status of the answer, of a 5xx with its body. A connection that was closed without one is status 0: what is not
// HTTP may be hung up on.
func Send(addr string, r Request) (status int, body []byte, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	// A server may answer, and close, before it has read everything; the answer is there all the same.
	if _, err := conn.Write(r.Bytes); err == nil && r.Short {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	reader := bufio.NewReader(conn)
	if _, err := reader.Peek(1); err != nil {
		if slow := net.Error(nil); errors.As(err, &slow) && slow.Timeout() {
			return 0, nil, fmt.Errorf("no answer within %s", patience)
		}
		return 0, nil, nil // closed, or reset
	}
	for status = http.StatusContinue; status == http.StatusContinue; {
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return 0, nil, nil //nolint:nilerr // reset in the middle of a refusal
		}
		if status = answer.StatusCode; status >= http.StatusInternalServerError {
			body, _ = io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		}
	}
	return status, body, nil
}
