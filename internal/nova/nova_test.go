package nova_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	apiidentity "github.com/clinker-storage/clinker/api/identity"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/internal/keystone"
	"github.com/clinker-storage/clinker/internal/nova"
	"github.com/clinker-storage/clinker/models/store"
)

type object = map[string]any

// stand is an identity service with a Nova beside it, in whose catalogue that is.
type stand struct {
	identity, compute *httptest.Server
	password          string

	mu     sync.Mutex
	hosts  map[string]string // of servers; "" is one that runs nowhere
	told   []string
	broken int // status of every answer
}

func newStand(t *testing.T) *stand {
	st, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "catalogue.db"), store.Options{RelaxedDurability: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	require.NoError(t, st.Migrate(t.Context()))
	people, err := identity.New(st, identity.Options{Now: time.Now})
	require.NoError(t, err)
	s := &stand{hosts: map[string]string{}}
	s.password, err = people.Bootstrap(t.Context(), func(string) error { return nil })
	require.NoError(t, err)
	fake := apitest.NewStore()
	engine := apitest.NewEngine(fake)
	t.Cleanup(engine.Close)
	o := api.Options{Auth: apiidentity.Authenticator{People: people}, People: &apiidentity.Server{People: people}, Log: slog.New(slog.DiscardHandler)}
	o.Store, o.Starter, o.Flows = fake, engine, engine
	s.identity = httptest.NewServer(api.New(o))
	t.Cleanup(s.identity.Close)
	require.NoError(t, people.Advertise(t.Context(), s.identity.URL))
	s.compute = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.compute.Close)
	return s
}

func (s *stand) options() keystone.Options {
	return keystone.Options{
		AuthURL: s.identity.URL + "/identity/v3", Username: "admin", Password: s.password, UserDomainName: "Default", Project: "admin", ProjectDomainName: "Default",
		Region: "RegionOne", Interface: "internal",
	}
}

// do asks the identity service as an administrator.
func (s *stand) do(t *testing.T, path string, body object) (answer object, token string) {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.identity.URL+"/identity/v3/"+path, strings.NewReader(string(text)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if path != "auth/tokens" {
		domain := object{"name": "Default"}
		_, token = s.do(t, "auth/tokens", object{"auth": object{
			"identity": object{"methods": []string{"password"}, "password": object{"user": object{"name": "admin", "domain": domain, "password": s.password}}},
			"scope":    object{"project": object{"name": "admin", "domain": domain}},
		}})
		r.Header.Set("X-Auth-Token", token)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusCreated, res.StatusCode, path)
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	return answer, res.Header.Get("X-Subject-Token")
}

// advertise puts Nova into the catalogue.
func (s *stand) advertise(t *testing.T) {
	made, _ := s.do(t, "services", object{"service": object{"type": "compute", "name": "nova"}})
	id := made["service"].(object)["id"]
	for side, url := range map[string]string{"internal": s.compute.URL + "/v2.1", "public": "http://127.0.0.1:1/v2.1"} {
		s.do(t, "endpoints", object{"endpoint": object{"service_id": id, "interface": side, "region": "RegionOne", "url": url}})
	}
}

var version = regexp.MustCompile(`^compute 2\.(\d+)$`)

// serve answers as Nova does: nova/api/openstack/compute/server_external_events.py and its schema.
func (s *stand) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := func(code int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body)
	}
	if s.broken != 0 {
		answer(s.broken, object{"computeFault": object{"code": s.broken, "message": "down at host-of-nova"}})
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v2.1/os-server-external-events" {
		answer(404, nil)
		return
	}
	if code := s.knows(r); code != 200 {
		answer(code, nil)
		return
	}
	asked := version.FindStringSubmatch(r.Header.Get("OpenStack-API-Version"))
	list, err := read(r.Body)
	if minor := 0; asked != nil {
		if minor, _ = strconv.Atoi(asked[1]); minor < 51 {
			err = errors.Join(err, errors.New("volume-extended is not one of the names before 2.51"))
		}
	} else {
		err = errors.New("no microversion")
	}
	if err != nil {
		answer(400, object{"badRequest": object{"code": 400, "message": err.Error()}})
		return
	}
	code, taken := 200, 0
	for _, e := range list {
		host, known := s.hosts[e["server_uuid"].(string)]
		switch {
		case !known:
			e["status"], e["code"], code = "failed", 404, 207
		case e["tag"] == nil:
			e["status"], e["code"], code = "failed", 400, 207
		case host == "":
			e["status"], e["code"], code = "failed", 422, 207
		default:
			e["status"], e["code"] = "completed", 200
			s.told = append(s.told, e["server_uuid"].(string)+" "+e["name"].(string)+" "+e["tag"].(string))
			taken++
		}
	}
	if taken == 0 {
		answer(404, object{"itemNotFound": object{"code": 404, "message": "No instances found for any event"}})
		return
	}
	answer(code, object{"events": list})
}

// knows asks the identity service whose token it is, as keystonemiddleware does: 401 for none, 403 where Nova's policy refuses.
func (s *stand) knows(r *http.Request) int {
	token := r.Header.Get("X-Auth-Token")
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.identity.URL+"/identity/v3/auth/tokens", nil)
	if err != nil {
		return 500
	}
	ask.Header.Set("X-Auth-Token", token)
	ask.Header.Set("X-Subject-Token", token)
	res, err := http.DefaultClient.Do(ask)
	if err != nil {
		return 500
	}
	defer res.Body.Close()
	var about struct {
		Token struct{ Roles []struct{ Name string } }
	}
	if res.StatusCode != 200 || json.NewDecoder(res.Body).Decode(&about) != nil {
		return 401
	}
	for _, role := range about.Token.Roles {
		if role.Name == "admin" || role.Name == "service" {
			return 200
		}
	}
	return 403
}

// read holds a body to Nova's JSON schema.
func read(r io.Reader) ([]object, error) {
	var body object
	if err := json.NewDecoder(r).Decode(&body); err != nil {
		return nil, err
	}
	list, ok := body["events"].([]any)
	if !ok || len(body) != 1 || len(list) == 0 {
		return nil, errors.New("events: an array of at least one, and nothing else")
	}
	var all []object
	for _, item := range list {
		e, ok := item.(object)
		if !ok {
			return nil, errors.New("an event is an object")
		}
		for key, value := range e {
			text, isText := value.(string)
			if !isText || !slices.Contains([]string{"server_uuid", "name", "status", "tag"}, key) || len(text) > 255 {
				return nil, errors.New("additional property, or no string: " + key)
			}
		}
		name, _ := e["name"].(string)
		if _, err := uuid.Parse(e["server_uuid"].(string)); err != nil || name != "volume-extended" {
			return nil, errors.New("server_uuid and name are required")
		}
		all = append(all, e)
	}
	return all, nil
}

func TestVolumeExtended(t *testing.T) {
	s := newStand(t)
	s.advertise(t)
	running, off, gone, volume := uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()
	s.hosts[running], s.hosts[off] = "compute1", ""
	c, err := nova.New(s.options())
	require.NoError(t, err)
	for range 2 { // it keeps its token
		require.NoError(t, c.VolumeExtended(t.Context(), volume, []string{running}))
	}
	require.Equal(t, []string{running + " volume-extended " + volume, running + " volume-extended " + volume}, s.told)

	for name, c1 := range map[string]struct {
		servers []string
		broken  int
		want    flow.ErrorType
		says    string
	}{
		"one of three":   {servers: []string{running, off, gone}, want: flow.ErrCertain, says: "server " + off + " (code 422), server " + gone + " (code 404)"},
		"none":           {servers: []string{gone}, want: flow.ErrCertain, says: "knows none of the servers"},
		"no such server": {servers: []string{"../x"}, want: flow.ErrCertain, says: "400"},
		"down":           {servers: []string{running}, broken: 503, want: flow.ErrUnavailable, says: "503"},
		"too many":       {servers: []string{running}, broken: 429, want: flow.ErrUnavailable, says: "429"},
		"refuses us":     {servers: []string{running}, broken: 403, want: flow.ErrCertain, says: "403"},
	} {
		s.broken = c1.broken
		err := c.VolumeExtended(t.Context(), volume, c1.servers)
		var fe *flow.Error
		require.ErrorAs(t, err, &fe, name)
		require.Equal(t, c1.want, fe.Type, name)
		require.Contains(t, fe.Message, c1.says, name)
		require.NotContains(t, fe.Message, "host-of-nova", name)
	}
}

// Who can't log in, or finds no Nova, says so; what may pass is tried again, and none of it shows the password.
func TestNoNova(t *testing.T) {
	s := newStand(t)
	fails := func(change func(*keystone.Options), want flow.ErrorType) {
		t.Helper()
		o := s.options()
		change(&o)
		c, err := nova.New(o)
		require.NoError(t, err)
		err = c.VolumeExtended(context.Background(), uuid.NewString(), []string{uuid.NewString()})
		var fe *flow.Error
		require.ErrorAs(t, err, &fe)
		require.Equal(t, want, fe.Type, "%s: %s", fe.Message, fe.Hint)
		require.NotContains(t, fe.Message+fe.Hint, s.password)
	}
	same := func(*keystone.Options) {}
	fails(same, flow.ErrCertain) // it is in no catalogue
	s.advertise(t)
	fails(func(o *keystone.Options) { o.Region = "elsewhere" }, flow.ErrCertain)
	fails(func(o *keystone.Options) { o.Password = "wrong" }, flow.ErrCertain)
	fails(func(o *keystone.Options) { o.Interface = "public" }, flow.ErrUnavailable)
	fails(func(o *keystone.Options) { o.AuthURL = "http://127.0.0.1:1/v3" }, flow.ErrUnavailable)
	_, err := nova.New(keystone.Options{})
	require.ErrorContains(t, err, "[nova] needs auth_url")
}
