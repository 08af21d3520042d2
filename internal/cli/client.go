package cli

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// requestTimeout is above the longest answer that the service allows itself (60 s where it waits for a node).
const requestTimeout = 70 * time.Second

// flowHeader names the flow that a 202 has started.
const flowHeader = "Clinker-Flow"

// Object is a resource as the service shows it; numbers are json.Number.
type Object = map[string]any

// Client speaks to one block storage service for one project.
type Client struct {
	api *gophercloud.ServiceClient
	// root is the service's address before "/v3", where its versions are told.
	root string
	// project is the id of the project worked in; "" if only the token knows.
	project string
}

// Endpoint is the address that requests go to.
func (c *Client) Endpoint() string { return strings.TrimSuffix(c.api.Endpoint, "/") }

// Project is the id of the project worked in; "" if only the token knows it.
func (c *Client) Project() string { return c.project }

// request is one call of the service.
type request struct {
	method string
	path   []string // segments below the project, escaped by call
	query  url.Values
	body   any
	into   any    // where the answer's JSON goes; nil drops it
	key    string // Idempotency-Key, for calls that the service repeats safely under one
}

// call sends a request, repeats it where that is safe, and returns the answer's headers; every error is an *Error.
// A DELETE that had to be repeated and then finds nothing has succeeded.
func (c *Client) call(ctx context.Context, r request) (http.Header, error) {
	again := new(bool)
	header, err := c.send(context.WithValue(ctx, retried{}, again), r)
	if r.method == http.MethodDelete && *again && ExitCode(err) == NotFound {
		return header, nil
	}
	return header, err
}

func (c *Client) send(ctx context.Context, r request) (http.Header, error) {
	header, err := c.once(ctx, r)
	if refusedVersion(err) {
		if err := c.negotiate(ctx); err != nil {
			return nil, err
		}
		header, err = c.once(ctx, r)
	}
	return header, explain(err, c.Endpoint())
}

// once sends a request in the microversion that holds now.
func (c *Client) once(ctx context.Context, r request) (http.Header, error) {
	resp, err := c.api.Request(ctx, r.method, c.url(r), r.options()) //nolint:bodyclose // gophercloud reads and closes it
	if err != nil {
		return nil, err
	}
	return resp.Header, nil
}

func (c *Client) url(r request) string {
	segments := make([]string, len(r.path))
	for i, s := range r.path {
		segments[i] = url.PathEscape(s)
	}
	target := c.api.ServiceURL(segments...)
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	return target
}

// options are made anew for each sending: gophercloud writes into the headers.
func (r request) options() *gophercloud.RequestOpts {
	opts := &gophercloud.RequestOpts{
		JSONBody:     r.body,
		JSONResponse: r.into,
		OkCodes:      []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent},
		MoreHeaders:  map[string]string{},
	}
	if r.key != "" {
		opts.MoreHeaders[idempotencyKey] = r.key
	}
	return opts
}

// get fetches one object from below key: {"volume": {...}}.
func (c *Client) get(ctx context.Context, key string, path ...string) (Object, error) {
	var answer map[string]Object
	_, err := c.call(ctx, request{method: http.MethodGet, path: path, into: &answer})
	return answer[key], err
}

// post makes something of {key: body} at a collection, and returns it with the flow that works on it.
func (c *Client) post(ctx context.Context, key string, body any, collection string) (Object, string, error) {
	return c.made(ctx, key, request{method: http.MethodPost, path: []string{collection}, body: Object{key: body}})
}

// create is post under a key of its own, so that it makes one thing however often a bad connection has it sent again.
func (c *Client) create(ctx context.Context, key string, body any, collection string) (Object, string, error) {
	return c.made(ctx, key, request{method: http.MethodPost, path: []string{collection}, body: Object{key: body}, key: rand.Text()})
}

func (c *Client) made(ctx context.Context, key string, r request) (Object, string, error) {
	var answer map[string]Object
	r.into = &answer
	header, err := c.call(ctx, r)
	return answer[key], header.Get(flowHeader), err
}

// change puts fields of one object and adds properties to it.
func (c *Client) change(ctx context.Context, key, collection, id string, fields Object, properties Properties) error {
	if len(fields) > 0 {
		body := Object{key: fields}
		if _, err := c.call(ctx, request{method: http.MethodPut, path: []string{collection, id}, body: body}); err != nil {
			return err
		}
	}
	if len(properties) == 0 {
		return nil
	}
	_, err := c.call(ctx, request{
		method: http.MethodPost, path: []string{collection, id, "metadata"}, body: Object{"metadata": properties},
	})
	return err
}

// removeProperties deletes metadata of one object, key by key.
func (c *Client) removeProperties(ctx context.Context, collection, id string, keys []string) error {
	for _, key := range keys {
		if _, err := c.call(ctx, request{method: http.MethodDelete, path: []string{collection, id, "metadata", key}}); err != nil {
			return err
		}
	}
	return nil
}

// action posts {name: body} to a resource's action path and returns the flow that it started, if any.
func (c *Client) action(ctx context.Context, name string, body any, path ...string) (string, error) {
	header, err := c.call(ctx, request{method: http.MethodPost, path: append(path, "action"), body: Object{name: body}})
	return header.Get(flowHeader), err
}
