package e2e

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

var shownPassword = regexp.MustCompile(`user admin, project demo, password ([A-Z2-7]{26})\n`)

// TestIdentity has the real clients log in at a server that was started with nothing said, as its banner and the README tell.
func TestIdentity(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{Env: []string{"CLINKER_AUTH_STRATEGY="}})
	log := func() string {
		text, err := os.ReadFile(s.Log)
		require.NoError(t, err)
		return string(text)
	}
	shown := shownPassword.FindStringSubmatch(log())
	require.NotNil(t, shown, log())
	password := shown[1]
	for _, name := range []string{"openrc", "clouds.yaml", "admin-password"} {
		info, err := os.Stat(filepath.Join(s.StateDir, name))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
	require.Contains(t, withOpenrc(t, s, harness.Binary(t, "clinker"), "volume", "create", "--size", "1", "--wait", "first"), "available")
	withOpenrc(t, s, "cinder", "extend", "first", "3")
	require.Regexp(t, `first\s+\| [13] `, withOpenrc(t, s, "cinder", "list"))
	openstackPeople(t, s)
	clinkerPeople(t, s)
	gopherPeople(t, s, password)
	for path, code := range map[string]int{"/v3/volumes": 401, "/identity/v3/users": 401, "/identity/v3": 200, "/healthcheck": 200} {
		r, err := http.Get("http://" + s.APIAddr + path)
		require.NoError(t, err)
		_ = r.Body.Close()
		require.Equal(t, code, r.StatusCode, path)
	}
	token := withOpenrc(t, s, "openstack", "token", "issue", "-f", "value", "-c", "id")
	s.Stop(t)
	s.Start(t)
	require.Len(t, shownPassword.FindAllString(log(), -1), 1, "it is shown once")
	require.Contains(t, withOpenrc(t, s, "bash", "-c", `curl -sS -H "X-Auth-Token: `+token[:len(token)-1]+`" "$OS_AUTH_URL/auth/projects"`), `"name":"demo"`, "a token outlives a restart")
	require.Contains(t, withOpenrc(t, s, "bash", "-c", `curl -sSf -H "X-Auth-Token: `+token[:len(token)-1]+`" -H "OpenStack-API-Version: volume 3.70" "http://`+s.APIAddr+`/v3/volumes"`), `"name":"first"`)
	for _, secret := range []string{"mia-secret", token[:len(token)-1]} {
		require.NotContains(t, log(), secret)
	}
}

// openstackPeople makes a user who then works in a project.
func openstackPeople(t *testing.T, s *harness.Server) {
	openstack := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{"openstack", "--os-cloud", "clinker"}, args...)...)
	}
	openstack("project", "create", "mine")
	openstack("user", "create", "mia", "--project", "mine", "--password", "mia-secret")
	openstack("role", "add", "--user", "mia", "--project", "mine", "member")
	var given []struct{ Role, User, Project string }
	require.NoError(t, json.Unmarshal([]byte(openstack("role", "assignment", "list", "--names", "--effective", "--user", "mia", "-f", "json")), &given))
	require.Len(t, given, 2, "member, and reader with it")
	mia := func(args ...string) (string, int) {
		t.Helper()
		script := `source "$0" && export OS_USERNAME=mia OS_PASSWORD=mia-secret OS_PROJECT_NAME=mine && exec "$@"`
		return harness.Run(t, nil, append([]string{"bash", "-c", script, filepath.Join(s.StateDir, "openrc")}, args...)...)
	}
	out, code := mia("cinder", "create", "1", "--name", "hers")
	require.Zero(t, code, out)
	out, code = mia("cinder", "list")
	require.Zero(t, code, out)
	require.Contains(t, out, "hers")
	require.NotContains(t, out, "first", "others' volumes are not hers")
	out, code = mia("cinder", "type-create", "gold")
	require.NotZero(t, code, out)
	require.Contains(t, out, "403")
	out, code = mia("openstack", "user", "list")
	require.NotZero(t, code, out)
	out, code = mia("env", "OS_PASSWORD=wrong", "cinder", "list")
	require.NotZero(t, code, out)
	require.Contains(t, out, "401")
	openstack("user", "set", "--disable", "mia")
	out, code = mia("cinder", "list")
	require.NotZero(t, code, out)
	require.NotContains(t, openstack("volume", "create", "--size", "1", "os1", "-f", "json"), "error")
}

// clinkerPeople does the same with clinker.
func clinkerPeople(t *testing.T, s *harness.Server) {
	clinker := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{harness.Binary(t, "clinker")}, args...)...)
	}
	clinker("project", "create", "theirs", "--description", "of others")
	withOpenrc(t, s, "bash", "-c", `echo otto-secret | "$0" user create otto --password`, harness.Binary(t, "clinker"))
	clinker("role", "grant", "reader", "--user", "otto", "--to", "theirs")
	require.Regexp(t, `reader +\| otto +\| theirs`, clinker("role", "grants"))
	otto := func(args ...string) (string, int) {
		t.Helper()
		script := `source "$0" && export OS_USERNAME=otto OS_PASSWORD=otto-secret OS_PROJECT_NAME=theirs && exec "$@"`
		return harness.Run(t, nil, append([]string{"bash", "-c", script, filepath.Join(s.StateDir, "openrc"), harness.Binary(t, "clinker")}, args...)...)
	}
	out, code := otto("volume", "list")
	require.Zero(t, code, out)
	for _, args := range [][]string{{"volume", "create", "--size", "1", "x"}, {"user", "list"}, {"role", "grants"}} {
		out, code = otto(args...)
		require.Equal(t, 5, code, "%v: %s", args, out)
	}
	clinker("role", "revoke", "reader", "--user", "otto", "--to", "theirs")
	out, code = otto("volume", "list")
	require.NotZero(t, code, out)
	clinker("user", "set", "otto", "--disable", "--email", "o@example.org")
	require.Regexp(t, `enabled +\| false`, clinker("user", "show", "otto"))
	clinker("user", "delete", "otto")
	clinker("project", "delete", "theirs")
	require.NotContains(t, clinker("user", "list"), "otto")
	require.Contains(t, clinker("role", "list"), "manager")
}

// gopherPeople does the same with gophercloud.
func gopherPeople(t *testing.T, s *harness.Server, password string) {
	ctx := t.Context()
	auth := gophercloud.AuthOptions{
		IdentityEndpoint: "http://" + s.APIAddr + "/identity/v3", Username: "admin", Password: password, DomainID: "default",
		Scope: &gophercloud.AuthScope{ProjectName: "demo", DomainID: "default"},
	}
	admin, err := openstack.AuthenticatedClient(ctx, auth)
	require.NoError(t, err)
	people, err := openstack.NewIdentityV3(admin, gophercloud.EndpointOpts{})
	require.NoError(t, err)
	project, err := projects.Create(ctx, people, projects.CreateOpts{Name: "gophers"}).Extract()
	require.NoError(t, err)
	user, err := users.Create(ctx, people, users.CreateOpts{Name: "gopher", Password: "gopher-secret"}).Extract()
	require.NoError(t, err)
	pages, err := roles.List(people, roles.ListOpts{Name: "member"}).AllPages(ctx)
	require.NoError(t, err)
	found, err := roles.ExtractRoles(pages)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, roles.Assign(ctx, people, found[0].ID, roles.AssignOpts{UserID: user.ID, ProjectID: project.ID}).ExtractErr())

	auth.Username, auth.Password, auth.Scope = "gopher", "gopher-secret", &gophercloud.AuthScope{ProjectID: project.ID}
	client, err := openstack.AuthenticatedClient(ctx, auth)
	require.NoError(t, err)
	api, err := openstack.NewBlockStorageV3(client, gophercloud.EndpointOpts{Region: "RegionOne"})
	require.NoError(t, err)
	v, err := volumes.Create(ctx, api, volumes.CreateOpts{Size: 1, Name: "g"}, nil).Extract()
	require.NoError(t, err)
	require.NoError(t, volumes.WaitForStatus(ctx, api, v.ID, "available"))
	err = projects.Delete(ctx, people, project.ID).ExtractErr()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusConflict), "it has a volume: %v", err)
	auth.Password = "wrong"
	_, err = openstack.AuthenticatedClient(ctx, auth)
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusUnauthorized), "%v", err)
}
