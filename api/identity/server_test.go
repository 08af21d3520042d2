package identity_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	apiidentity "github.com/clinker-storage/clinker/api/identity"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

type object = map[string]any

// rig is the identity service on a catalogue of its own, with block storage beside it.
type rig struct {
	http.Handler
	people   *identity.Service
	password string // admin's
	ahead    atomic.Int64
	t        *testing.T
}

func newRig(t *testing.T) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "catalogue.db"), store.Options{RelaxedDurability: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	require.NoError(t, st.Migrate(t.Context()))
	r := &rig{t: t}
	r.people, err = identity.New(st, identity.Options{Now: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }})
	require.NoError(t, err)
	kept := ""
	r.password, err = r.people.Bootstrap(t.Context(), func(p string) error { kept = p; return nil })
	require.NoError(t, err)
	require.Equal(t, r.password, kept)
	require.NoError(t, r.people.Advertise(t.Context(), "http://volume.example.org"))
	fake := apitest.NewStore()
	engine := apitest.NewEngine(fake)
	t.Cleanup(engine.Close)
	o := api.Options{Auth: apiidentity.Authenticator{People: r.people, URI: "http://volume.example.org/identity/v3"}, People: &apiidentity.Server{People: r.people}, Log: slog.New(slog.DiscardHandler)}
	o.Store, o.Starter, o.Flows = fake, engine, engine
	r.Handler = api.New(o)
	return r
}

func (r *rig) advance(d time.Duration) { r.ahead.Add(int64(d)) }

type reply struct {
	*http.Response
	text string
	t    *testing.T
}

func (r *rig) do(method, path, token string, body any, headers ...string) reply {
	r.t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(r.t, err)
		content = strings.NewReader(string(text))
	}
	req := httptest.NewRequest(method, path, content)
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	return reply{Response: rec.Result(), text: rec.Body.String(), t: r.t}
}

func (a reply) is(code int) reply {
	a.t.Helper()
	require.Equal(a.t, code, a.StatusCode, a.text)
	return a
}

// at walks into the answer.
func (a reply) at(keys ...string) any {
	a.t.Helper()
	var v any
	require.NoError(a.t, json.Unmarshal([]byte(a.text), &v), a.text)
	for _, k := range keys {
		m, ok := v.(object)
		require.True(a.t, ok, "%s in %s", k, a.text)
		v = m[k]
	}
	return v
}

// login is a request for a token with a password; scope nil is none.
func login(user, password string, scope any) object {
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{"user": object{
		"name": user, "domain": object{"id": "default"}, "password": password,
	}}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return object{"auth": auth}
}

func project(name string) object {
	return object{"project": object{"name": name, "domain": object{"name": "Default"}}}
}

func (r *rig) ask(user, password string, scope any) reply {
	r.t.Helper()
	return r.do("POST", "/identity/v3/auth/tokens", "", login(user, password, scope))
}

// token logs in.
func (r *rig) token(user, password string, scope any) string {
	r.t.Helper()
	return r.ask(user, password, scope).is(201).Header.Get("X-Subject-Token")
}

func (r *rig) admin() string { return r.token("admin", r.password, project("demo")) }

// with makes a user who has a role in a project of its own, both of that name, and returns their ids.
func (r *rig) with(name, role string) (user, project string) {
	r.t.Helper()
	admin := r.admin()
	user = r.do("POST", "/identity/v3/users", admin, object{"user": object{"name": name, "password": name + "-secret"}}).is(201).at("user", "id").(string)
	project = r.do("POST", "/identity/v3/projects", admin, object{"project": object{"name": name}}).is(201).at("project", "id").(string)
	r.do("PUT", "/identity/v3/projects/"+project+"/users/"+user+"/roles/"+r.role(role), admin, nil).is(204)
	return user, project
}

func (r *rig) role(name string) string {
	r.t.Helper()
	rows, err := identity.List[models.IdentityRole](r.t.Context(), r.people, map[string]any{"name": name})
	require.NoError(r.t, err)
	require.Len(r.t, rows, 1)
	return rows[0].ID
}
