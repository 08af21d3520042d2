package v3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/models"
)

const (
	goldID    = "aaaaaaaa-0000-4000-8000-000000000001"
	secretID  = "aaaaaaaa-0000-4000-8000-000000000002"
	sharedID  = "aaaaaaaa-0000-4000-8000-000000000003"
	defaultID = "aaaaaaaa-0000-4000-8000-000000000004"
)

// someTypes are a public type with specs, a private one, a private one that the project may use, and the default type.
func someTypes() *apitest.Operators {
	made := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	return &apitest.Operators{
		Types: []models.VolumeType{
			{ID: goldID, Name: "gold", Description: "fast", IsPublic: true, CreatedAt: made(3), QosSpecsID: "q", ExtraSpecs: map[string]string{
				"volume_backend_name": "lvm", "multiattach": "<is> True", "RESKEY:availability_zones": "nova",
			}},
			{ID: secretID, Name: "secret", CreatedAt: made(2)},
			{ID: sharedID, Name: "shared", CreatedAt: made(1), ExtraSpecs: map[string]string{"volume_backend_name": "GFS"}},
			{ID: defaultID, Name: "__DEFAULT__", IsPublic: true, CreatedAt: made(0)},
		},
		Access: map[string][]string{sharedID: {project}},
		InUse:  map[string]bool{},
	}
}

func TestListTypes(t *testing.T) {
	h := serve(t, someTypes())
	tests := []struct {
		name, who, version, query string
		want                      string
	}{
		{name: "newest first", want: "gold shared __DEFAULT__"},
		{name: "a user", who: user, want: "gold shared __DEFAULT__"},
		{name: "None is all", query: "?is_public=None", want: "gold secret shared __DEFAULT__"},
		{name: "private ones", query: "?is_public=False", want: "secret shared"},
		{name: "public ones, and those the project may use", query: "?is_public=true", want: "gold shared __DEFAULT__"},
		{name: "a user's is_public is passed over", who: user, query: "?is_public=None", want: "gold shared __DEFAULT__"},
		{name: "by name", query: "?sort=name:asc", want: "__DEFAULT__ gold shared"},
		{name: "a page", query: "?limit=1&marker=" + goldID, want: "shared"},
		{name: "no rows", query: "?limit=0", want: ""},
		{name: "by extra specs", version: "3.52", query: "?extra_specs=%7B%27volume_backend_name%27%3A+%27lvm%27%7D", want: "gold"},
		{name: "extra specs before 3.52 are passed over", version: "3.51", query: "?extra_specs=x", want: "gold shared __DEFAULT__"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := exchange{who: tt.who, version: tt.version, path: "/types" + tt.query, status: 200}.run(t, h)
			var got struct {
				Types []struct{ Name string } `json:"volume_types"`
			}
			decode(t, w, &got)
			var names []string
			for _, vt := range got.Types {
				names = append(names, vt.Name)
			}
			require.Equal(t, tt.want, strings.Join(names, " "))
		})
	}
	runAll(t, h, []exchange{
		{name: "a full page links to the next", path: "/types?limit=1", status: 200, has: []string{
			`"volume_type_links":[{"rel":"next","href":"http://example.com/v3/` + project + `/types?limit=1\u0026marker=` + goldID + `"}]`,
		}},
		{name: "unknown marker", path: "/types?marker=x", status: 404},
		{name: "bad limit", path: "/types?limit=-1", status: 400},
		{name: "bad sort key", path: "/types?sort=colour", status: 400},
		{name: "bad is_public", path: "/types?is_public=perhaps", status: 400, has: []string{"Invalid is_public filter [perhaps]"}},
		{name: "bad extra specs", version: "3.52", path: "/types?extra_specs=x", status: 400},
	})
}

func TestShowType(t *testing.T) {
	const asUser = `{"volume_type":{"id":"` + goldID + `","name":"gold","description":"fast","is_public":true,
		"os-volume-type-access:is_public":true,"extra_specs":{"multiattach":"<is> True","RESKEY:availability_zones":"nova"}}}`
	runAll(t, serve(t, someTypes()), []exchange{
		{name: "admin", path: "/types/" + goldID, status: 200, want: `{"volume_type":{"id":"` + goldID + `","name":"gold","description":"fast",
			"is_public":true,"os-volume-type-access:is_public":true,"qos_specs_id":"q",
			"extra_specs":{"multiattach":"<is> True","RESKEY:availability_zones":"nova","volume_backend_name":"lvm"}}}`},
		{name: "user", who: user, path: "/types/" + goldID, status: 200, want: asUser},
		{name: "default", who: user, path: "/types/default", status: 200, has: []string{defaultID, `"description":null`, `"extra_specs":{}`}},
		{name: "admin sees private ones", path: "/types/" + secretID, status: 200, has: []string{`"qos_specs_id":null`}},
		{name: "a user with access", who: user, path: "/types/" + sharedID, status: 200},
		{name: "a user without access", who: user, path: "/types/" + secretID, status: 404},
		{name: "a name is no id", path: "/types/gold", status: 404, has: []string{"Volume type gold could not be found."}},
	})
	none := serve(t, &apitest.Operators{})
	exchange{path: "/types/default", status: 404, has: []string{"Default volume type can not be found."}}.run(t, none)
	named := serve(t, someTypes(), func(s *v3.Settings) { s.DefaultType = "gold" })
	exchange{path: "/types/default", status: 200, has: []string{goldID}}.run(t, named)
}

func TestCreateType(t *testing.T) {
	o := someTypes()
	h := serve(t, o)
	long := strings.Repeat("x", 256)
	many := make([]string, 129)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	runAll(t, h, []exchange{
		{name: "plain", body: `{"volume_type":{"name":" silver "}}`, status: 200, has: []string{`"name":"silver"`, `"os-volume-type-access:is_public":true`}, hasNot: []string{"qos_specs_id"}},
		{name: "as cinderclient sends it", body: `{"volume_type":{"name":"bronze","description":null,"os-volume-type-access:is_public":true}}`, status: 200},
		{
			name: "everything", status: 200, has: []string{`"is_public":false`, `"description":"d"`, `"extra_specs":{"a:b":"c"}`},
			body: `{"volume_type":{"name":"iron","description":"d","extra_specs":{"a:b":"c"},"os-volume-type-access:is_public":"no","more":1}}`,
		},
		{name: "taken", body: `{"volume_type":{"name":"gold"}}`, status: 409, has: []string{"Volume Type gold already exists."}},
		{name: "no name", body: `{"volume_type":{}}`, status: 400},
		{name: "blank name", body: `{"volume_type":{"name":"  "}}`, status: 400},
		{name: "long name", body: `{"volume_type":{"name":"` + long + `"}}`, status: 400},
		{name: "long description", body: `{"volume_type":{"name":"a","description":"` + long + `"}}`, status: 400},
		{name: "bad key", body: `{"volume_type":{"name":"a","extra_specs":{"a b":"c"}}}`, status: 400},
		{name: "bad value", body: `{"volume_type":{"name":"a","extra_specs":{"a":1}}}`, status: 400},
		{name: "long value", body: `{"volume_type":{"name":"a","extra_specs":{"a":"` + long + `"}}}`, status: 400},
		{name: "too many", body: `{"volume_type":{"name":"a","extra_specs":{` + strings.Join(many, ",") + `}}}`, status: 400},
		{name: "bad boolean", body: `{"volume_type":{"name":"a","os-volume-type-access:is_public":"perhaps"}}`, status: 400},
		{name: "no body", status: 400},
		{name: "no root", body: `{"type":{}}`, status: 400},
		{name: "no JSON", body: `{`, status: 400},
	}, func(e *exchange) { e.method, e.path = "POST", "/types" })
	require.Len(t, o.Types, 4+3)
	for _, made := range o.Types[4:] {
		require.NoError(t, uuid.Validate(made.ID))
		require.Equal(t, now, made.CreatedAt)
	}
}

func TestUpdateType(t *testing.T) {
	o := someTypes()
	runAll(t, serve(t, o), []exchange{
		{name: "as cinderclient sends it", path: goldID, body: `{"volume_type":{"name":null,"description":"new"}}`, status: 200, has: []string{`"description":"new"`}},
		{name: "its own name", path: goldID, body: `{"volume_type":{"name":"gold"}}`, status: 200},
		{name: "rename", path: goldID, body: `{"volume_type":{"name":"platinum"}}`, status: 200, has: []string{`"name":"platinum"`, `"description":"new"`}},
		{name: "private", path: goldID, body: `{"volume_type":{"is_public":false}}`, status: 200, has: []string{`"is_public":false`}, hasNot: []string{"os-volume-type-access:is_public", "qos_specs_id"}},
		{name: "empty description", path: goldID, body: `{"volume_type":{"description":""}}`, status: 200, has: []string{`"description":null`}},
		{name: "nothing", path: goldID, body: `{"volume_type":{"name":null,"description":null,"is_public":null}}`, status: 400, has: []string{"or a combination thereof"}},
		{name: "blank name", path: goldID, body: `{"volume_type":{"name":" "}}`, status: 400},
		{name: "taken", path: goldID, body: `{"volume_type":{"name":"secret"}}`, status: 409, has: []string{"Volume Type secret already exists."}},
		{name: "unknown", path: uuid.NewString(), body: `{"volume_type":{"name":"x"}}`, status: 404},
	}, func(e *exchange) { e.method, e.path = "PUT", "/types/"+e.path })
	require.Equal(t, "platinum", o.Types[0].Name)
}

func TestDeleteType(t *testing.T) {
	o := someTypes()
	o.InUse[goldID] = true
	runAll(t, serve(t, o), []exchange{
		{name: "in use", path: goldID, status: 400, has: []string{"Target volume type is still in use."}},
		{name: "default", path: defaultID, status: 400, has: []string{"is the default volume type and cannot be deleted"}},
		{name: "gone", path: secretID, status: 202, wantNoneOfBody: true},
		{name: "gone already", path: secretID, status: 404},
	}, func(e *exchange) { e.method, e.path = "DELETE", "/types/"+e.path })
	require.Len(t, o.Types, 3)
}

func TestExtraSpecs(t *testing.T) {
	o := someTypes()
	h := serve(t, o)
	const specs = "/types/" + goldID + "/extra_specs"
	many := make([]string, 126)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	runAll(t, h, []exchange{
		{name: "admin lists", path: specs, status: 200, want: `{"extra_specs":{"multiattach":"<is> True","RESKEY:availability_zones":"nova","volume_backend_name":"lvm"}}`},
		{name: "user lists", who: user, path: specs, status: 200, want: `{"extra_specs":{"multiattach":"<is> True","RESKEY:availability_zones":"nova"}}`},
		{name: "none", path: "/types/" + secretID + "/extra_specs", status: 200, want: `{"extra_specs":{}}`},
		{name: "one", path: specs + "/volume_backend_name", status: 200, want: `{"volume_backend_name":"lvm"}`},
		{name: "one that a user may see", who: user, path: specs + "/multiattach", status: 200, want: `{"multiattach":"<is> True"}`},
		{name: "one that a user may not see", who: user, path: specs + "/volume_backend_name", status: 404},
		{name: "one that ends like a format", path: specs + "/a.json", status: 404, has: []string{"a.json"}},
		{name: "of a type that a user may not see", who: user, path: "/types/" + secretID + "/extra_specs", status: 404},
		{name: "add", method: "POST", path: specs, body: `{"extra_specs":{"a:b":"c","volume_backend_name":"GFS"}}`, status: 200, want: `{"extra_specs":{"a:b":"c","volume_backend_name":"GFS"}}`},
		{name: "added", path: specs, status: 200, has: []string{`"a:b":"c"`, `"volume_backend_name":"GFS"`, `"multiattach"`}},
		{name: "null is empty", method: "POST", path: specs, body: `{"extra_specs":{"n":null}}`, status: 200},
		{name: "set", method: "PUT", path: specs + "/a:b", body: `{"a:b":"d"}`, status: 200, want: `{"a:b":"d"}`},
		{name: "set an escaped key", method: "PUT", path: specs + "/a%3Ab", body: `{"a:b":"e"}`, status: 200},
		{name: "another key than the path's", method: "PUT", path: specs + "/a:b", body: `{"c":"d"}`, status: 400},
		{name: "two keys", method: "PUT", path: specs + "/a", body: `{"a":"d","b":"d"}`, status: 400},
		{name: "bad value", method: "PUT", path: specs + "/a", body: `{"a":{}}`, status: 400},
		{name: "bad key", method: "PUT", path: specs + "/a%20b", body: `{"a b":"c"}`, status: 400},
		{name: "no specs", method: "POST", path: specs, body: `{}`, status: 400},
		{name: "too many", method: "POST", path: specs, body: `{"extra_specs":{` + strings.Join(many, ",") + `}}`, status: 400},
		{name: "delete", method: "DELETE", path: specs + "/a:b", status: 202, wantNoneOfBody: true},
		{name: "deleted already", method: "DELETE", path: specs + "/a:b", status: 404, has: []string{"has no extra specs with key a:b"}},
		{name: "unknown type", method: "DELETE", path: "/types/x/extra_specs/a", status: 404},
	})
	require.Equal(t, map[string]string{
		"multiattach": "<is> True", "RESKEY:availability_zones": "nova", "volume_backend_name": "GFS", "n": "",
	}, o.Types[0].ExtraSpecs)
}

// Volumes were placed by the specs that a type had: changing them under a volume is refused, unless the operator allows it.
func TestExtraSpecsOfTypeInUse(t *testing.T) {
	o := someTypes()
	o.InUse[goldID] = true
	const specs = "/types/" + goldID + "/extra_specs"
	writes := []exchange{
		{name: "add", method: "POST", path: specs, body: `{"extra_specs":{"a":"b"}}`},
		{name: "set", method: "PUT", path: specs + "/a", body: `{"a":"c"}`},
		{name: "delete", method: "DELETE", path: specs + "/a"},
	}
	runAll(t, serve(t, o), writes, func(e *exchange) { e.status, e.has = 400, []string{"Volume Type is currently in use."} })
	require.NotContains(t, o.Types[0].ExtraSpecs, "a")
	allowed := serve(t, o, func(s *v3.Settings) { s.AllowInUseTypes = true })
	runAll(t, allowed, writes, func(e *exchange) {
		if e.status = 200; e.method == "DELETE" {
			e.status = 202
		}
	})
}

func TestTypeAccess(t *testing.T) {
	o := someTypes()
	h := serve(t, o)
	const access, action = "/types/" + sharedID + "/os-volume-type-access", "/types/" + sharedID + "/action"
	add := `{"addProjectAccess":{"project":"` + other + `"}}`
	remove := `{"removeProjectAccess":{"project":"` + other + `"}}`
	runAll(t, h, []exchange{
		{name: "list", path: access, status: 200, want: `{"volume_type_access":[{"volume_type_id":"` + sharedID + `","project_id":"` + project + `"}]}`},
		{name: "nobody", path: "/types/" + secretID + "/os-volume-type-access", status: 200, want: `{"volume_type_access":[]}`},
		{name: "of a public type", path: "/types/" + goldID + "/os-volume-type-access", status: 404, has: []string{"Access list not available for public volume types."}},
		{name: "of none", path: "/types/x/os-volume-type-access", status: 404},
		{name: "add", method: "POST", path: action, body: add, status: 202, wantNoneOfBody: true},
		{name: "added", path: access, status: 200, has: []string{other}},
		{name: "add again", method: "POST", path: action, body: add, status: 409, has: []string{"combination already exists"}},
		{name: "remove", method: "POST", path: action, body: remove, status: 202, wantNoneOfBody: true},
		{name: "remove again", method: "POST", path: action, body: remove, status: 404, has: []string{"Volume type access not found for"}},
		{name: "to a public type", method: "POST", path: "/types/" + goldID + "/action", body: add, status: 400, has: []string{"not applicable to public volume type"}},
		{name: "to none", method: "POST", path: "/types/x/action", body: add, status: 404},
		{name: "two actions", method: "POST", path: action, body: `{"addProjectAccess":{},"removeProjectAccess":{}}`, status: 400},
		{name: "unknown action", method: "POST", path: action, body: `{"dance":{}}`, status: 400},
		{name: "no argument", method: "POST", path: action, body: `{"addProjectAccess":null}`, status: 400},
		{name: "no project", method: "POST", path: action, body: `{"addProjectAccess":{}}`, status: 400},
		{name: "long project", method: "POST", path: action, body: `{"addProjectAccess":{"project":"` + strings.Repeat("x", 256) + `"}}`, status: 400},
		{name: "more keys", method: "POST", path: action, body: `{"addProjectAccess":{"project":"p","more":1}}`, status: 400},
	})
	require.Equal(t, []string{project}, o.Access[sharedID])
	require.Equal(t, http.StatusOK, exchange{who: user, path: "/types/" + sharedID, status: 200}.run(t, h).Code)
}
