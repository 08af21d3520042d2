package keystone

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is a Keystone with one good token; how the real one behaves is tests/e2e's to show.
type fake struct {
	*httptest.Server
	asked, logins atomic.Int64
	broken        atomic.Int64 // status of every answer about a token, 0 for the right one
	path          atomic.Value // of the last answer about a token
	expires       time.Time
}

func newFake(t *testing.T) *fake {
	f := &fake{expires: time.Now().Add(time.Hour)}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	answer := func(code int, body any) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body)
	}
	token := map[string]any{"expires_at": f.expires.UTC().Format(time.RFC3339Nano), "user": map[string]any{"id": "u", "domain": map[string]any{"id": "d"}}}
	switch {
	case r.Method == http.MethodPost:
		f.logins.Add(1)
		var endpoints []map[string]any
		for _, region := range []string{"one", "two"} {
			for _, side := range []string{"public", "internal"} {
				endpoints = append(endpoints, map[string]any{"id": region + side, "region": region, "region_id": region, "interface": side, "url": f.URL + "/" + region + "/" + side + "/v3"})
			}
		}
		token["catalog"] = []map[string]any{{"type": "identity", "endpoints": endpoints}}
		w.Header().Set("X-Subject-Token", "ours")
		answer(201, map[string]any{"token": token})
	case r.Header.Get("X-Subject-Token") == "":
		answer(200, map[string]any{"version": map[string]any{"id": "v3.14", "status": "stable"}})
	case f.broken.Load() != 0:
		f.asked.Add(1)
		answer(int(f.broken.Load()), nil)
	case r.Header.Get("X-Subject-Token") != "good":
		f.asked.Add(1)
		answer(404, nil)
	default:
		f.asked.Add(1)
		f.path.Store(r.URL.Path)
		token["project"] = map[string]any{"id": "p", "domain": map[string]any{"id": "d"}}
		token["roles"] = []map[string]any{{"name": "member"}, {"name": "reader"}}
		token["is_admin_project"] = false
		answer(200, map[string]any{"token": token})
	}
}

func newClient(t *testing.T, f *fake, now func() time.Time) *Client {
	t.Helper()
	c, err := New(Options{AuthURL: f.URL + "/v3", Username: "clinker", Password: "x", Project: "service", UserDomainName: "Default", ProjectDomainName: "Default", CacheTime: time.Minute, Now: now})
	require.NoError(t, err)
	return c
}

func TestAnswersAreRemembered(t *testing.T) {
	f := newFake(t)
	var ahead atomic.Int64
	c := newClient(t, f, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got, err := c.Validate(context.Background(), "good")
			if err != nil || got.UserID != "u" || got.ProjectID != "p" || len(got.Roles) != 2 || !got.NotAdminProject {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, f.asked.Load(), "together they ask once")
	require.EqualValues(t, 1, f.logins.Load())
	_, err := c.Validate(t.Context(), "bad")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = c.Validate(t.Context(), "bad")
	require.ErrorIs(t, err, ErrInvalid)
	require.EqualValues(t, 2, f.asked.Load())

	// Away: what is remembered goes on for its time, and no longer.
	f.broken.Store(503)
	_, err = c.Validate(t.Context(), "good")
	require.NoError(t, err)
	ahead.Store(int64(2 * time.Minute))
	for _, token := range []string{"good", "bad"} {
		_, err = c.Validate(t.Context(), token)
		require.ErrorIs(t, err, ErrUnavailable)
	}
	f.broken.Store(0)
	_, err = c.Validate(t.Context(), "good")
	require.NoError(t, err, "that nobody could say is not remembered")
	ahead.Store(int64(61 * time.Minute))
	_, err = c.Validate(t.Context(), "good")
	require.ErrorIs(t, err, ErrInvalid, "its time is over, whatever Keystone's clock says")
}

// Keystone refusing us says nothing of the token.
func TestRefusalsOfOurselves(t *testing.T) {
	for _, status := range []int64{401, 403, 500, 429} {
		f := newFake(t)
		c := newClient(t, f, nil)
		f.broken.Store(status)
		_, err := c.Validate(t.Context(), "good")
		require.ErrorIs(t, err, ErrUnavailable, "%d", status)
		require.NotErrorIs(t, err, ErrInvalid)
	}
	f := newFake(t)
	c := newClient(t, f, nil)
	f.Close()
	_, err := c.Validate(t.Context(), "good")
	require.ErrorIs(t, err, ErrUnavailable)
	_, err = c.Validate(t.Context(), "")
	require.ErrorIs(t, err, ErrInvalid, "nobody need be asked about nothing")
}

func TestMemoryIsBounded(t *testing.T) {
	m, now := newMemory(), time.Unix(1000, 0)
	var key [32]byte
	for i := range maxRemembered + 5 {
		key[0], key[1] = byte(i), byte(i>>8)
		m.put(key, answer{until: now.Add(time.Second)})
	}
	require.LessOrEqual(t, len(m.answers), maxRemembered)
	_, ok := m.get(key, now.Add(time.Second))
	require.False(t, ok)
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{}, {AuthURL: "http://k"}, {AuthURL: "http://k", Username: "u", CAFile: "/nix"}, {AuthURL: "http://k", Username: "u", CAFile: "doc.go"}} {
		_, err := New(o)
		require.ErrorContains(t, err, "[keystone_authtoken]")
	}
}

// region_name and interface choose among the catalogue's endpoints; without them it is auth_url.
func TestEndpoint(t *testing.T) {
	f := newFake(t)
	for want, o := range map[string]Options{
		"/v3/auth/tokens":              {},
		"/two/public/v3/auth/tokens":   {Region: "two"},
		"/two/internal/v3/auth/tokens": {Region: "two", Interface: "internal"},
		"":                             {Region: "three"},
	} {
		o.AuthURL, o.Username, o.Password, o.Project, o.UserDomainName, o.ProjectDomainName = f.URL+"/v3", "clinker", "x", "service", "Default", "Default"
		c, err := New(o)
		require.NoError(t, err)
		_, err = c.Validate(t.Context(), "good")
		if want == "" {
			require.ErrorIs(t, err, ErrUnavailable)
			require.ErrorContains(t, err, `"three"`)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, f.path.Load())
	}
}
