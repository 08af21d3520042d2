package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/stretchr/testify/require"
)

func refusal(status int, body string) error {
	return gophercloud.ErrUnexpectedResponseCode{
		Actual: status, Body: []byte(body), ResponseHeader: http.Header{"X-Compute-Request-Id": {"req-1"}},
	}
}

func TestExplainAnswers(t *testing.T) {
	tests := []struct {
		status  int
		body    string
		code    Code
		message string
	}{
		{400, `{"badRequest":{"code":400,"message":"Invalid input for size"}}`, Usage, "Invalid input for size"},
		{400, `{"badRequest":{"code":400,"message":"Invalid volume: Volume status must be available"}}`, Conflict, "Invalid volume: Volume status must be available"},
		{401, `{"error":{"code":401,"message":"The request you have made requires authentication."}}`, Forbidden, "The request you have made requires authentication."},
		{403, ``, Forbidden, "the service answered 403 Forbidden"},
		{404, `{"itemNotFound":{"code":404,"message":"gone"}}`, NotFound, "gone"},
		{406, `{"errors":[{"detail":"Version 3.99 is not supported"}]}`, Failure, "Version 3.99 is not supported"},
		{
			400, `{"badRequest":{"code":400,"message":"backup 7a1c2f70-33a1-4b43-9a3a-0a9c3a5d1e44 is creating; it must be one of [available error]"}}`, Conflict,
			"backup 7a1c2f70-33a1-4b43-9a3a-0a9c3a5d1e44 is creating; it must be one of [available error]",
		},
		{400, `{"badRequest":{"code":400,"message":"sort key is not valid; it must be one of id, name"}}`, Usage, "sort key is not valid; it must be one of id, name"},
		{409, `{"conflictingRequest":{"code":409,"message":"exists"}}`, Conflict, "exists"},
		{412, `[]`, Conflict, "the service answered 412 Precondition Failed"},
		{413, `{"overLimit":{"code":413,"message":"VolumeLimitExceeded"}}`, OverQuota, "VolumeLimitExceeded"},
		{413, `{"badRequest":{"code":413,"message":"Request is too large."}}`, Usage, "Request is too large."},
		{500, `<html>boom</html>`, Failure, "the service answered 500 Internal Server Error"},
		{503, `{"serviceUnavailable":{"code":503,"message":"away"}}`, Unavailable, "away"},
	}
	for _, tt := range tests {
		err := explain(refusal(tt.status, tt.body), "http://x")
		require.Equal(t, tt.code, ExitCode(err), tt.message)
		require.EqualError(t, err, tt.message+" (request req-1)")
	}
}

func TestExplainNetwork(t *testing.T) {
	wrap := func(err error) error { return &url.Error{Op: "Get", URL: "http://x", Err: err} }
	tests := map[string]error{
		"can't reach http://x: connection refused (is the service running?)":                       wrap(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}),
		"can't reach http://x: host nowhere is not known":                                          wrap(&net.DNSError{Name: "nowhere"}),
		"can't reach http://x: no route to the host":                                               wrap(syscall.EHOSTUNREACH),
		"can't reach http://x: it does not speak TLS (http instead of https?)":                     wrap(tls.RecordHeaderError{}),
		"can't trust http://x: its certificate is not valid here (see --os-cacert and --insecure)": wrap(&tls.CertificateVerificationError{Err: errors.New("unknown")}),
		"http://x did not answer in time":                                                          wrap(context.DeadlineExceeded),
		"http://x cut the connection; it is not known whether the request was carried out":         wrap(io.EOF),
		"the request to http://x failed":                                                           wrap(errors.New("goroutine 7 panicked")),
		"http://x answered something that is not a block storage reply; is it the right endpoint?": &json.SyntaxError{},
		"interrupted": wrap(context.Canceled),
	}
	for want, err := range tests {
		require.EqualError(t, explain(err, "http://x"), want)
	}
	require.NoError(t, explain(nil, ""))
	require.Equal(t, Usage, ExitCode(errors.New("unknown flag: --x")), "what is not ours is about the command line")
}

func TestJoin(t *testing.T) {
	require.NoError(t, Join(nil, nil))
	one := Errorf(NotFound, "a")
	require.Equal(t, error(one), Join(nil, one))
	err := Join(one, nil, &Error{Code: Failure, Message: "b", Next: []string{"c"}})
	require.EqualError(t, err, "a\nb")
	require.Equal(t, NotFound, ExitCode(err))
	var joined *Error
	require.ErrorAs(t, err, &joined)
	require.Equal(t, "a\nb\nnext: c\n", joined.Advice())
}

func TestBackoff(t *testing.T) {
	refused := &url.Error{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	cutOff := &url.Error{Err: io.EOF}
	busy := func(after string) error {
		e := gophercloud.ErrUnexpectedResponseCode{Actual: 503, ResponseHeader: http.Header{}}
		if after != "" {
			e.ResponseHeader.Set("Retry-After", after)
		}
		return e
	}
	tests := map[string]struct {
		method, key string
		err         error
		again       bool
	}{
		"nothing was sent":             {"POST", "", refused, true},
		"a read was cut":               {"GET", "", cutOff, true},
		"a delete was cut":             {"DELETE", "", cutOff, true},
		"an action was cut":            {"POST", "", cutOff, false},
		"a create with a key was cut":  {"POST", "k", cutOff, true},
		"the service says when":        {"POST", "", busy("0"), true},
		"the service says much later":  {"GET", "", busy("3600"), false},
		"the service says it oddly":    {"GET", "", busy("soon"), false},
		"the service does not say":     {"GET", "", busy(""), false},
		"a refusal":                    {"GET", "", refusal(404, ""), false},
		"a certificate is not trusted": {"GET", "", &url.Error{Err: &tls.CertificateVerificationError{Err: errors.New("x")}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts := &gophercloud.RequestOpts{MoreHeaders: map[string]string{}}
			if tt.key != "" {
				opts.MoreHeaders[idempotencyKey] = tt.key
			}
			_, again := backoff(tt.method, opts, tt.err, 1)
			require.Equal(t, tt.again, again)
		})
	}
}

func TestOlder(t *testing.T) {
	require.True(t, older("3.9", "3.10"))
	require.False(t, older("3.71", "3.71"))
	require.False(t, older("4.0", "3.71"))
}
