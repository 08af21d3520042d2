package v3_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/api/openapitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/models"
)

// Who asks in these tests: a token names the role, and the project is always the same.
const (
	admin   = "admin"
	user    = "user"
	project = "11111111111111111111111111111111"
	other   = "22222222222222222222222222222222"
)

// now is what the API's clock shows in these tests.
var now = time.Date(2026, 3, 4, 5, 6, 7, 890000000, time.UTC)

// byToken lets the token say the role.
type byToken struct{}

func (byToken) Authenticate(r *http.Request, _ string) (middleware.Identity, error) {
	role := r.Header.Get("X-Auth-Token")
	if role == "" {
		return middleware.Identity{}, middleware.Unauthorized("no token")
	}
	return middleware.Identity{UserID: role, ProjectID: project, Roles: []string{role, "member", "reader"}}, nil
}

func (byToken) Challenge() string { return "test" }

// operators is the catalogue without volumes and flows, which these tests don't ask for.
type operators struct {
	v3.VolumeStore
	v3.SnapshotStore
	v3.BackupStore
	v3.ScheduleStore
	v3.AttachmentStore
	v3.CheckStore
	v3.FlowStore
	v3.KeyStore
	*apitest.Operators
}

// serve returns the API over a catalogue, every exchange held against api/openapi.yaml.
func serve(t *testing.T, o *apitest.Operators, change ...func(*v3.Settings)) http.Handler {
	t.Helper()
	settings := v3.Settings{}
	for _, c := range change {
		c(&settings)
	}
	return openapitest.Wrap(t, api.New(api.Options{
		Auth: byToken{},
		Deps: v3.Deps{Store: operators{Operators: o}, Settings: settings, Now: func() time.Time { return now }},
	}))
}

// exchange is one request with what is expected of its answer.
type exchange struct {
	name           string
	who            string // admin unless it is said
	version        string // 3.0 unless it is said
	method, path   string // GET unless it is said; below /v3/<project>
	body           string
	status         int
	want           string   // the whole answer as JSON, "" for no body
	has            []string // or parts of it
	hasNot         []string
	wantNoneOfBody bool // the body must be empty
}

func (e exchange) run(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	method, who := e.method, e.who
	if method == "" {
		method = http.MethodGet
	}
	if who == "" {
		who = admin
	}
	r := httptest.NewRequest(method, "/v3/"+project+e.path, strings.NewReader(e.body))
	r.Header.Set("X-Auth-Token", who)
	if e.version != "" {
		r.Header.Set("OpenStack-API-Version", "volume "+e.version)
	}
	if e.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, e.status, w.Code, "%s", w.Body)
	if e.want != "" {
		require.JSONEq(t, e.want, w.Body.String())
	}
	if e.wantNoneOfBody {
		require.Empty(t, w.Body.String())
	}
	for _, part := range e.has {
		require.Contains(t, w.Body.String(), part)
	}
	for _, part := range e.hasNot {
		require.NotContains(t, w.Body.String(), part)
	}
	return w
}

// runAll runs exchanges one after the other against one catalogue; complete fills in what they have in common.
func runAll(t *testing.T, h http.Handler, exchanges []exchange, complete ...func(*exchange)) {
	t.Helper()
	for _, e := range exchanges {
		for _, c := range complete {
			c(&e)
		}
		t.Run(e.name, func(t *testing.T) { e.run(t, h) })
	}
}

func decode(t *testing.T, w *httptest.ResponseRecorder, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), into), "%s", w.Body)
}

// Nothing of the catalogue's troubles reaches a client but that it may come again.
func TestCatalogueAway(t *testing.T) {
	o := &apitest.Operators{Err: models.ErrUnavailable}
	h := serve(t, o)
	for _, e := range []exchange{
		{path: "/types"},
		{path: "/types/default"},
		{path: "/types", method: "POST", body: `{"volume_type":{"name":"x"}}`},
		{path: "/types/x", method: "PUT", body: `{"volume_type":{"name":"x"}}`},
		{path: "/types/x", method: "DELETE"},
		{path: "/types/x/extra_specs"},
		{path: "/types/x/extra_specs", method: "POST", body: `{"extra_specs":{"a":"b"}}`},
		{path: "/types/x/os-volume-type-access"},
		{path: "/types/x/action", method: "POST", body: `{"addProjectAccess":{"project":"p"}}`},
		{path: "/os-quota-sets/p"},
		{path: "/os-quota-sets/p/defaults"},
		{path: "/os-quota-sets/p", method: "PUT", body: `{"quota_set":{}}`},
		{path: "/os-quota-sets/p", method: "DELETE"},
		{path: "/os-quota-class-sets/default"},
		{path: "/os-quota-class-sets/default", method: "PUT", body: `{"quota_class_set":{}}`},
		{path: "/limits"},
		{path: "/os-services"},
		{path: "/os-services/enable", method: "PUT", body: `{"host":"a","binary":"b"}`},
		{path: "/scheduler-stats/get_pools"},
		{path: "/capabilities/a@b"},
		{path: "/os-availability-zone"},
		{path: "/messages", version: "3.3"},
		{path: "/messages/x", version: "3.3"},
		{path: "/messages/x", version: "3.3", method: "DELETE"},
	} {
		t.Run(e.method+e.path, func(t *testing.T) {
			e.status, e.has = http.StatusServiceUnavailable, []string{"serviceUnavailable"}
			require.NotEmpty(t, e.run(t, h).Header().Get("Retry-After"))
		})
	}
}

// What is for operators is refused to others with the rule's name, before anything is looked up.
func TestOperatorsOnly(t *testing.T) {
	h := serve(t, &apitest.Operators{Err: models.ErrUnavailable})
	for path, rule := range map[string]string{
		"POST /types":                               "volume_extension:type_create",
		"PUT /types/x":                              "volume_extension:type_update",
		"DELETE /types/x":                           "volume_extension:type_delete",
		"POST /types/x/extra_specs":                 "volume_extension:types_extra_specs:create",
		"PUT /types/x/extra_specs/k":                "volume_extension:types_extra_specs:update",
		"DELETE /types/x/extra_specs/k":             "volume_extension:types_extra_specs:delete",
		"GET /types/x/os-volume-type-access":        "volume_extension:volume_type_access:get_all_for_type",
		"GET /os-quota-sets/" + other:               "volume_extension:quotas:show",
		"GET /os-quota-sets/" + other + "/defaults": "volume_extension:quotas:show",
		"PUT /os-quota-sets/" + project:             "volume_extension:quotas:update",
		"DELETE /os-quota-sets/" + project:          "volume_extension:quotas:delete",
		"GET /os-quota-class-sets/default":          "volume_extension:quota_classes:get",
		"PUT /os-quota-class-sets/default":          "volume_extension:quota_classes:update",
		"GET /os-services":                          "volume_extension:services:index",
		"PUT /os-services/enable":                   "volume_extension:services:update",
		"PUT /os-services/disable":                  "volume_extension:services:update",
		"PUT /os-services/disable-log-reason":       "volume_extension:services:update",
		"GET /scheduler-stats/get_pools":            "scheduler_extension:scheduler_stats:get_pools",
		"GET /capabilities/a@b":                     "volume_extension:capabilities",
	} {
		t.Run(path, func(t *testing.T) {
			method, path, _ := strings.Cut(path, " ")
			body := ""
			if method == "PUT" || method == "POST" {
				body = `{}`
			}
			exchange{
				who: user, method: method, path: path, body: body, status: http.StatusForbidden,
				want: `{"forbidden":{"code":403,"message":"Policy doesn't allow ` + rule + ` to be performed."}}`,
			}.run(t, h)
		})
	}
	for action, rule := range map[string]string{"addProjectAccess": "addProjectAccess", "removeProjectAccess": "removeProjectAccess"} {
		exchange{
			who: user, method: "POST", path: "/types/x/action", body: `{"` + action + `":{"project":"p"}}`, status: http.StatusForbidden,
			has: []string{"volume_extension:volume_type_access:" + rule},
		}.run(t, h)
	}
}
