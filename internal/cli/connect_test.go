package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/cli/clitest"
)

func env(vars map[string]string) Environment { return func(name string) string { return vars[name] } }

func TestConnectNoauth(t *testing.T) {
	const id = "11111111111111111111111111111111"
	tests := map[string]struct {
		settings Settings
		vars     map[string]string
		token    string
		endpoint string
	}{
		"variables of openrc": {
			vars:  map[string]string{"OS_AUTH_TYPE": "noauth", "OS_ENDPOINT": "http://h:1/v3", "OS_USER_ID": "u", "OS_PROJECT_ID": id},
			token: "u:" + id, endpoint: "http://h:1/v3/" + id,
		},
		"project in the address": {
			vars:  map[string]string{"OS_AUTH_TYPE": "none", "OS_ENDPOINT": "http://h:1/volume/v3/" + id + "/"},
			token: "admin:" + id, endpoint: "http://h:1/volume/v3/" + id,
		},
		"bare address": {
			settings: Settings{Endpoint: "http://h:1/", Project: id}, token: "admin:" + id, endpoint: "http://h:1/v3/" + id,
		},
		"our variables before OpenStack's, flags before both": {
			settings: Settings{Project: "flag"},
			vars: map[string]string{
				"CLINKER_ENDPOINT": "http://c", "OS_ENDPOINT": "http://o", "CLINKER_TOKEN": "tok", "CLINKER_PROJECT": "variable",
			},
			token: "tok", endpoint: "http://c/v3/flag",
		},
		"a token without a project": {
			vars: map[string]string{"CLINKER_ENDPOINT": "http://c/v3", "OS_TOKEN": "tok"}, token: "tok", endpoint: "http://c/v3",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := Connect(t.Context(), tt.settings, env(tt.vars), t.TempDir(), nil)
			require.NoError(t, err)
			require.Equal(t, tt.token, c.api.Token())
			require.Equal(t, tt.endpoint, c.Endpoint())
		})
	}
}

func TestConnectLocal(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, ".clinker"), 0o700))
	file := filepath.Join(folder, ".clinker", "openrc")
	require.NoError(t, os.WriteFile(file, []byte("export OS_ENDPOINT=\"http://local/v3\"\nOS_PROJECT_ID=p\n"), 0o600))

	c, err := Connect(t.Context(), Settings{}, env(nil), folder, nil)
	require.NoError(t, err)
	require.Equal(t, "http://local/v3/p", c.Endpoint())

	c, err = Connect(t.Context(), Settings{}, env(map[string]string{"OS_ENDPOINT": "http://other", "OS_PROJECT_ID": "q"}), folder, nil)
	require.NoError(t, err)
	require.Equal(t, "http://other/v3/q", c.Endpoint(), "the file is not mixed with what is set")

	require.NoError(t, os.WriteFile(file, []byte("rm -rf x\n"), 0o600))
	_, err = Connect(t.Context(), Settings{}, env(nil), folder, nil)
	require.EqualError(t, err, ".clinker/openrc, line 1: want NAME=value")
}

func TestParseOpenrc(t *testing.T) {
	got, err := parseOpenrc(strings.NewReader("# comment\n\nexport A='x y'\nB=\"z\"\nexport C=1=2\nunset OS_CLOUD\nD=\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "x y", "B": "z", "C": "1=2", "D": ""}, got)
}

// keystone is an identity service with one user, and block storage in its catalogue.
func keystone(t *testing.T, storage string) *httptest.Server {
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("POST /v3/auth/tokens", func(w http.ResponseWriter, r *http.Request) {
		var asked bytes.Buffer
		_, _ = asked.ReadFrom(r.Body)
		if !strings.Contains(asked.String(), `"password":"secret"`) || !strings.Contains(asked.String(), `"name":"demo"`) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":{"code":401,"message":"The request you have made requires authentication."}}`))
			return
		}
		w.Header().Set("X-Subject-Token", "user:from-keystone")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
			"expires_at": "2099-01-01T00:00:00.000000Z",
			"catalog": []any{map[string]any{"type": "volumev3", "endpoints": []any{map[string]any{
				"interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": storage + "/v3/" + clitest.Project,
			}}}},
		}})
	})
	mux.HandleFunc("GET /v3/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":{"id":"v3.14","status":"stable","links":[]}}`))
	})
	return s
}

func TestConnectKeystone(t *testing.T) {
	storage := clitest.New()
	t.Cleanup(storage.Close)
	identity := keystone(t, storage.URL)
	vars := map[string]string{
		"OS_AUTH_URL": identity.URL + "/v3", "OS_USERNAME": "demo", "OS_PASSWORD": "secret", "OS_PROJECT_NAME": "demo",
	}
	var debug bytes.Buffer
	c, err := Connect(t.Context(), Settings{Debug: true}, env(vars), t.TempDir(), &debug)
	require.NoError(t, err)
	_, err = c.Volumes(t.Context(), VolumeFilter{})
	require.NoError(t, err)
	require.Equal(t, storage.URL+"/v3/"+clitest.Project, c.Endpoint())
	require.Equal(t, clitest.Project, c.Project())
	require.Contains(t, debug.String(), "> POST "+identity.URL+"/v3/auth/tokens")
	require.NotContains(t, debug.String(), "secret", "no password in --debug")
	require.NotContains(t, debug.String(), "from-keystone", "no token in --debug")

	vars["OS_PASSWORD"] = "wrong"
	_, err = Connect(t.Context(), Settings{}, env(vars), t.TempDir(), nil)
	require.EqualError(t, err, "The request you have made requires authentication.")
	require.Equal(t, Forbidden, ExitCode(err))

	delete(vars, "OS_PASSWORD")
	_, err = Connect(t.Context(), Settings{}, env(vars), t.TempDir(), nil)
	require.Equal(t, Usage, ExitCode(err), err)
}

func TestConnectCloud(t *testing.T) {
	storage := clitest.New()
	t.Cleanup(storage.Close)
	identity := keystone(t, storage.URL)
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`clouds:
  here:
    region_name: RegionOne
    auth:
      auth_url: `+identity.URL+`/v3
      username: demo
      password: secret
      user_domain_name: Default
      project_name: demo
      project_domain_name: Default
`), 0o600))
	t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	c, err := Connect(t.Context(), Settings{Cloud: "here"}, env(nil), t.TempDir(), nil)
	require.NoError(t, err)
	_, err = c.Volumes(t.Context(), VolumeFilter{})
	require.NoError(t, err)

	_, err = Connect(t.Context(), Settings{Cloud: "there"}, env(nil), t.TempDir(), nil)
	require.ErrorContains(t, err, `can't use cloud "there"`)
	require.Equal(t, Usage, ExitCode(err))
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	list := func(settings Settings) error {
		settings.Endpoint, settings.Project = s.URL, "p"
		c, err := Connect(t.Context(), settings, env(nil), t.TempDir(), nil)
		if err != nil {
			return err
		}
		_, err = c.Volumes(t.Context(), VolumeFilter{})
		return err
	}
	require.ErrorContains(t, list(Settings{}), "certificate is not valid here")
	require.Equal(t, NotFound, ExitCode(list(Settings{Insecure: true})))
	require.ErrorContains(t, list(Settings{CACert: "/nonexistent"}), "can't read the CA certificates")
}
