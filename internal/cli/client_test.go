package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// connected is a client of a handler for what is below the project.
func connected(t *testing.T, h http.HandlerFunc) *Client {
	s := httptest.NewServer(http.StripPrefix("/v3/p", h))
	t.Cleanup(s.Close)
	c, err := Connect(t.Context(), Settings{Endpoint: s.URL, Project: "p"}, env(nil), t.TempDir(), nil)
	require.NoError(t, err)
	return c
}

func TestWaitVolumeByStatus(t *testing.T) {
	tests := map[string]struct {
		statuses []string // one an answer; "" is 404
		gone     bool
		code     Code
	}{
		"made":             {[]string{"creating", "available"}, false, OK},
		"not made":         {[]string{"creating", "error"}, false, Failure},
		"deleted":          {[]string{"deleting", ""}, true, OK},
		"not deleted":      {[]string{"deleting", "error_deleting"}, true, Failure},
		"vanished":         {[]string{"creating", ""}, false, NotFound},
		"takes too long":   {[]string{"creating"}, false, Unavailable},
		"restored":         {[]string{"restoring-backup", "available"}, false, OK},
		"not restored":     {[]string{"restoring-backup", "error_restoring"}, false, Failure},
		"deleted, delayed": {[]string{"deleting", "deleting", ""}, true, OK},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int32
			c := connected(t, func(w http.ResponseWriter, _ *http.Request) {
				status := tt.statuses[min(int(n.Add(1))-1, len(tt.statuses)-1)]
				if status == "" {
					http.Error(w, `{"itemNotFound":{"message":"gone"}}`, http.StatusNotFound)
					return
				}
				_, _ = w.Write([]byte(`{"volume":{"id":"v","status":"` + status + `"}}`))
			})
			require.Equal(t, tt.code, ExitCode(c.WaitStatus(t.Context(), "volume", "v", tt.gone, 500*time.Millisecond)))
		})
	}
}

func TestNotABlockStorageService(t *testing.T) {
	c := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome</html>")) })
	_, err := c.Volumes(t.Context(), VolumeFilter{})
	require.ErrorContains(t, err, "is it the right endpoint?")
	require.Equal(t, Failure, ExitCode(err))
}

func TestNegotiationFails(t *testing.T) {
	tests := map[string]struct{ root, want string }{
		"refuses its own version": {`{"versions":[{"id":"v3.0","version":"3.71","min_version":"3.0"}]}`, "offers API versions 3.0 to 3.71, but refuses 3.71"},
		"an old service":          {`{"versions":[{"id":"v2.0","version":""}]}`, "does not speak version 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					w.WriteHeader(http.StatusNotAcceptable)
					return
				}
				w.WriteHeader(http.StatusMultipleChoices)
				_, _ = w.Write([]byte(tt.root))
			}))
			t.Cleanup(s.Close)
			c, err := Connect(t.Context(), Settings{Endpoint: s.URL, Project: "p"}, env(nil), t.TempDir(), nil)
			require.NoError(t, err)
			_, err = c.Volumes(t.Context(), VolumeFilter{})
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestCutAnswer sends only half of an answer to a create: it must be sent again, under the same key.
func TestCutAnswer(t *testing.T) {
	var keys []string
	c := connected(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get(idempotencyKey))
		body := `{"volume":{"id":"v1"}}`
		w.Header().Set("Content-Length", "22")
		w.WriteHeader(http.StatusAccepted)
		if len(keys) == 1 {
			body = body[:5]
		}
		_, _ = w.Write([]byte(body))
	})
	size := Size{}
	require.NoError(t, size.Set("1"))
	v, _, err := c.CreateVolume(t.Context(), NewVolume{Size: size})
	require.NoError(t, err)
	require.Equal(t, "v1", v["id"])
	require.Len(t, keys, 2)
	require.NotEmpty(t, keys[0])
	require.Equal(t, keys[0], keys[1])
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := connected(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := c.Volumes(ctx, VolumeFilter{})
	require.Equal(t, Interrupted, ExitCode(err), err)
}

func TestEscapedPath(t *testing.T) {
	var path string
	c := connected(t, func(w http.ResponseWriter, r *http.Request) { path = r.URL.EscapedPath() })
	require.NoError(t, c.UnsetVolume(t.Context(), "v", []string{"a/b ?"}))
	require.True(t, strings.HasSuffix(path, "/metadata/a%2Fb%20%3F"), path)
}
