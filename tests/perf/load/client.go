package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client speaks to one project of one endpoint. It is safe for concurrent use.
type Client struct {
	// Base is everything before "/{project}/volumes".
	Base string
	// Project is the path segment after Base; it is left out when empty.
	Project string
	// Header goes with every request: the token, a microversion.
	Header http.Header
	// HTTP does the requests; NewHTTP makes one that fits.
	HTTP *http.Client
}

// NewHTTP makes an HTTP client that keeps a connection for each of many concurrent requests.
func NewHTTP(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		MaxIdleConns: 512, MaxIdleConnsPerHost: 512,
		DialContext:        (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		DisableCompression: true, // unpacking would be the generator's work, packing the server's
	}}
}

// Reply is an answer with its body read.
type Reply struct {
	Code   int
	Header http.Header
	Body   []byte
}

// StatusError is an answer with a code that was not asked for.
type StatusError struct {
	Code int
	Text string // begin of the body
}

func (e *StatusError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.Code, e.Text) }

// want returns a *StatusError unless the code is one of codes; a code below 10 stands for its hundred.
func (r Reply) want(codes ...int) error {
	for _, c := range codes {
		if r.Code == c || r.Code/100 == c {
			return nil
		}
	}
	return &StatusError{Code: r.Code, Text: clip(strings.TrimSpace(string(r.Body)), 200)}
}

// Do sends a request to a path below the project, with body as JSON unless it is nil, and reads the answer. extra goes
// into the header beside the client's own.
func (c *Client) Do(ctx context.Context, method, path string, body any, extra http.Header) (Reply, error) {
	var rd io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return Reply{}, err
		}
		rd = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url(path), rd)
	if err != nil {
		return Reply{}, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range []http.Header{c.Header, extra} {
		for k, v := range h {
			req.Header[http.CanonicalHeaderKey(k)] = v
		}
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return Reply{Code: resp.StatusCode, Header: resp.Header, Body: b}, err
}

func (c *Client) url(path string) string {
	base := strings.TrimRight(c.Base, "/")
	if c.Project == "" {
		return base + path
	}
	return base + "/" + c.Project + path
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
