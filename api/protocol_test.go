package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/models"
)

const volumes = "/v3/" + apitest.Project + "/volumes"

func TestVersionDocuments(t *testing.T) {
	rig := apitest.New(t)
	for path, code := range map[string]int{"/": 300, "/v3": 200, "/v3/": 200} {
		a := rig.Do(t, "GET", path, nil, apitest.Call{Header: map[string]string{"X-Auth-Token": ""}}).Is(code)
		v := a.JSON()["versions"].([]any)[0].(map[string]any)
		require.Equal(t, "v3.0", v["id"])
		require.Equal(t, "CURRENT", v["status"])
		require.Equal(t, "3.71", v["version"])
		require.Equal(t, "3.0", v["min_version"])
		require.Contains(t, string(a.Body), `"http://example.com/v3/"`)
	}
}

func TestHealthcheck(t *testing.T) {
	var sick error
	rig := apitest.New(t, func(o *api.Options) { o.Health = func(context.Context) error { return sick } })
	require.Equal(t, "OK", string(rig.Do(t, "GET", "/healthcheck", nil).Is(200).Body))
	sick = errors.New("the engine is away")
	require.Contains(t, string(rig.Do(t, "GET", "/healthcheck", nil).Is(503).Body), "the engine is away")
}

func TestMetrics(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	rig.Do(t, "GET", volumes+"/"+v.ID, nil).Is(200)
	rig.Do(t, "GET", "/v3/no/such/thing", nil).Is(404)
	text := string(rig.Do(t, "GET", "/metrics", nil).Is(200).Body)
	require.Contains(t, text, `clinker_api_requests_total{code="200",method="GET",route="/v3/volumes/:volume_id"} 1`)
	require.Contains(t, text, `clinker_api_requests_total{code="404",method="GET",route="none"} 1`)
	require.Contains(t, text, `clinker_api_request_duration_seconds_count{method="GET",route="/v3/volumes/:volume_id"} 1`)
	require.Contains(t, text, "clinker_api_requests_in_flight 1")
}

func TestPathsAreTolerant(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Metadata: map[string]string{"a.json": "1", "b c": "2"}})
	for _, path := range []string{
		volumes, volumes + ".json", "/v3/volumes", "/v3/volumes.json",
		volumes + "/" + v.ID + ".json", volumes + "/detail", volumes + "/" + v.ID + "/metadata/a.json", "/v3/volumes/" + v.ID + "/metadata/b%20c",
	} {
		rig.Do(t, "GET", path, nil).Is(200)
	}
	for _, path := range []string{"/v3/nothing", "/v2/x/volumes", "/v3/" + apitest.Project, volumes + "/x/y/z", "/favicon.ico", volumes + "/", "/v3/volumes/", volumes + "/detail/"} {
		rig.Do(t, "GET", path, nil).Refused(404, "itemNotFound")
	}
	rig.Do(t, "GET", "/v3/0123456789abcdef0123456789abcdef/volumes", nil).Refused(400, "badRequest")
	for _, method := range []string{"PUT", "DELETE"} { // of a client that has lost the id
		rig.Do(t, method, volumes+"/", nil).Refused(404, "itemNotFound")
	}
	rig.Do(t, "PATCH", volumes, nil).Refused(405, "badMethod")
	require.NotEmpty(t, rig.Do(t, "DELETE", volumes, nil).Is(405).Header.Get("Allow"))
	rig.Do(t, "HEAD", volumes+"/"+v.ID, nil).Is(200)
	rig.Do(t, "GET", volumes+"/%00", nil).Refused(400, "badRequest")
	rig.Do(t, "GET", volumes+"?name=%00", nil).Refused(400, "badRequest")
	rig.Do(t, "GET", volumes+"?name=%ff", nil).Refused(400, "badRequest")
}

func TestProjectPattern(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.ProjectID = regexp.MustCompile(`^[0-9a-f-]{32,36}$`) })
	rig.Do(t, "GET", volumes, nil).Is(200)
	rig.Do(t, "GET", "/v3/admin/volumes", nil).Refused(404, "itemNotFound")
}

// A HEAD goes through a real server: only there can be seen that no body is sent.
func TestHeadSendsNoBody(t *testing.T) {
	rig := apitest.New(t)
	srv := httptest.NewServer(rig.Handler)
	defer srv.Close()
	req, err := http.NewRequest("HEAD", srv.URL+volumes, nil)
	require.NoError(t, err)
	req.Header.Set("X-Auth-Token", apitest.Member)
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.NotZero(t, resp.ContentLength)
}

func TestAuthentication(t *testing.T) {
	rig := apitest.New(t)
	a := rig.Do(t, "GET", volumes, nil, apitest.Call{Header: map[string]string{"X-Auth-Token": ""}})
	a.Refused(401, "unauthorized")
	require.Equal(t, "Keystone uri='http://127.0.0.1:5000'", a.Header.Get("WWW-Authenticate"))
}

// These are the requests of cinderclient --os-auth-type noauth and of gophercloud's blockstorage/noauth.
func TestNoAuth(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.Auth = middleware.NoAuth{} })
	for token, path := range map[string]string{"admin:demo": "/v3/demo/volumes", "admin:admin": "/v3/admin/volumes", "admin": "/v3/admin/volumes", "mia:x": "/v3/y/volumes"} {
		rig.Do(t, "GET", path, nil, apitest.Call{Token: token}).Is(200)
	}
	rig.Do(t, "POST", "/v3/demo/volumes", body(`{"volume":{"size":1}}`), apitest.Call{Token: "admin:demo"}).Is(202)
	require.Equal(t, "demo", rig.Engine.Started[0].Header.ProjectID)
	require.True(t, rig.Engine.Started[0].Header.Admin)
	rig.Do(t, "POST", "/v3/volumes", body(`{"volume":{"size":1}}`), apitest.Call{Token: "admin:p2"}).Is(202)
	require.Equal(t, "p2", rig.Engine.Started[1].Header.ProjectID)
	a := rig.Do(t, "GET", "/v3/demo/volumes", nil, apitest.Call{Header: map[string]string{"X-Auth-Token": ""}})
	a.Refused(401, "unauthorized")
	require.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
	rig.Do(t, "GET", "/v3/demo/volumes", nil, apitest.Call{Token: ":demo"}).Refused(401, "unauthorized")
}

func TestMicroversionHeaders(t *testing.T) {
	rig := apitest.New(t)
	for asked, got := range map[string]string{"": "3.0", "3.0": "3.0", "3.27": "3.27", "3.71": "3.71", "latest": "3.71"} {
		a := rig.Do(t, "GET", volumes, nil, apitest.Call{Version: asked}).Is(200)
		require.Equal(t, "volume "+got, a.Header.Get("OpenStack-API-Version"))
		require.Contains(t, a.Header.Get("Vary"), "OpenStack-API-Version")
	}
	a := rig.Do(t, "GET", volumes, nil, apitest.Call{Header: map[string]string{"OpenStack-API-Version": "compute 2.1,volume 3.9"}}).Is(200)
	require.Equal(t, "volume 3.9", a.Header.Get("OpenStack-API-Version"))

	message := rig.Do(t, "GET", volumes, nil, apitest.Call{Version: "3.72"}).Refused(406, "computeFault")
	require.Contains(t, message, "3.0")
	require.Contains(t, message, "3.71")
	rig.Do(t, "GET", volumes, nil, apitest.Call{Version: "2.0"}).Refused(406, "computeFault")
	rig.Do(t, "GET", volumes, nil, apitest.Call{Version: "three"}).Refused(400, "badRequest")
	rig.Do(t, "GET", volumes+"/summary", nil, apitest.Call{Version: "3.11"}).Refused(404, "itemNotFound")
	rig.Do(t, "GET", volumes+"/summary", nil, apitest.Call{Version: "3.12"}).Is(200)
}

func TestBodies(t *testing.T) {
	rig := apitest.New(t)
	large := `{"volume":{"size":1,"name":"` + strings.Repeat("x", 10<<20) + `"}}`
	a := rig.Do(t, "POST", volumes, large)
	a.Refused(413, "overLimit")
	require.Equal(t, "0", a.Header.Get("Retry-After"))
	require.Equal(t, "0", a.At("overLimit", "retryAfter"))
	rig.Do(t, "POST", volumes, `<volume size="1"/>`, apitest.Call{Header: map[string]string{"Content-Type": "application/xml"}}).Refused(415, "badMediaType")
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, apitest.Call{Header: map[string]string{"Content-Type": "nonsense;;"}}).Refused(415, "badMediaType")
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, apitest.Call{Header: map[string]string{"Content-Type": "application/json; charset=UTF-8"}}).Is(202)
	for _, bad := range []string{"", "{", "null", "[]", "1", `"x"`, `{"volume":{"size":1}`, `{"volume":null}`, `{"volume":[]}`, `{"volume":"x"}`, `{}`, `{"volume":{"size":1}}{}`} {
		rig.Do(t, "POST", volumes, bad).Refused(400, "badRequest")
	}
	require.Len(t, rig.Engine.Started, 1)
}

// A body without a length is cut off while it is read.
func TestEndlessBody(t *testing.T) {
	rig := apitest.New(t)
	srv := httptest.NewServer(rig.Handler)
	defer srv.Close()
	req, err := http.NewRequest("POST", srv.URL+volumes, struct{ *strings.Reader }{strings.NewReader(`{"a":"` + strings.Repeat("x", 3<<20))})
	require.NoError(t, err)
	req.Header.Set("X-Auth-Token", apitest.Member)
	req.Header.Set("Content-Type", "application/json")
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 413, resp.StatusCode)
}

func TestRequestIDs(t *testing.T) {
	rig := apitest.New(t)
	a := rig.Do(t, "GET", volumes, nil, apitest.Call{Header: map[string]string{"X-Openstack-Request-Id": "req-from-nova"}})
	id := a.Header.Get("X-Openstack-Request-Id")
	require.Regexp(t, `^req-[0-9a-f-]{36}$`, id)
	require.Equal(t, id, a.Header.Get("X-Compute-Request-Id"))
	rig.Do(t, "GET", volumes, nil, apitest.Call{Header: map[string]string{"X-Openstack-Request-Id": "evil\" id"}}).Is(200)
	require.NotContains(t, rig.Log.String(), "evil")

	var line map[string]any
	first, _, _ := bytes.Cut(rig.Log.Bytes(), []byte("\n"))
	require.NoError(t, json.Unmarshal(first, &line))
	require.Equal(t, id, line["request_id"])
	require.Equal(t, "req-from-nova", line["global_request_id"])
	require.Equal(t, "GET", line["method"])
	require.Equal(t, "/v3/volumes", line["route"])
	require.EqualValues(t, 200, line["status"])
	require.Equal(t, apitest.Project, line["project"])
	require.Equal(t, "mia", line["user"])
	require.Contains(t, line, "duration")
}

// Neither an error of the database nor a panic shows a client what is inside.
func TestNothingInsideShows(t *testing.T) {
	rig := apitest.New(t)
	rig.Store.Fail = func(string) error { return apitest.ErrBroken }
	message := rig.Do(t, "GET", volumes, nil).Refused(500, "computeFault")
	require.NotContains(t, message, "pq")
	require.Contains(t, rig.Log.String(), "pq: relation")

	rig.Store.Fail = func(string) error { panic("a secret") }
	message = rig.Do(t, "GET", volumes+"/summary", nil, apitest.Call{Version: "3.12"}).Refused(500, "computeFault")
	require.NotContains(t, message, "secret")
	require.Contains(t, rig.Log.String(), "a secret")
}

func TestCatalogueAway(t *testing.T) {
	rig := apitest.New(t)
	rig.Store.Fail = func(string) error { return models.ErrUnavailable }
	a := rig.Do(t, "GET", volumes, nil)
	a.Refused(503, "serviceUnavailable")
	require.NotEmpty(t, a.Header.Get("Retry-After"))
}

func TestPublicAddress(t *testing.T) {
	forwarded := apitest.Call{Header: map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "cloud.example.org"}}
	for name, c := range map[string]struct {
		change func(*api.Options)
		want   string
	}{
		"request's host":  {func(*api.Options) {}, "http://example.com/v3/"},
		"public_endpoint": {func(o *api.Options) { o.PublicEndpoint = "https://volume.example.org/" }, "https://volume.example.org/v3/"},
		"proxy":           {func(o *api.Options) { o.TrustForwarded = true }, "https://cloud.example.org/v3/"},
	} {
		t.Run(name, func(t *testing.T) {
			a := apitest.New(t, c.change).Do(t, "GET", "/v3", nil, forwarded)
			require.Contains(t, string(a.Body), `"`+c.want+`"`)
		})
	}
}

func TestGinStaysQuiet(t *testing.T) {
	apitest.New(t)
	require.Equal(t, gin.ReleaseMode, gin.Mode())
}

// body marks a string as JSON, for reading.
func body(s string) string { return s }

func uuidOf(n int) string {
	const hex = "0123456789abcdef"
	b := []byte("00000000-0000-4000-8000-000000000000")
	for i := len(b) - 1; n > 0; i-- {
		b[i] = hex[n%16]
		n /= 16
	}
	return string(b)
}
