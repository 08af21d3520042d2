package middleware

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEntryRoutes(t *testing.T) {
	for path, want := range map[string][2]string{
		"/":                                 {"/", ""},
		"/v3":                               {"/v3", ""},
		"/v3/":                              {"/v3", ""},
		"/v3/volumes":                       {"/v3/volumes", ""},
		"/v3/volumes.json":                  {"/v3/volumes", ""},
		"/v3/p1/volumes":                    {"/v3/volumes", "p1"},
		"/v3/p1/volumes/":                   {"/v3/volumes/", "p1"},
		"/v3/p1/volumes/x/action.json":      {"/v3/volumes/x/action", "p1"},
		"/v3/p%201/volumes":                 {"/v3/volumes", "p 1"},
		"/v3/p1":                            {"/v3/p1", "p1"},
		"/v3/volumes/volumes":               {"/v3/volumes/volumes", ""},
		"/v3/p1/volumes/x/metadata/a.json":  {"/v3/volumes/x/metadata/a.json", "p1"},
		"/v3/p1/types/x/extra_specs/a.json": {"/v3/types/x/extra_specs/a.json", "p1"},
		"/v3/p1/volumes/x/metadata/a%2Fb":   {"/v3/volumes/x/metadata/a%2Fb", "p1"},
		"/healthcheck/":                     {"/healthcheck", ""},
		"/v2/p1/volumes":                    {"/v2/p1/volumes", ""},
		"//":                                {"/", ""},
	} {
		var got *http.Request
		e := &Entry{
			Next:        http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }),
			Log:         slog.New(slog.DiscardHandler),
			Collections: map[string]bool{"volumes": true, "types": true},
		}
		r := httptest.NewRequest("HEAD", "http://x"+path, nil)
		e.ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, want[0], got.URL.EscapedPath(), path)
		s := From(got.Context())
		require.Equal(t, want[1], s.PathProject, path)
		require.Equal(t, "GET", got.Method)
		require.Equal(t, "HEAD", s.Method)
		require.Equal(t, path, r.URL.EscapedPath(), "the request that came is left as it was")
	}
}

func TestScopeOutsideOfARequest(t *testing.T) {
	From(t.Context()).Log.Info("goes nowhere, and breaks nothing")
}

func TestIdentityRoles(t *testing.T) {
	id := Identity{Roles: []string{"reader"}}
	require.True(t, id.HasRole("reader"))
	require.False(t, id.HasRole("Reader"))
}
