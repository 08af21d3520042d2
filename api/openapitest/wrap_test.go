package openapitest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// spy takes the failures that Wrap reports.
type spy struct {
	testing.TB
	errors int
}

func (s *spy) Helper() {}

func (s *spy) Errorf(string, ...any) { s.errors++ }

func TestWrap(t *testing.T) {
	const zones = `{"availabilityZoneInfo":[{"zoneName":"nova","zoneState":{"available":true}}]}`
	const missing = `{"itemNotFound":{"code":404,"message":"no such thing"}}`
	tests := map[string]struct {
		method, path, body string
		code               int
		kind, answer       string
		wrong              bool
	}{
		"as described":               {path: "/v3/p/os-availability-zone", code: 200, answer: zones},
		"without a project":          {path: "/v3/os-availability-zone", code: 200, answer: zones},
		"tolerated endings":          {path: "/v3/p/os-availability-zone.json/", code: 200, answer: zones},
		"unknown key in the answer":  {path: "/v3/p/os-availability-zone", code: 200, answer: `{"availabilityZoneInfo":[],"more":1}`, wrong: true},
		"missing key":                {path: "/v3/p/os-availability-zone", code: 200, answer: `{}`, wrong: true},
		"status not described":       {path: "/v3/p/os-availability-zone", code: 201, answer: zones, wrong: true},
		"path not described":         {path: "/v3/p/volumes/1/2/3", code: 200, answer: `{}`, wrong: true},
		"path refused by the router": {path: "/v3/p/volumes/1/2/3", code: 404, answer: missing},
		"a fault":                    {path: "/v3/p/types/x", code: 404, answer: missing},
		"a fault of another name":    {path: "/v3/p/types/x", code: 404, answer: `{"badRequest":{"code":404,"message":"x"}}`, wrong: true},
		"a fault of another code":    {path: "/v3/p/types/x", code: 404, answer: `{"itemNotFound":{"code":400,"message":"x"}}`, wrong: true},
		"a fault in plain text":      {path: "/v3/p/types/x", code: 404, kind: "text/plain", answer: "no", wrong: true},
		"a fault of any path":        {path: "/v3/p/types", code: 406, answer: `{"computeFault":{"code":406,"message":"x"}}`},
		"a request that fits": {
			method: "PUT", path: "/v3/p/os-services/enable", body: `{"host":"a","binary":"cinder-volume"}`, code: 200,
			answer: `{"host":"a","service":"cinder-volume","binary":"cinder-volume","status":"enabled","disabled":false}`,
		},
		"an accepted request that doesn't fit": {
			method: "PUT", path: "/v3/p/os-services/enable", body: `{"host":"a"}`, code: 200,
			answer: `{"host":"a","service":"cinder-volume","binary":"cinder-volume","status":"enabled","disabled":false}`, wrong: true,
		},
		"a refused request may be anything": {
			method: "PUT", path: "/v3/p/os-services/enable", body: `[1`, code: 400, answer: `{"badRequest":{"code":400,"message":"x"}}`,
		},
		"an empty answer":                   {method: "DELETE", path: "/v3/p/types/x", code: 202},
		"a body where none is described":    {method: "DELETE", path: "/v3/p/types/x", code: 202, answer: `{}`, wrong: true},
		"head is get without a body":        {method: "HEAD", path: "/v3/p/types", code: 200},
		"an item may be called like a list": {path: "/v3/p/types/volumes", code: 404, answer: missing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			kind := tt.kind
			if kind == "" {
				kind = "application/json"
			}
			s := &spy{TB: t}
			h := Wrap(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.Equal(t, tt.body, string(got), "the handler sees the request as it was sent")
				if tt.answer != "" {
					w.Header().Set("Content-Type", kind)
				}
				w.WriteHeader(tt.code)
				_, _ = io.WriteString(w, tt.answer)
			}))
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, tt.path, strings.NewReader(tt.body)))
			require.Equal(t, tt.code, w.Code)
			require.Equal(t, tt.answer, w.Body.String())
			require.Equal(t, tt.wrong, s.errors > 0)
		})
	}
}

func TestOperations(t *testing.T) {
	ops, err := Operations()
	require.NoError(t, err)
	require.Contains(t, ops, "GET /")
	require.Contains(t, ops, "POST /v3/volumes")
	require.Contains(t, ops, "DELETE /v3/volumes/{}/metadata/{}")
	require.IsIncreasing(t, ops)
}

func TestShape(t *testing.T) {
	for in, want := range map[string]string{
		"/v3/{project_id}/volumes/{volume_id}/action": "/v3/volumes/{}/action",
		"/v3/volumes/:id/action":                      "/v3/volumes/{}/action",
		"/v3/capabilities/*host":                      "/v3/capabilities/{}",
		"/":                                           "/",
	} {
		require.Equal(t, want, Shape(in))
	}
}

// Answers that are closed stay closed: without that, a field that nobody described would pass.
func TestDescriptionIsStrict(t *testing.T) {
	d, err := load()
	require.NoError(t, err)
	for _, name := range []string{"Volume", "Snapshot", "SnapshotExtended", "ManageableVolume", "VolumeType", "Service", "Capabilities", "Message", "Flow", "Task", "AbsoluteLimits", "Extension", "Error"} {
		more := d.spec.Components.Schemas[name].Value.AdditionalProperties.Has
		require.NotNil(t, more, name)
		require.False(t, *more, name)
	}
}
