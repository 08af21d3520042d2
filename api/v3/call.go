package v3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// Call is one request on its way through a handler.
type Call struct {
	*middleware.Scope
	gin *gin.Context
	api *API
	// query is parsed once.
	query url.Values
	body  []byte
	// target is what the policy is asked about; row is the thing itself, once it is read.
	creds  policy.Creds
	target policy.Target
	row    any
}

// Serve runs a route's handler inside gin.
func (a *API) Serve(r Route) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &Call{Scope: middleware.From(g.Request.Context()), gin: g, api: a}
		if err := c.serve(r); err != nil {
			middleware.Refuse(g, err)
		}
	}
}

func (c *Call) serve(r Route) error {
	if c.Version < r.Min {
		return fault.RouteNotFound()
	}
	if err := c.admit(r); err != nil {
		return err
	}
	return r.Handle(c)
}

// Context is the request's: it ends when the client goes away.
func (c *Call) Context() context.Context { return c.gin.Request.Context() }

// Param returns a segment of the path by its name in the route, unescaped.
func (c *Call) Param(name string) string {
	v := c.gin.Param(name)
	if c.gin.Request.URL.RawPath == "" {
		return v
	}
	if plain, err := url.PathUnescape(v); err == nil {
		return plain
	}
	return v
}

// Query returns the first value of a query parameter, "" if it is absent.
func (c *Call) Query(name string) string { return c.QueryValues().Get(name) }

// QueryValues returns all query parameters.
func (c *Call) QueryValues() url.Values {
	if c.query == nil {
		c.query = c.gin.Request.URL.Query()
	}
	return c.query
}

// Header returns a header of the request.
func (c *Call) Header(name string) string { return c.gin.GetHeader(name) }

// SetHeader sets a header of the answer.
func (c *Call) SetHeader(name, value string) { c.gin.Header(name, value) }

// At tells whether the request's microversion is 3.<minor> or newer.
func (c *Call) At(minor microversion.Version) bool { return c.Version >= minor }

// Project is the caller's project, where new things belong.
func (c *Call) Project() string { return c.Identity.ProjectID }

// Reach is the project whose things the caller may address by id: "" (any) for admins.
func (c *Call) Reach() string {
	if c.Identity.Admin {
		return ""
	}
	return c.Identity.ProjectID
}

// ListProject is the project a list shows: "" (all) when an admin asks for all_tenants. Of others all_tenants is ignored.
func (c *Call) ListProject() (string, error) {
	text := c.Query("all_tenants")
	if text == "" || !c.Identity.Admin {
		return c.Project(), nil
	}
	all, ok := parseBool(text)
	if !ok {
		return "", fault.BadRequest("all_tenants %q is not a boolean", text)
	}
	if all {
		return "", nil
	}
	return c.Project(), nil
}

// JSON answers with a value.
func (c *Call) JSON(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Bytes(status, body)
}

// Bytes answers with JSON that is written already.
func (c *Call) Bytes(status int, body []byte) error {
	h := c.gin.Writer.Header()
	h.Set("Content-Type", "application/json")
	c.gin.Status(status)
	_, _ = c.gin.Writer.Write(body) // a client that went away is no failure of ours
	return nil
}

// Empty answers without a body.
func (c *Call) Empty(status int) error {
	c.gin.Status(status)
	c.gin.Writer.WriteHeaderNow()
	return nil
}

// Started tells the client which flow its request started.
func (c *Call) Started(flowID string) {
	c.FlowID = flowID
	c.SetHeader("Clinker-Flow", flowID)
}

// Raw reads the body once, whatever is in it.
func (c *Call) Raw() ([]byte, error) {
	if c.body != nil {
		return c.body, nil
	}
	body, err := io.ReadAll(c.gin.Request.Body)
	if err != nil {
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			return nil, middleware.TooLarge(large.Limit)
		}
		return nil, fault.BadRequest("the request body could not be read")
	}
	c.body = body
	return body, nil
}

// Object reads the body as a JSON object.
func (c *Call) Object() (*Fields, error) {
	raw, err := c.Raw()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fault.BadRequest("a JSON body is needed")
	}
	var obj map[string]json.RawMessage
	if err := json.Unmarshal(raw, &obj); err != nil {
		return nil, fault.BadRequest("malformed request body: it must be a JSON object")
	}
	if obj == nil {
		return nil, fault.BadRequest("malformed request body: it must be a JSON object, not null")
	}
	return newFields("", obj), nil
}

// Body reads the object under root, as in {"volume": {...}}. Other keys beside it are refused when strict.
func (c *Call) Body(root string, strict bool) (*Fields, error) {
	top, err := c.Object()
	if err != nil {
		return nil, err
	}
	f := top.Object(root)
	if f == nil {
		top.Fail("%s is needed in the request body and must be an object", root)
	}
	return f, top.End(strict)
}

// notFound gives models.ErrNotFound the words a client reads; every other error stays.
func notFound(err error, what, id string) error {
	if errors.Is(err, models.ErrNotFound) {
		return fault.NotFound("%s %s could not be found", what, id)
	}
	return err
}
