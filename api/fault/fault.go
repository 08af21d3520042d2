// Package fault writes refusals the way clients of the Block Storage API expect them:
// {"itemNotFound": {"code": 404, "message": "..."}}. It turns the errors of the store and of flows into them too.
package fault

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Fault is an answer that refuses. Message is for the user: it says what was wrong and what is allowed.
type Fault struct {
	Code    int
	Message string
	// RetryAfter is the header of that name, in seconds; "" leaves it out.
	RetryAfter string
	// Cause is logged and never shown.
	Cause error
}

// Error returns the message for the user.
func (f *Fault) Error() string { return f.Message }

// Unwrap returns what caused the fault, for the log.
func (f *Fault) Unwrap() error { return f.Cause }

// New makes a fault of any status.
func New(code int, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// BadRequest refuses a request that can't be done as it stands (400).
func BadRequest(format string, args ...any) *Fault {
	return New(http.StatusBadRequest, format, args...)
}

// Forbidden refuses what the caller's roles don't allow (403).
func Forbidden(format string, args ...any) *Fault { return New(http.StatusForbidden, format, args...) }

// NotFound says that something the request names is not there (404).
func NotFound(format string, args ...any) *Fault { return New(http.StatusNotFound, format, args...) }

// Conflict refuses what contradicts what is there (409).
func Conflict(format string, args ...any) *Fault { return New(http.StatusConflict, format, args...) }

// OverLimit refuses what is too much (413); Cinder sends Retry-After: 0 with it.
func OverLimit(format string, args ...any) *Fault {
	f := New(http.StatusRequestEntityTooLarge, format, args...)
	f.RetryAfter = "0"
	return f
}

// Unavailable asks the client to come again in a few seconds (503).
func Unavailable(format string, args ...any) *Fault {
	f := New(http.StatusServiceUnavailable, format, args...)
	f.RetryAfter = "5"
	return f
}

// RouteNotFound is the answer to a path, or a path at a microversion, that is not there.
func RouteNotFound() *Fault { return NotFound("the resource could not be found") }

// StatusClientClosed is for the log and the counters, where it is nobody's fault: the client went away, or closed its half of the connection, and won't read
// an answer. nginx has given the number its meaning.
const StatusClientClosed = 499

// names are Cinder's words for a status; every other is a computeFault.
var names = map[int]string{
	http.StatusBadRequest:            "badRequest",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "itemNotFound",
	http.StatusMethodNotAllowed:      "badMethod",
	http.StatusConflict:              "conflictingRequest",
	http.StatusRequestEntityTooLarge: "overLimit",
	http.StatusUnsupportedMediaType:  "badMediaType",
	http.StatusTooManyRequests:       "overLimit",
	http.StatusNotImplemented:        "notImplemented",
	http.StatusServiceUnavailable:    "serviceUnavailable",
}

type document struct {
	Code       int    `json:"code"`
	Message    string `json:"message"`
	RetryAfter string `json:"retryAfter,omitempty"`
}

// Write sends the fault.
func (f *Fault) Write(w http.ResponseWriter) {
	name := names[f.Code]
	if name == "" {
		name = "computeFault"
	}
	doc := document{Code: f.Code, Message: f.Message}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if name == "overLimit" {
		doc.RetryAfter = f.RetryAfter
	}
	body, err := json.Marshal(map[string]document{name: doc})
	if err != nil { // two strings and a number always marshal
		body = []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Code)
	_, _ = w.Write(body) // the client may be gone; there is nobody left to tell
}
