package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// keystone is Debian's, one process on SQLite, with the users of the test.
type keystone struct {
	*harness.Process
	conf         string
	url          string
	admin        *gophercloud.ServiceClient
	mine, theirs string // projects of mia and of otto
	mia          string
}

const keystoneConf = `[DEFAULT]
log_dir = %[1]s
[database]
connection = sqlite:///%[1]s/keystone.db
[fernet_tokens]
key_repository = %[1]s/fernet
[fernet_receipts]
key_repository = %[1]s/fernet
[credential]
key_repository = %[1]s/credential
[cache]
enabled = false
`

// newKeystone starts one whose catalogue says that block storage is at an address.
func newKeystone(t *testing.T, apiAddr string) *keystone {
	dir, addr := t.TempDir(), harness.FreeAddr(t)
	conf := filepath.Join(dir, "keystone.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, keystoneConf, dir), 0o600))
	for _, keys := range []string{"fernet", "credential"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, keys), 0o700))
	}
	k := &keystone{url: "http://" + addr + "/v3", conf: conf}
	manage := func(args ...string) {
		t.Helper()
		out, code := harness.Run(t, nil, append([]string{"keystone-manage", "--config-file", conf}, args...)...)
		require.Zero(t, code, "%v: %s", args, out)
	}
	manage("db_sync")
	// Keystone reads on one connection while it writes on another, which only a write-ahead log lets it do.
	out, code := harness.Run(t, nil, "python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode=WAL')", filepath.Join(dir, "keystone.db"))
	require.Zero(t, code, out)
	manage("fernet_setup", "--keystone-user", fmt.Sprint(os.Getuid()), "--keystone-group", fmt.Sprint(os.Getgid()))
	manage("bootstrap", "--bootstrap-password", "root-secret", "--bootstrap-public-url", k.url, "--bootstrap-region-id", "RegionOne")
	host, port, _ := strings.Cut(addr, ":")
	// Debian's Python has Keystone's modules, another may be first in PATH.
	script, err := filepath.Abs("testdata/serve_keystone.py")
	require.NoError(t, err)
	k.Process = harness.Launch(t, &harness.Process{
		Name: "keystone", Args: []string{"/usr/bin/python3", script, host, port}, Env: []string{"OS_KEYSTONE_CONFIG_FILES=" + conf},
		Ready: func() bool {
			r, err := http.Get(k.url)
			if err != nil {
				return false
			}
			_ = r.Body.Close()
			return r.StatusCode == http.StatusOK
		},
	})
	provider, err := openstack.AuthenticatedClient(t.Context(), k.login("admin", "root-secret", "admin"))
	require.NoError(t, err)
	k.admin, err = openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	require.NoError(t, err)
	k.people(t)
	enabled := true
	for _, kind := range []string{"block-storage", "volumev3"} {
		s, err := services.Create(t.Context(), k.admin, services.CreateOpts{Type: kind, Enabled: &enabled}).Extract()
		require.NoError(t, err)
		_, err = endpoints.Create(t.Context(), k.admin, endpoints.CreateOpts{
			ServiceID: s.ID, Availability: gophercloud.AvailabilityPublic, Region: "RegionOne", Name: kind, URL: "http://" + apiAddr + "/v3/$(project_id)s",
		}).Extract()
		require.NoError(t, err)
	}
	return k
}

func (k *keystone) login(user, password, project string) gophercloud.AuthOptions {
	o := gophercloud.AuthOptions{IdentityEndpoint: k.url, Username: user, Password: password, DomainID: "default"}
	if project != "" {
		o.Scope = &gophercloud.AuthScope{ProjectName: project, DomainID: "default"}
	}
	return o
}

// people makes who the test is about, and Clinker's own user.
func (k *keystone) people(t *testing.T) {
	ctx := t.Context()
	pages, err := roles.List(k.admin, nil).AllPages(ctx)
	require.NoError(t, err)
	all, err := roles.ExtractRoles(pages)
	require.NoError(t, err)
	role := map[string]string{}
	for _, r := range all {
		role[r.Name] = r.ID
	}
	service, err := roles.Create(ctx, k.admin, roles.CreateOpts{Name: "service"}).Extract()
	require.NoError(t, err)
	role["service"] = service.ID
	person := func(name, project string, given ...string) (user, home string) {
		p, err := projects.Create(ctx, k.admin, projects.CreateOpts{Name: project}).Extract()
		require.NoError(t, err)
		u, err := users.Create(ctx, k.admin, users.CreateOpts{Name: name, Password: name + "-secret"}).Extract()
		require.NoError(t, err)
		for _, r := range given {
			require.NoError(t, roles.Assign(ctx, k.admin, role[r], roles.AssignOpts{UserID: u.ID, ProjectID: p.ID}).ExtractErr())
		}
		return u.ID, p.ID
	}
	person("clinker", "service", "service", "admin")
	k.mia, k.mine = person("mia", "mine", "member")
	_, k.theirs = person("otto", "theirs", "reader")
}

// token logs in; project "" is unscoped.
func (k *keystone) token(t *testing.T, user, project string) string {
	t.Helper()
	p, err := openstack.AuthenticatedClient(t.Context(), k.login(user, user+"-secret", project))
	require.NoError(t, err)
	return p.Token()
}

// TestKeystone has Debian's Keystone say who may call, also while it is away.
func TestKeystone(t *testing.T) {
	t.Parallel()
	apiAddr := harness.FreeAddr(t)
	k := newKeystone(t, apiAddr)
	s := harness.Up(t, harness.Options{
		APIAddr: apiAddr, Env: []string{"CLINKER_AUTH_STRATEGY="},
		Config: "[keystone_authtoken]\nauth_url = " + k.url + "\nusername = clinker\npassword = clinker-secret\nproject_name = service\ntoken_cache_time = 5\nhttp_connect_timeout = 120\n",
	})
	cinder := func(user, password, project string, args ...string) (string, int) {
		t.Helper()
		env := []string{
			"OS_AUTH_URL=" + k.url, "OS_USERNAME=" + user, "OS_PASSWORD=" + password, "OS_PROJECT_NAME=" + project,
			"OS_USER_DOMAIN_ID=default", "OS_PROJECT_DOMAIN_ID=default", "OS_VOLUME_API_VERSION=3.70", "OS_REGION_NAME=RegionOne",
		}
		return harness.Run(t, env, append([]string{"cinder"}, args...)...)
	}
	ask := func(path, token string, headers ...string) (int, http.Header, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+apiAddr+"/v3"+path, nil)
		require.NoError(t, err)
		req.Header.Set("X-Auth-Token", token)
		req.Header.Set("OpenStack-API-Version", "volume 3.70")
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		r, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		return r.StatusCode, r.Header, string(text)
	}
	mia, otto, nobody, clinker := k.token(t, "mia", "mine"), k.token(t, "otto", "theirs"), k.token(t, "mia", ""), k.token(t, "clinker", "service")
	// Where Keystone is slow, the answer is 503, and the next one is better.
	patient := func(path, token string, headers ...string) (code int, header http.Header, text string) {
		t.Helper()
		harness.Await(t, 5*harness.Patience, func() (bool, string) {
			code, header, text = ask(path, token, headers...)
			return code != http.StatusServiceUnavailable, "Keystone to answer: " + text
		})
		return code, header, text
	}
	got, _, text := patient("/volumes", mia)
	require.Equal(t, 200, got, text)
	var out string
	var code int
	harness.Await(t, 5*harness.Patience, func() (bool, string) {
		out, code = cinder("mia", "mia-secret", "mine", "create", "1", "--name", "hers")
		return !strings.Contains(out, "HTTP 503"), "Keystone to answer: " + out
	})
	require.Zero(t, code, out)
	id := properties(t, out)["id"]
	_, code = cinder("mia", "wrong", "mine", "list")
	require.NotZero(t, code)
	for name, c := range map[string]struct {
		path, token string
		headers     []string
		code        int
	}{
		"her own":              {"/volumes/" + id, mia, nil, 200},
		"with her project":     {"/" + k.mine + "/volumes/" + id, mia, nil, 200},
		"another's project":    {"/" + k.theirs + "/volumes", mia, nil, 400},
		"another's volume":     {"/volumes/" + id, otto, nil, 404},
		"an administrator":     {"/volumes/" + id, clinker, nil, 200},
		"unscoped":             {"/volumes", nobody, nil, 403},
		"unscoped, a project":  {"/" + k.mine + "/volumes", nobody, nil, 400},
		"no token":             {"/volumes", "", nil, 401},
		"no token of theirs":   {"/volumes", "gAAAAABnonsense", nil, 401},
		"noauth's token":       {"/volumes", "admin:" + k.mine, nil, 401},
		"headers of one's own": {"/volumes", "", []string{"X-Identity-Status", "Confirmed", "X-Roles", "admin", "X-Project-Id", k.mine, "X-User-Id", k.mia}, 401},
		"not more by headers":  {"/os-services", mia, []string{"X-Roles", "admin", "X-Is-Admin-Project", "True"}, 403},
		"a service token":      {"/volumes", mia, []string{"X-Service-Token", clinker}, 200},
		"a bad service token":  {"/volumes", mia, []string{"X-Service-Token", "nonsense"}, 401},
	} {
		got, header, text := patient(c.path, c.token, c.headers...)
		require.Equal(t, c.code, got, "%s: %s", name, text)
		if got == http.StatusUnauthorized {
			require.Equal(t, `Keystone uri="`+k.url+`"`, header.Get("WWW-Authenticate"), name)
		}
		require.NotContains(t, text, "clinker-secret", name)
	}
	k.otherClients(t, apiAddr)
	eventually := func(token string, want int) http.Header {
		t.Helper()
		var header http.Header
		harness.Await(t, harness.Patience, func() (bool, string) {
			got, h, text := ask("/volumes", token)
			header = h
			require.Contains(t, []int{want, 200, 503}, got, "%s", text) // never a wrong word in between
			return got == want, fmt.Sprintf("%d: it is %d", want, got)
		})
		return header
	}
	// Keystone away: what is remembered goes on for its time, then nobody knows. It is never the token that is wrong.
	k.Kill(t)
	require.NotEmpty(t, eventually(mia, 503).Get("Retry-After"))
	got, _, text = ask("/volumes", "gAAAAABanother")
	require.Equal(t, 503, got, text)
	brief := k.briefly(t)
	k.Start(t)
	got, _, text = patient("/volumes", mia)
	require.Equal(t, 200, got, text)
	// A token is over after its time, when it is given back, and when its user is disabled.
	require.Equal(t, `Keystone uri="`+k.url+`"`, eventually(brief, 401).Get("WWW-Authenticate"))
	require.NoError(t, tokens.Revoke(t.Context(), k.admin, clinker).Err)
	eventually(clinker, 401)
	disabled := false
	_, err := users.Update(t.Context(), k.admin, k.mia, users.UpdateOpts{Enabled: &disabled}).Extract()
	require.NoError(t, err)
	eventually(mia, 401)
	log, err := os.ReadFile(s.Log)
	require.NoError(t, err)
	for _, secret := range []string{"clinker-secret", mia, clinker} {
		require.NotContains(t, string(log), secret)
	}
}

// otherClients log in at Keystone and list a volume that cinder has made.
func (k *keystone) otherClients(t *testing.T, apiAddr string) {
	p, err := openstack.AuthenticatedClient(t.Context(), k.login("mia", "mia-secret", "mine"))
	require.NoError(t, err)
	api, err := openstack.NewBlockStorageV3(p, gophercloud.EndpointOpts{Region: "RegionOne"})
	require.NoError(t, err)
	require.Equal(t, "http://"+apiAddr+"/v3/"+k.mine+"/", api.Endpoint, "Keystone's catalogue leads here")
	pages, err := volumes.List(api, nil).AllPages(t.Context())
	require.NoError(t, err)
	listed, err := volumes.ExtractVolumes(pages)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	env := []string{
		"OS_AUTH_URL=" + k.url, "OS_USERNAME=mia", "OS_PASSWORD=mia-secret", "OS_PROJECT_NAME=mine", "OS_USER_DOMAIN_ID=default", "OS_PROJECT_DOMAIN_ID=default",
		"OS_REGION_NAME=RegionOne", "OS_IDENTITY_API_VERSION=3", "VOLUMES=http://" + apiAddr + "/v3/" + k.mine + "/volumes",
	}
	login := `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "mia", "domain": {"id": "default"}, "password": "mia-secret"}}}, "scope": {"project": {"name": "mine", "domain": {"id": "default"}}}}}`
	for name, words := range map[string][]string{
		"openstack": {"openstack", "volume", "list", "-f", "json"},
		"clinker":   {harness.Binary(t, "clinker"), "volume", "list"},
		"curl": {"bash", "-ec", `token=$(curl -sSf -o /dev/null -D - -H 'Content-Type: application/json' -d "$0" "$OS_AUTH_URL/auth/tokens" | sed -n 's/^X-Subject-Token: //Ip' | tr -d '\r')
curl -sSf -H "X-Auth-Token: $token" "$VOLUMES"`, login},
	} {
		out, code := harness.Run(t, env, words...)
		require.Zero(t, code, "%s: %s", name, out)
		require.Contains(t, out, "hers", name)
	}
}

// briefly returns a token that lives for a second; Keystone is not up before and after.
func (k *keystone) briefly(t *testing.T) string {
	conf, err := os.ReadFile(k.conf)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(k.conf, append(conf[:len(conf):len(conf)], "[token]\nexpiration = 1\n"...), 0o600))
	k.Start(t)
	token := k.token(t, "otto", "theirs")
	k.Kill(t)
	require.NoError(t, os.WriteFile(k.conf, conf, 0o600))
	return token
}
