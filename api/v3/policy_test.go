package v3_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// Every route is an operation that the policy knows. What a path names is read before the policy is asked about it.
func TestEveryRouteHasARule(t *testing.T) {
	// Things that belong to no project, or whose handler looks at them itself: the caller's own project is asked about.
	shared := []string{":check_id", ":type_id", ":class_name", ":host", ":alias"}
	for _, r := range v3.New(v3.Deps{}).Routes() {
		at := r.Method + " " + r.Path
		require.NotEqual(t, r.Rule == "", len(r.ByAction) == 0, "%s has either a rule or rules by action", at)
		for _, name := range append(slices.Clone(r.ByAction), r.Rule) {
			require.True(t, name == "" && len(r.ByAction) > 0 || policy.Known(name), "%s: the policy has no %q", at, name)
		}
		if _, rest, ok := strings.Cut(r.Path, "/:"); ok {
			param, _, _ := strings.Cut(":"+rest, "/")
			require.NotEqual(t, slices.Contains(shared, param), r.Of != nil, "%s: nobody tells the policy whose %s it is", at, param)
		}
	}
}

// refuseAll is a policy that allows nothing, and nobody is admin.
type refuseAll struct{}

func (refuseAll) Allowed(policy.Creds, string, policy.Target) bool { return false }
func (refuseAll) Admin(policy.Creds) bool                          { return false }

// No route answers where the policy refuses: what the path names is not found, or the caller is forbidden.
func TestNoRoutePassesThePolicyBy(t *testing.T) {
	o := api.Options{Auth: byToken{}}
	const id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	store := apitest.NewStore()
	store.Put(models.Volume{ID: id, ProjectID: project, Status: models.VolumeAvailable, SizeGiB: 1})
	store.PutSnapshot(models.Snapshot{ID: id, ProjectID: project, VolumeID: id, Status: models.SnapshotAvailable, SizeGiB: 1})
	o.Store, o.Policy = store, refuseAll{}
	h := api.New(o)
	for _, r := range v3.New(v3.Deps{}).Routes() {
		path := strings.NewReplacer(":class", "c", ":host", "h", ":alias", "a", ":key", "k").Replace(r.Path)
		for part := range strings.SplitSeq(path, "/") {
			if strings.HasPrefix(part, ":") {
				path = strings.Replace(path, part, id, 1)
			}
		}
		bodies := []string{"{}"}
		if len(r.ByAction) > 0 {
			bodies = []string{`{"os-extend":{"new_size":2}}`, `{"os-reset_status":{"status":"error"}}`, `{"addProjectAccess":{"project":"p"}}`}
		}
		for _, body := range bodies {
			req := httptest.NewRequest(r.Method, "/v3"+path, strings.NewReader(body))
			req.Header.Set("X-Auth-Token", admin)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("OpenStack-API-Version", "volume 3.71")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			allowed := []int{http.StatusForbidden}
			if r.Of != nil && !strings.Contains(path, "/volumes/") && !strings.Contains(path, "/snapshots/") {
				allowed = append(allowed, http.StatusNotFound) // only the volume and its snapshot are there
			}
			if len(r.ByAction) > 0 {
				allowed = append(allowed, http.StatusBadRequest) // the action is another resource's
			}
			require.Contains(t, allowed, rec.Code, "%s %s: %s", r.Method, path, rec.Body)
		}
	}
}

// rulesOf makes a policy of a file's text.
func rulesOf(t *testing.T, text string) *policy.Rules {
	t.Helper()
	r, err := policy.Parse([]byte(text), "policy.yaml")
	require.NoError(t, err)
	return r
}

// What the policy hides is not in the answer, and what it gives to others is.
func TestPolicyDecidesWhatIsSeen(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) {
		o.Policy = rulesOf(t, "volume_extension:volume_host_attribute: role:support\nvolume_extension:volume_tenant_attribute: '!'\n"+
			"limits_extension:used_limits: '!'\n")
	})
	v := models.Volume{ID: "0b4b6a4c-2c05-4b5e-9a1f-6c3f5a1d2e10", ProjectID: apitest.Project, UserID: "mia", Status: models.VolumeAvailable, SizeGiB: 1, Host: "h@b#p"}
	rig.Store.Put(v)
	at := "/v3/" + apitest.Project + "/volumes/" + v.ID
	seen := func(token string) map[string]any {
		return rig.Do(t, "GET", at, nil, apitest.Call{Token: token}).Is(200).At("volume").(map[string]any)
	}
	support, operator := seen("sam:"+apitest.Project+":member,support"), seen(apitest.Admin)
	require.Equal(t, "h@b#p", support["os-vol-host-attr:host"])
	require.NotContains(t, support, "os-vol-mig-status-attr:migstat")
	require.NotContains(t, operator, "os-vol-host-attr:host")
	require.NotContains(t, operator, "os-vol-tenant-attr:tenant_id")
	require.Contains(t, operator, "os-vol-mig-status-attr:migstat")
	require.NotContains(t, rig.Do(t, "GET", "/v3/"+apitest.Project+"/limits", nil).Is(200).At("limits", "absolute"), "totalVolumesUsed")
}

// Who may read may not write; who may write deletes own volumes only, where the rule says so; another project learns nothing.
func TestPolicyDecidesWhoMay(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.Policy = rulesOf(t, "volume:delete: user_id:%(user_id)s and role:member") })
	v := models.Volume{ID: "0b4b6a4c-2c05-4b5e-9a1f-6c3f5a1d2e10", ProjectID: apitest.Project, UserID: "mia", Status: models.VolumeAvailable, SizeGiB: 1, Host: "h@b#p"}
	rig.Store.Put(v)
	at := "/v3/" + apitest.Project + "/volumes/" + v.ID
	reader, another := apitest.Call{Token: "rob:" + apitest.Project + ":reader"}, apitest.Call{Token: "max:" + apitest.Project + ":member"}
	service, other := apitest.Call{Token: "nova:" + apitest.Project + ":service"}, apitest.Call{Token: apitest.Other}

	rig.Do(t, "GET", at, nil, reader).Is(200)
	rig.Do(t, "GET", at, nil, service).Refused(403, "forbidden")
	rig.Do(t, "PUT", at, `{"volume":{"name":"n"}}`, reader).Refused(403, "forbidden")
	rig.Do(t, "POST", at+"/action", `{"os-extend":{"new_size":2}}`, reader).Refused(403, "forbidden")
	rig.Do(t, "POST", "/v3/"+apitest.Project+"/volumes", `{"volume":{"size":1}}`, reader).Refused(403, "forbidden")
	rig.Do(t, "PUT", at, `{"volume":{"name":"n"}}`, another).Is(200)
	require.Contains(t, rig.Do(t, "DELETE", at, nil, another).Refused(403, "forbidden"), "volume:delete")

	foreign := "/v3/" + strings.Split(apitest.Other, ":")[1] + "/volumes/" + v.ID
	for _, method := range []string{"GET", "DELETE"} {
		rig.Do(t, method, foreign, nil, other).Refused(404, "itemNotFound")
	}
	rig.Do(t, "PUT", foreign, `{"volume":{"name":"n"}}`, other).Refused(404, "itemNotFound")
	rig.Do(t, "POST", foreign+"/action", `{"os-reset_status":{"status":"error"}}`, other).Refused(404, "itemNotFound")
	rig.Do(t, "DELETE", at, nil).Is(202)
}

// context_is_admin decides who looks into every project, not a role by its name.
func TestPolicyDecidesWhoIsAdmin(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.Policy = rulesOf(t, "context_is_admin: role:storage_admin") })
	v := models.Volume{ID: "0b4b6a4c-2c05-4b5e-9a1f-6c3f5a1d2e10", ProjectID: "elsewhere", Status: models.VolumeAvailable, SizeGiB: 1}
	rig.Store.Put(v)
	at := "/v3/" + apitest.Project + "/volumes/" + v.ID
	rig.Do(t, "GET", at, nil, apitest.Call{Token: apitest.Admin}).Refused(404, "itemNotFound")
	rig.Do(t, "GET", at, nil, apitest.Call{Token: "sue:" + apitest.Project + ":storage_admin"}).Refused(403, "forbidden")
	rig.Do(t, "GET", "/v3/"+apitest.Project+"/os-services", nil, apitest.Call{Token: "sue:" + apitest.Project + ":storage_admin"}).Is(200)
}
