package identity_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tooLong is for the names that Keystone gives 64 characters.
var tooLong = strings.Repeat("x", 65)

// kinds are what is kept, with what makes one of it and what changes it.
var kinds = []struct {
	one, many string
	make      object
	change    object
	bad       []object
}{
	{"domain", "domains", object{"name": "d"}, object{"description": "x", "enabled": false}, []object{{}, {"name": ""}, {"name": 1}, {"name": tooLong}}},
	{"project", "projects", object{"name": "p", "domain_id": "default"}, object{"name": "q"}, []object{{}, {"name": tooLong}, {"name": "x", "parent_id": "y"}}},
	{"user", "users", object{"name": "u", "password": "x", "email": "u@example.org"}, object{"enabled": false}, []object{{}, {"name": "x", "password": ""}, {"name": "x", "enabled": "yes"}}},
	{"role", "roles", object{"name": "r"}, object{"description": "x"}, []object{{}, {"name": "x", "domain_id": "default"}}},
	{"service", "services", object{"type": "image"}, object{"name": "glance"}, []object{{"name": "x"}}},
	{"endpoint", "endpoints", object{"service_id": "volumev3", "interface": "public", "url": "http://h", "region": "r2"}, object{"url": "http://g"}, []object{{"url": "http://h", "interface": "x", "service_id": "volumev3"}, {"url": "http://h", "interface": "public", "service_id": "nix"}}},
}

func TestKeepingThem(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	for _, k := range kinds {
		t.Run(k.one, func(t *testing.T) {
			all := "/identity/v3/" + k.many
			for _, bad := range append(k.bad, nil) {
				r.do("POST", all, admin, object{k.one: bad}).is(400)
			}
			if k.one == "project" || k.one == "user" {
				r.do("POST", all, admin, object{k.one: object{"name": "x", "domain_id": "nix"}}).is(404)
			}
			made := r.do("POST", all, admin, object{k.one: k.make}).is(201)
			require.NotContains(t, made.text, "password\":")
			require.NotContains(t, made.text, "argon")
			id := made.at(k.one, "id").(string)
			if k.one != "service" && k.one != "endpoint" {
				r.do("POST", all, admin, object{k.one: k.make}).is(409)
				require.Len(t, r.do("GET", all+"?name="+k.make["name"].(string), admin, nil).is(200).at(k.many), 1)
			}
			require.Contains(t, r.do("GET", all, admin, nil).is(200).text, id)
			changed := r.do("PATCH", all+"/"+id, admin, object{k.one: k.change}).is(200)
			for key, value := range k.change {
				require.Equal(t, value, changed.at(k.one, key))
			}
			require.Equal(t, changed.at(k.one), r.do("GET", all+"/"+id, admin, nil).is(200).at(k.one))
			r.do("PATCH", all+"/nix", admin, object{k.one: k.change}).is(404)
			r.do("DELETE", all+"/"+id, admin, nil).is(204)
			r.do("DELETE", all+"/"+id, admin, nil).is(404)
			r.do("GET", all+"/"+id, admin, nil).is(404)
		})
	}
	r.do("DELETE", "/identity/v3/domains/default", admin, nil).is(403) // it is enabled
}

// Everything but one's own is closed to nobody, to readers and to members of a project, who can't tell what is there from what isn't.
func TestOthersAreClosed(t *testing.T) {
	r := newRig(t)
	user, home := r.with("mia", "member")
	tokens := map[string]int{"": 401, r.token("mia", "mia-secret", project("mia")): 403, r.token("mia", "mia-secret", nil): 403}
	for token, code := range tokens {
		for _, k := range kinds {
			all := "/identity/v3/" + k.many
			r.do("GET", all, token, nil).is(code)
			r.do("POST", all, token, object{k.one: k.make}).is(code)
			for _, id := range []string{"nix", r.role("admin")} {
				r.do("GET", all+"/"+id, token, nil).is(code)
				r.do("PATCH", all+"/"+id, token, object{k.one: k.change}).is(code)
				r.do("DELETE", all+"/"+id, token, nil).is(code)
			}
		}
		grants := "/identity/v3/projects/" + home + "/users/" + user + "/roles"
		r.do("GET", grants, token, nil).is(code)
		r.do("PUT", grants+"/"+r.role("admin"), token, nil).is(code)
		r.do("PUT", "/identity/v3/system/users/"+user+"/roles/"+r.role("admin"), token, nil).is(code)
		for _, path := range []string{"role_assignments", "role_inferences", "regions", "roles/x/implies", "users/x/projects"} {
			r.do("GET", "/identity/v3/"+path, token, nil).is(code)
		}
		r.do("PATCH", "/identity/v3/users/"+user, token, object{"user": object{"enabled": true}}).is(code)
	}
	token := r.token("mia", "mia-secret", project("mia"))
	r.do("GET", "/identity/v3/users/"+user, token, nil).is(200)
	r.do("GET", "/identity/v3/projects/"+home, token, nil).is(200)
	require.Len(t, r.do("GET", "/identity/v3/users/"+user+"/projects", token, nil).is(200).at("projects"), 1)
	r.do("GET", "/identity/v3/auth/tokens", token, nil, "X-Subject-Token", r.admin()).is(403)
	r.do("DELETE", "/identity/v3/auth/tokens", token, nil, "X-Subject-Token", r.admin()).is(403)
	r.do("GET", "/identity/v3/auth/tokens", token, nil, "X-Subject-Token", token).is(200)
	r.do("GET", "/identity/v3/auth/tokens", token, nil, "X-Subject-Token", "nix").is(404)
	r.do("GET", "/identity/v3/auth/tokens", token, nil).is(400)
}

func TestOwnPassword(t *testing.T) {
	r := newRig(t)
	user, _ := r.with("mia", "member")
	token := r.token("mia", "mia-secret", project("mia"))
	path := "/identity/v3/users/" + user + "/password"
	ask := func(old, fresh string) reply {
		return r.do("POST", path, token, object{"user": object{"original_password": old, "password": fresh}})
	}
	ask("wrong", "new").is(401)
	ask("mia-secret", "").is(400)
	r.with("eve", "member")
	r.do("POST", path, r.token("eve", "eve-secret", nil), object{"user": object{"original_password": "mia-secret", "password": "y"}}).is(403)
	r.do("POST", path, r.admin(), object{"user": object{"original_password": "x", "password": "y"}}).is(401)
	ask("mia-secret", "new").is(204)
	ask("new", "newer").is(401) // the token went with the password
	r.token("mia", "new", nil)
	r.do("POST", path, r.admin(), object{"user": object{"original_password": "new", "password": "newest"}}).is(204)
	r.token("mia", "newest", nil)
}

func TestGrants(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	user, home := r.with("mia", "reader")
	for path, scope := range map[string]object{
		"projects/" + home: {"project": object{"id": home}}, "domains/default": {"domain": object{"id": "default"}}, "system": {"system": object{"all": true}},
	} {
		grant := "/identity/v3/" + path + "/users/" + user + "/roles/" + r.role("manager")
		r.do("GET", grant, admin, nil).is(404)
		r.do("PUT", grant, admin, nil).is(204)
		r.do("PUT", grant, admin, nil).is(204)
		r.do("GET", grant, admin, nil).is(204)
		require.Contains(t, r.do("GET", "/identity/v3/"+path+"/users/"+user+"/roles", admin, nil).is(200).text, `"manager"`)
		require.Len(t, r.ask("mia", "mia-secret", scope).is(201).at("token", "roles"), 3, "manager, member and reader")
		r.do("DELETE", grant, admin, nil).is(204)
		r.do("DELETE", grant, admin, nil).is(404)
	}
	r.do("PUT", "/identity/v3/projects/nix/users/"+user+"/roles/"+r.role("reader"), admin, nil).is(404)
	r.do("PUT", "/identity/v3/projects/"+home+"/users/nix/roles/"+r.role("reader"), admin, nil).is(404)
	r.do("PUT", "/identity/v3/projects/"+home+"/users/"+user+"/roles/nix", admin, nil).is(404)

	list := "/identity/v3/role_assignments?user.id=" + user
	a := r.do("GET", list+"&include_names=True", admin, nil).is(200)
	require.Len(t, a.at("role_assignments"), 1)
	require.Contains(t, a.text, `"name":"mia"`)
	r.do("PUT", "/identity/v3/projects/"+home+"/users/"+user+"/roles/"+r.role("admin"), admin, nil).is(204)
	require.Len(t, r.do("GET", list+"&scope.project.id="+home+"&effective", admin, nil).is(200).at("role_assignments"), 4)
	require.Len(t, r.do("GET", list+"&effective&role.id="+r.role("member"), admin, nil).is(200).at("role_assignments"), 1)
	require.Len(t, r.do("GET", "/identity/v3/role_assignments?scope.system=all", admin, nil).is(200).at("role_assignments"), 1)
}

func TestImpliedRoles(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	r.with("mia", "reader")
	require.Len(t, r.do("GET", "/identity/v3/role_inferences", admin, nil).is(200).at("role_inferences"), 3)
	path := "/identity/v3/roles/" + r.role("reader") + "/implies/" + r.role("admin") // in a circle
	r.do("GET", path, admin, nil).is(404)
	r.do("PUT", path, admin, nil).is(201)
	r.do("GET", path, admin, nil).is(200)
	require.Len(t, r.ask("mia", "mia-secret", project("mia")).is(201).at("token", "roles"), 4)
	require.Contains(t, r.do("GET", "/identity/v3/roles/"+r.role("reader")+"/implies", admin, nil).is(200).text, `"admin"`)
	r.do("DELETE", path, admin, nil).is(204)
	r.do("PUT", "/identity/v3/roles/nix/implies/"+r.role("admin"), admin, nil).is(404)
	require.Len(t, r.ask("mia", "mia-secret", project("mia")).is(201).at("token", "roles"), 1)
}

func TestVersionsAndCatalogue(t *testing.T) {
	r := newRig(t)
	r.do("GET", "/identity", "", nil).is(300)
	require.Equal(t, "http://example.com/identity/v3/", r.do("GET", "/identity/v3/", "", nil).is(200).at("version", "links").([]any)[0].(object)["href"])
	admin := r.admin()
	require.Len(t, r.do("GET", "/identity/v3/auth/catalog", admin, nil).is(200).at("catalog"), 3)
	require.Len(t, r.do("GET", "/identity/v3/auth/projects", admin, nil).is(200).at("projects"), 2)
	require.Empty(t, r.do("GET", "/identity/v3/auth/domains", admin, nil).is(200).at("domains"))
	require.Len(t, r.do("GET", "/identity/v3/auth/system", admin, nil).is(200).at("system"), 1)
	require.Empty(t, r.do("GET", "/identity/v3/groups", admin, nil).is(200).at("groups"))
	require.Len(t, r.do("GET", "/identity/v3/regions", admin, nil).is(200).at("regions"), 1)
	require.Equal(t, 200, r.do("HEAD", "/identity/v3/auth/tokens", admin, nil, "X-Subject-Token", admin).StatusCode)
	r.do("GET", "/identity/v3/nix", admin, nil).is(404)
	// A second start changes neither users nor what was made of the catalogue.
	password, err := r.people.Bootstrap(t.Context(), func(string) error { t.Fatal("there is nothing to keep"); return nil })
	require.NoError(t, err)
	require.Empty(t, password)
	r.do("PATCH", "/identity/v3/endpoints/volumev3-admin", admin, object{"endpoint": object{"enabled": false}}).is(200)
	require.NoError(t, r.people.Advertise(t.Context(), "http://other"))
	a := r.do("GET", "/identity/v3/auth/catalog", admin, nil).is(200)
	require.Contains(t, a.text, "http://other/v3/")
	require.NotContains(t, a.text, "volumev3-admin")
}
