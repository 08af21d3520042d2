package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Client speaks the Block Storage API with noauth's token. It is safe for concurrent use.
type Client struct {
	Base    string // http://host:port/v3
	Project string
	User    string
	Version string // microversion
	HTTP    *http.Client
}

// NewClient makes a client for a project.
func NewClient(base, project string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	return &Client{Base: base, Project: project, User: "admin", Version: "3.70", HTTP: &http.Client{Timeout: 30 * time.Second, Transport: transport}}
}

// In is the same client for another project.
func (c *Client) In(project string) *Client {
	other := *c
	other.Project = project
	return &other
}

// Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Flow is the id of the flow that the request started, "" for none.
func (r Response) Flow() string { return r.Header.Get("Clinker-Flow") }

// RequestID is the id by which the logs name the request.
func (r Response) RequestID() string { return r.Header.Get("X-Openstack-Request-Id") }

// Decode reads the JSON body into out.
func (r Response) Decode(t testing.TB, out any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, out); err != nil {
		t.Fatalf("answer %d is not what was expected: %v: %s", r.Status, err, r.Body)
	}
}

// Fault takes Cinder's error body apart: {"overLimit": {"code": 413, "message": "..."}}.
func (r Response) Fault(t testing.TB) (name, message string) {
	t.Helper()
	var body map[string]struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	r.Decode(t, &body)
	for name, f := range body {
		if len(body) != 1 || f.Code != r.Status || f.Message == "" {
			break
		}
		return name, f.Message
	}
	t.Fatalf("answer %d is no error body of Cinder's: %s", r.Status, r.Body)
	return "", ""
}

// Do sends a request; path begins with the resource and may have a query. A body that is a string goes as it is, any
// other as JSON. Headers are "Name: value".
func (c *Client) Do(ctx context.Context, method, path string, body any, headers ...string) (Response, error) {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return Response{}, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+"/"+c.Project+path, content)
	if err != nil {
		return Response{}, err
	}
	req.Header.Set("X-Auth-Token", c.User+":"+c.Project)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("OpenStack-API-Version", "volume "+c.Version)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Response{}, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return Response{Status: res.StatusCode, Header: res.Header, Body: text}, nil
}

// Want sends a request and fails the test unless it is answered with the given status.
func (c *Client) Want(t testing.TB, status int, method, path string, body any, headers ...string) Response {
	t.Helper()
	r, err := c.Do(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != status {
		t.Fatalf("%s %s: want %d, got %d: %s", method, path, status, r.Status, r.Body)
	}
	return r
}
