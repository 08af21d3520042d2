package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/api/openapitest"
)

// Project is the project of requests that don't name another.
const Project = "6f70656e737461636b2d6d656d6f7279"

// Rig is an API with its catalogue and engine.
type Rig struct {
	Store   *Store
	Engine  *Engine
	Handler http.Handler
	// Log holds what was logged, one JSON object a line.
	Log *bytes.Buffer
}

// New builds a rig whose every exchange is checked against openapi.yaml; change alters the options before the API is made.
func New(t testing.TB, change ...func(*api.Options)) *Rig {
	t.Helper()
	r := &Rig{Store: NewStore(), Log: new(bytes.Buffer)}
	r.Engine = NewEngine(r.Store)
	o := api.Options{Auth: Tokens{}, Log: slog.New(slog.NewJSONHandler(&locked{w: r.Log}, nil))}
	o.Store, o.Starter, o.Flows = r.Store, r.Engine, r.Engine
	for _, f := range change {
		f(&o)
	}
	r.Handler = openapitest.Wrap(t, api.New(o))
	t.Cleanup(r.Engine.Close)
	return r
}

// Tokens authenticates tests: the token is "user:project:role,role". As with Keystone, who has admin has member, and who has
// member has reader.
type Tokens struct{}

// Authenticate takes the token apart.
func (Tokens) Authenticate(r *http.Request, _ string) (middleware.Identity, error) {
	parts := strings.Split(r.Header.Get("X-Auth-Token"), ":")
	if len(parts) != 3 {
		return middleware.Identity{}, middleware.Unauthorized("the token is missing or not valid")
	}
	id := middleware.Identity{UserID: parts[0], ProjectID: parts[1], Roles: strings.Split(parts[2], ",")}
	for _, implied := range [][2]string{{"admin", "member"}, {"member", "reader"}} {
		if id.HasRole(implied[0]) && !id.HasRole(implied[1]) {
			id.Roles = append(id.Roles, implied[1])
		}
	}
	return id, nil
}

// Challenge points to a Keystone that isn't there.
func (Tokens) Challenge() string { return "Keystone uri='http://127.0.0.1:5000'" }

// Answer is what came back.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte
	t      testing.TB
}

// Call describes a request beyond method, path and body.
type Call struct {
	Token   string // default: a plain member of Project
	Version string // microversion, "3.27"; "" sends none
	Header  map[string]string
}

// Tokens for the three callers that tests need.
const (
	Member = "mia:" + Project + ":member"
	Admin  = "ada:" + Project + ":admin"
	Other  = "otto:0123456789abcdef0123456789abcdef:member"
)

// Do sends a request. body may be nil, a string that is sent as it is, or a value that is sent as JSON.
func (r *Rig) Do(t testing.TB, method, path string, body any, c ...Call) *Answer {
	t.Helper()
	var call Call
	if len(c) > 0 {
		call = c[0]
	}
	var sent []byte
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
	default:
		var err error
		sent, err = json.Marshal(b)
		require.NoError(t, err)
	}
	req := httptest.NewRequest(method, path, bytes.NewReader(sent))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if call.Token == "" {
		call.Token = Member
	}
	req.Header.Set("X-Auth-Token", call.Token)
	if call.Version != "" {
		req.Header.Set("OpenStack-API-Version", "volume "+call.Version)
	}
	for k, v := range call.Header {
		if v == "" {
			req.Header.Del(k)
			continue
		}
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	r.Handler.ServeHTTP(rec, req)
	got, err := io.ReadAll(rec.Result().Body)
	require.NoError(t, err)
	a := &Answer{Code: rec.Code, Header: rec.Result().Header, Body: got, t: t}
	return a
}

// JSON decodes the answer.
func (a *Answer) JSON() map[string]any {
	a.t.Helper()
	var v map[string]any
	require.NoError(a.t, json.Unmarshal(a.Body, &v), string(a.Body))
	return v
}

// At walks into the answer: At("volume", "id").
func (a *Answer) At(keys ...string) any {
	a.t.Helper()
	var v any = a.JSON()
	for _, k := range keys {
		m, ok := v.(map[string]any)
		require.True(a.t, ok, "%s is no object in %s", k, a.Body)
		v = m[k]
	}
	return v
}

// Is checks the status.
func (a *Answer) Is(code int) *Answer {
	a.t.Helper()
	require.Equal(a.t, code, a.Code, string(a.Body))
	return a
}

// Refused checks status and name of an error document and returns its message.
func (a *Answer) Refused(code int, name string) string {
	a.t.Helper()
	a.Is(code)
	require.EqualValues(a.t, code, a.At(name, "code"), string(a.Body))
	return a.At(name, "message").(string)
}
