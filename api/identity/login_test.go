package identity_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestScopesOfALogin(t *testing.T) {
	r := newRig(t)
	_, mine := r.with("mia", "member")
	for name, c := range map[string]struct {
		user  string
		scope any
		code  int
		roles int
		key   string
	}{
		"project":             {"admin", project("demo"), 201, 4, "project"},
		"member, with reader": {"mia", project("mia"), 201, 2, "project"},
		"system":              {"admin", object{"system": object{"all": true}}, 201, 4, "system"},
		"nothing":             {"mia", nil, 201, 0, ""},
		"unscoped":            {"mia", "unscoped", 201, 0, ""},
		"by id":               {"mia", object{"project": object{"id": mine}}, 201, 2, "project"},
		"others' project":     {"mia", project("demo"), 401, 0, ""},
		"no such project":     {"mia", project("nix"), 401, 0, ""},
		"system, no role":     {"mia", object{"system": object{"all": true}}, 401, 0, ""},
		"domain, no role":     {"mia", object{"domain": object{"id": "default"}}, 401, 0, ""},
		"two scopes":          {"mia", object{"project": object{"id": "x"}, "domain": object{"id": "x"}}, 400, 0, ""},
		"a word":              {"mia", "everything", 400, 0, ""},
		"an empty one":        {"mia", object{"project": object{}}, 400, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			password := r.password
			if c.user == "mia" {
				password = "mia-secret"
			}
			a := r.ask(c.user, password, c.scope).is(c.code)
			if c.code != 201 {
				require.Empty(t, a.Header.Get("X-Subject-Token"))
				return
			}
			token := a.at("token").(object)
			if c.key == "" {
				require.NotContains(t, token, "roles")
				require.NotContains(t, token, "catalog")
				return
			}
			require.Contains(t, token, c.key)
			require.Len(t, token["roles"], c.roles)
			require.Contains(t, a.text, `"type":"identity"`)
			if c.key == "project" {
				id := token["project"].(object)["id"].(string)
				require.Contains(t, a.text, "http://volume.example.org/v3/"+id)
				require.Contains(t, a.text, `"type":"block-storage"`)
				require.Contains(t, a.text, `"type":"volumev3"`)
			} else {
				require.NotContains(t, a.text, "$(")
			}
		})
	}
}

// What is wrong with a login is nobody's business: a user who isn't there looks like a wrong password.
func TestRefusalsTellNothing(t *testing.T) {
	r := newRig(t)
	user, _ := r.with("mia", "member")
	r.do("PATCH", "/identity/v3/users/"+user, r.admin(), object{"user": object{"enabled": false}}).is(200)
	var texts []string
	for _, a := range []reply{r.ask("admin", "wrong", nil), r.ask("nobody", "wrong", nil), r.ask("mia", "mia-secret", nil), r.ask("admin", r.password, project("secret"))} {
		a.is(401)
		require.Equal(t, `Keystone uri="http://example.com/identity/v3"`, a.Header.Get("WWW-Authenticate"))
		texts = append(texts, a.text)
	}
	for _, text := range texts {
		require.Equal(t, texts[0], text)
		require.NotContains(t, text, "nobody")
	}
}

func TestBadLogins(t *testing.T) {
	r := newRig(t)
	for name, body := range map[string]any{
		"no body": nil, "a list": []int{1}, "no auth": object{"x": 1}, "auth is a word": object{"auth": "x"},
		"no method":       object{"auth": object{"identity": object{"methods": []string{}}}},
		"another method":  object{"auth": object{"identity": object{"methods": []string{"totp"}}}},
		"two methods":     object{"auth": object{"identity": object{"methods": []string{"password", "token"}}}},
		"no domain":       object{"auth": object{"identity": object{"methods": []string{"password"}, "password": object{"user": object{"name": "admin", "password": "x"}}}}},
		"a number":        object{"auth": object{"identity": object{"methods": []string{"password"}, "password": object{"user": object{"id": 1, "password": "x"}}}}},
		"no token's id":   object{"auth": object{"identity": object{"methods": []string{"token"}, "token": object{}}}},
		"a name with NUL": login("a\x00b", "x", nil),
	} {
		t.Run(name, func(t *testing.T) { r.do("POST", "/identity/v3/auth/tokens", "", body).is(400) })
	}
	r.ask("admin", strings.Repeat("x", 8192), nil).is(401)
	r.ask("admin", strings.Repeat("x", 1<<20), nil).is(413)
}

func TestTooManyLogins(t *testing.T) {
	r := newRig(t)
	r.with("mia", "member")
	for range 5 {
		r.ask("mia", "wrong", nil).is(401)
	}
	a := r.ask("mia", "mia-secret", nil).is(429)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	r.admin() // others may still log in
	r.advance(6 * time.Minute)
	r.token("mia", "mia-secret", nil)
}

// A token that is made from another ends with it: in time, and when it is given back.
func TestTokenFromToken(t *testing.T) {
	r := newRig(t)
	r.with("mia", "member")
	first := r.ask("mia", "mia-secret", nil).is(201)
	from := func(token string, scope any, code int) reply {
		return r.do("POST", "/identity/v3/auth/tokens", "", object{"auth": object{
			"identity": object{"methods": []string{"token"}, "token": object{"id": token}}, "scope": scope,
		}}).is(code)
	}
	r.advance(10 * time.Minute)
	token := first.Header.Get("X-Subject-Token")
	second := from(token, project("mia"), 201)
	require.Equal(t, first.at("token", "expires_at"), second.at("token", "expires_at"))
	from(token, project("demo"), 401)
	child := second.Header.Get("X-Subject-Token")
	r.do("GET", "/identity/v3/auth/projects", child, nil).is(200)
	r.do("DELETE", "/identity/v3/auth/tokens", token, nil, "X-Subject-Token", token).is(204)
	r.do("GET", "/identity/v3/auth/projects", token, nil).is(401)
	r.do("GET", "/identity/v3/auth/projects", child, nil).is(401)
	from(token, project("mia"), 401)
}

// Whatever takes the ground from under a token ends it at once.
func TestTokensEnd(t *testing.T) {
	for name, end := range map[string]func(r *rig, admin, user, project string){
		"its time is over": func(r *rig, _, _, _ string) { r.advance(time.Hour + time.Second) },
		"disabled user": func(r *rig, admin, user, _ string) {
			r.do("PATCH", "/identity/v3/users/"+user, admin, object{"user": object{"enabled": false}}).is(200)
		},
		"disabled and enabled": func(r *rig, admin, user, _ string) {
			for _, on := range []bool{false, true} {
				r.do("PATCH", "/identity/v3/users/"+user, admin, object{"user": object{"enabled": on}}).is(200)
			}
		},
		"deleted user": func(r *rig, admin, user, _ string) { r.do("DELETE", "/identity/v3/users/"+user, admin, nil).is(204) },
		"disabled project": func(r *rig, admin, _, project string) {
			r.do("PATCH", "/identity/v3/projects/"+project, admin, object{"project": object{"enabled": false}}).is(200)
		},
		"deleted project": func(r *rig, admin, _, project string) {
			r.do("DELETE", "/identity/v3/projects/"+project, admin, nil).is(204)
		},
		"role taken away": func(r *rig, admin, user, project string) {
			r.do("DELETE", "/identity/v3/projects/"+project+"/users/"+user+"/roles/"+r.role("member"), admin, nil).is(204)
		},
		"new password": func(r *rig, admin, user, _ string) {
			r.do("PATCH", "/identity/v3/users/"+user, admin, object{"user": object{"password": "another"}}).is(200)
			r.ask("mia", "mia-secret", nil).is(401)
			r.token("mia", "another", project("mia"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			user, project_ := r.with("mia", "member")
			admin, token := r.admin(), r.token("mia", "mia-secret", project("mia"))
			volumes := "/v3/" + project_ + "/volumes"
			r.do("GET", volumes, token, nil).is(200)
			end(r, admin, user, project_)
			a := r.do("GET", volumes, token, nil).is(401)
			require.Contains(t, a.Header.Get("WWW-Authenticate"), "/identity/v3")
			r.do("GET", "/identity/v3/auth/catalog", token, nil).is(401)
		})
	}
}

func TestForgedTokens(t *testing.T) {
	r := newRig(t)
	good := r.admin()
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"none": "", "noauth's": "admin:demo", "cut": good[:len(good)-1], "no signature": strings.Join(parts[:3], ".") + ".",
		"another key": strings.Join([]string{parts[0], "00000000", parts[2], parts[3]}, "."),
		"other words": strings.Join([]string{parts[0], parts[1], parts[2][:10] + "A" + parts[2][11:], parts[3]}, "."),
		"too long":    good + strings.Repeat("A", 4096), "only dots": "clk1...", "no dots": "clk1.",
	} {
		t.Run(name, func(t *testing.T) {
			r.do("GET", "/identity/v3/users", token, nil).is(401)
			r.do("GET", "/v3/volumes", token, nil, "OpenStack-API-Version", "volume 3.70").is(401)
		})
	}
	require.NoError(t, r.people.RotateKey(t.Context()))
	r.do("GET", "/identity/v3/users", good, nil).is(200)
	r.do("GET", "/identity/v3/users", r.admin(), nil).is(200)
}

// What block storage makes of tokens that are good, but not for it.
func TestBlockStorage(t *testing.T) {
	r := newRig(t)
	_, mine := r.with("mia", "member")
	_, theirs := r.with("otto", "reader")
	token := r.token("mia", "mia-secret", project("mia"))
	at := []string{"OpenStack-API-Version", "volume 3.70"}
	body := object{"volume": object{"size": 1}}
	id := r.do("POST", "/v3/"+mine+"/volumes", token, body).is(202).at("volume", "id").(string)
	r.do("GET", "/v3/"+theirs+"/volumes", token, nil).is(400)
	reader := r.token("otto", "otto-secret", project("otto"))
	r.do("GET", "/v3/volumes/"+id, reader, nil, at...).is(404)
	r.do("POST", "/v3/"+theirs+"/volumes", reader, body).is(403)

	unscoped := r.token("mia", "mia-secret", nil)
	for _, path := range []string{"/v3/volumes", "/v3/volumes/detail", "/v3/volumes/" + id, "/v3/limits", "/v3/types", "/v3/flows"} {
		r.do("GET", path, unscoped, nil, at...).is(http.StatusForbidden)
	}
	r.do("GET", "/v3/"+mine+"/volumes", unscoped, nil).is(400)
	system := r.token("admin", r.password, object{"system": object{"all": true}})
	require.Contains(t, r.do("GET", "/v3/volumes?all_tenants=1", system, nil, at...).is(200).text, id)
	r.do("POST", "/v3/volumes", system, body, at...).is(400)
	// A client can't say itself who it is.
	r.do("GET", "/v3/"+mine+"/volumes", "", nil, "X-User-Id", "x", "X-Project-Id", mine, "X-Roles", "admin", "X-Identity-Status", "Confirmed").is(401)
	r.do("GET", "/v3/"+mine+"/volumes", token, nil, "X-Service-Token", "nonsense").is(401)
	r.do("GET", "/v3/"+mine+"/volumes", token, nil, "X-Service-Token", r.admin()).is(200)
}

// Horizon's way (openstack_auth): a login for nothing, the user's projects, a token for one of them from that, its pages, another project, and out.
func TestAsHorizon(t *testing.T) {
	r := newRig(t)
	user, mine := r.with("mia", "member")
	admin := r.admin()
	second := r.do("POST", "/identity/v3/projects", admin, object{"project": object{"name": "second"}}).is(201).at("project", "id").(string)
	r.do("PUT", "/identity/v3/projects/"+second+"/users/"+user+"/roles/"+r.role("reader"), admin, nil).is(204)

	unscoped := r.ask("mia", "mia-secret", "unscoped").is(201)
	token := unscoped.Header.Get("X-Subject-Token")
	require.Equal(t, user, unscoped.at("token", "user").(object)["id"])
	seen := map[string]string{}
	for _, p := range r.do("GET", "/identity/v3/users/"+user+"/projects", token, nil).is(200).at("projects").([]any) {
		seen[p.(object)["id"].(string)] = p.(object)["name"].(string)
	}
	require.Equal(t, map[string]string{mine: "mia", second: "second"}, seen)
	rescope := func(scope object) reply {
		return r.do("POST", "/identity/v3/auth/tokens", "", object{"auth": object{"identity": object{"methods": []string{"token"}, "token": object{"id": token}}, "scope": scope}})
	}
	rescope(object{"domain": object{"id": "default"}}).is(401) // it tries, and goes on without
	at := []string{"OpenStack-API-Version", "volume 3.70"}
	pages := map[string]string{} // tokens, by project
	for id := range seen {
		scoped := rescope(object{"project": object{"id": id}}).is(201)
		require.Contains(t, scoped.text, "http://volume.example.org/v3/"+id)
		pages[id] = scoped.Header.Get("X-Subject-Token")
		for _, page := range []string{"/volumes/detail", "/snapshots/detail", "/backups/detail", "/limits", "/types", "/extensions", "/os-availability-zone"} {
			r.do("GET", "/v3/"+id+page, pages[id], nil, at...).is(200)
		}
		r.do("GET", "/v3/"+id+"/os-services", pages[id], nil, at...).is(403)
	}
	body := object{"volume": object{"size": 1}}
	r.do("POST", "/v3/"+mine+"/volumes", pages[mine], body).is(202)
	r.do("POST", "/v3/"+second+"/volumes", pages[second], body).is(403)
	r.do("DELETE", "/identity/v3/auth/tokens", token, nil, "X-Subject-Token", token).is(204)
	for id := range seen {
		r.do("GET", "/v3/"+id+"/volumes", pages[id], nil).is(401)
	}
}
