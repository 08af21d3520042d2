package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDebugHidesPasswords(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "user") {
			t.Errorf("the request came as %q, %v", body, err)
		}
		_, _ = w.Write([]byte(`{"user":{"name":"mia"}, "connection_info": {"auth_username": "chap-user", "auth_password" : "very-secret\"very-secret", "target_lun": 1}}`))
	}))
	t.Cleanup(s.Close)
	var out bytes.Buffer
	c := http.Client{Transport: &tracer{next: http.DefaultTransport.(*http.Transport), out: &out}}
	for path, body := range map[string]string{"/v3/users": `{"user":{"password":"very-secret"}}`, "/v3/auth/tokens": `{"auth":{"user":"very-secret"}}`} {
		r, err := c.Post(s.URL+path, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
	}
	require.NotContains(t, out.String(), "very-secret")
	require.Contains(t, out.String(), "mia")
	require.Contains(t, out.String(), `"auth_username": "chap-user", "auth_password" : "***", "target_lun": 1`)
}
