package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/models"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 123456000, time.UTC)

func TestShowVolume(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{
		ID: uuidOf(1), UserID: "mia", Name: `quo"te`, SizeGiB: 2, Host: "h@lvm#pool", Bootable: true, CreatedAt: noon,
		Metadata: map[string]string{"a": "1"}, MigrationStatus: "success",
	})
	url := volumes + "/" + v.ID
	got := rig.Do(t, "GET", url, nil).Is(200).At("volume").(map[string]any)
	require.Equal(t, map[string]any{
		"id": v.ID, "name": `quo"te`, "description": nil, "status": "available", "size": 2.0, "availability_zone": nil,
		"created_at": "2026-01-02T12:00:00.123456", "updated_at": "2026-01-02T12:00:00.123456", "volume_type": "gold",
		"snapshot_id": nil, "source_volid": nil, "metadata": map[string]any{"a": "1"}, "user_id": "mia", "bootable": "true",
		"encrypted": false, "replication_status": nil, "consistencygroup_id": nil, "multiattach": false, "attachments": []any{},
		"os-vol-tenant-attr:tenant_id": apitest.Project,
		"links": []any{
			map[string]any{"rel": "self", "href": "http://example.com/v3/" + apitest.Project + "/volumes/" + v.ID},
			map[string]any{"rel": "bookmark", "href": "http://example.com/" + apitest.Project + "/volumes/" + v.ID},
		},
	}, got)

	rig.Do(t, "GET", url, nil, apitest.Call{Token: apitest.Other}).Is(400)
	rig.Do(t, "GET", "/v3/volumes/"+v.ID, nil, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
	require.Contains(t, rig.Do(t, "GET", volumes+"/"+uuidOf(99), nil).Refused(404, "itemNotFound"), "volume "+uuidOf(99)+" could not be found")
	rig.Do(t, "GET", volumes+"/nonsense", nil).Refused(404, "itemNotFound")
}

// Where a volume is, whose it is and where it moves are shown by GET alone: clients that hold answers against Cinder's schemas, as
// Tempest does, refuse them elsewhere.
func TestChangesAnswerWithoutExtensions(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Host: "h@lvm#pool"})
	as := apitest.Call{Token: apitest.Admin, Version: "3.71"}
	url := volumes + "/" + v.ID
	extended := []string{"os-vol-host-attr:host", "os-vol-mig-status-attr:migstat", "os-vol-mig-status-attr:name_id", "os-vol-tenant-attr:tenant_id"}
	shown := rig.Do(t, "GET", url, nil, as).Is(200).At("volume").(map[string]any)
	for _, k := range extended {
		require.Contains(t, shown, k)
	}
	for _, got := range []any{
		rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, as).Is(202).At("volume"),
		rig.Do(t, "PUT", url, `{"volume":{"name":"n"}}`, as).Is(200).At("volume"),
	} {
		for _, k := range extended {
			require.NotContains(t, got, k)
		}
		require.Contains(t, got, "migration_status")
	}
}

func TestFieldsByMicroversion(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Host: "h@lvm#pool", Encrypted: true})
	for _, c := range []struct {
		field string
		since int
		admin bool
	}{
		{"group_id", 13, false},
		{"provider_id", 21, true},
		{"shared_targets", 48, false},
		{"service_uuid", 48, false},
		{"cluster_name", 61, true},
		{"volume_type_id", 63, false},
		{"encryption_key_id", 64, false},
		{"consumes_quota", 65, false},
		{"os-vol-host-attr:host", 0, true},
		{"os-vol-mig-status-attr:migstat", 0, true},
		{"os-vol-mig-status-attr:name_id", 0, true},
		{"migration_status", 0, true},
	} {
		for _, token := range []string{apitest.Member, apitest.Admin} {
			for _, minor := range []int{c.since - 1, c.since, 71} {
				if minor < 0 {
					continue
				}
				got := rig.Do(t, "GET", volumes+"/"+v.ID, nil, apitest.Call{Token: token, Version: fmt.Sprintf("3.%d", minor)}).Is(200).At("volume").(map[string]any)
				want := minor >= c.since && (!c.admin || token == apitest.Admin)
				_, has := got[c.field]
				require.Equal(t, want, has, "%s at 3.%d for %s", c.field, minor, token)
			}
		}
	}
}

func TestHiddenStatuses(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Status: models.VolumeManaging, Readonly: true, ReadonlySet: true})
	got := rig.Do(t, "GET", volumes+"/"+v.ID, nil).At("volume").(map[string]any)
	require.Equal(t, "creating", got["status"])
	require.Equal(t, map[string]any{"readonly": "True"}, got["metadata"])
}

func fill(rig *apitest.Rig, n int) {
	for i := range n {
		rig.Store.Put(models.Volume{
			ID: uuidOf(i + 1), Name: fmt.Sprintf("v%02d", i), SizeGiB: int64(n - i), CreatedAt: noon.Add(time.Duration(i) * time.Minute),
			Metadata: map[string]string{"n": fmt.Sprint(i % 2), "it's": "q"},
		})
	}
	rig.Store.Put(models.Volume{ID: uuidOf(500), ProjectID: "0123456789abcdef0123456789abcdef", Name: "foreign", CreatedAt: noon})
}

func names(a *apitest.Answer) string {
	var out []string
	for _, v := range a.Is(200).JSON()["volumes"].([]any) {
		out = append(out, v.(map[string]any)["name"].(string))
	}
	return strings.Join(out, " ")
}

func TestPagesAndOrder(t *testing.T) {
	rig := apitest.New(t)
	fill(rig, 5)
	for query, want := range map[string]string{
		"":                                "v04 v03 v02 v01 v00",
		"?sort=name:asc":                  "v00 v01 v02 v03 v04",
		"?sort=name":                      "v04 v03 v02 v01 v00",
		"?sort=size:asc,id:desc":          "v04 v03 v02 v01 v00",
		"?sort_key=display_name":          "v04 v03 v02 v01 v00",
		"?sort_key=name&sort_dir=asc":     "v00 v01 v02 v03 v04",
		"?sort_dir=asc":                   "v00 v01 v02 v03 v04",
		"?limit=2":                        "v04 v03",
		"?limit=0":                        "",
		"?limit=2&offset=1":               "v03 v02",
		"?limit=2&marker=" + uuidOf(4):    "v02 v01",
		"?limit=5000&sort=created_at:asc": "v00 v01 v02 v03 v04",
	} {
		require.Equal(t, want, names(rig.Do(t, "GET", volumes+query, nil)), query)
		require.Equal(t, want, names(rig.Do(t, "GET", volumes+"/detail"+query, nil)), query)
	}
	for _, bad := range []string{
		"limit=-1", "limit=x", "limit=1.5", "offset=-1", "offset=x", "offset=2147483648", "sort=name:up", "sort=nothing", "sort_key=nothing",
		"sort=name&sort_key=name", "sort=name&sort_dir=asc", "sort_dir=sideways",
	} {
		rig.Do(t, "GET", volumes+"?"+bad, nil).Refused(400, "badRequest")
	}
	rig.Do(t, "GET", volumes+"?marker="+uuidOf(77), nil).Refused(404, "itemNotFound")
}

func TestNextLinkWalksAll(t *testing.T) {
	rig := apitest.New(t)
	fill(rig, 5)
	next, seen := volumes+"/detail?limit=2&sort=name:asc&status=available", ""
	for pages := 0; next != ""; pages++ {
		require.Less(t, pages, 4)
		a := rig.Do(t, "GET", next, nil)
		seen += names(a) + " "
		next = ""
		if links, ok := a.JSON()["volumes_links"].([]any); ok {
			link := links[0].(map[string]any)
			require.Equal(t, "next", link["rel"])
			next = link["href"].(string)
			require.Contains(t, next, "sort=name%3Aasc")
			require.Contains(t, next, "status=available")
		}
	}
	require.Equal(t, "v00 v01 v02 v03 v04 ", seen)
}

func TestBriefListAndCount(t *testing.T) {
	rig := apitest.New(t)
	fill(rig, 3)
	a := rig.Do(t, "GET", volumes+"?limit=1&with_count=true", nil, apitest.Call{Version: "3.45"}).Is(200)
	require.EqualValues(t, 3, a.At("count"))
	brief := a.JSON()["volumes"].([]any)[0].(map[string]any)
	require.Len(t, brief, 3, "id, name, links")
	require.NotContains(t, rig.Do(t, "GET", volumes+"?with_count=true", nil, apitest.Call{Version: "3.44"}).Is(200).JSON(), "count")
	rig.Do(t, "GET", volumes+"?with_count=perhaps", nil, apitest.Call{Version: "3.45"}).Refused(400, "badRequest")
}

func TestFilters(t *testing.T) {
	rig := apitest.New(t)
	fill(rig, 4)
	rig.Store.Put(models.Volume{ID: uuidOf(20), Name: "odd", Status: models.VolumeError, Bootable: true, CreatedAt: noon.Add(-time.Hour), Host: "h@b#p", SizeGiB: 50})
	for _, c := range []struct{ query, version, want string }{
		{"name=v01", "", "v01"},
		{"display_name=v01", "", "v01"},
		{"status=error", "", "odd"},
		{"status=error&status=available&limit=2", "", "v03 v02"},
		{"size=50", "", "odd"},
		{"bootable=True", "", "odd"},
		{"bootable=1", "3.2", "odd"},
		{"metadata=" + url.QueryEscape(`{'n': '1'}`), "", "v03 v01"},
		{"metadata=" + url.QueryEscape(`{"n": "1"}`), "", "v03 v01"},
		{"metadata=" + url.QueryEscape(`{u'it\'s': "q", 'n': '0'}`), "", "v02 v00"},
		{"nonsense=1&host=x", "3.30", "v03 v02 v01 v00 odd"},
		{"name~=v0", "3.34", "v03 v02 v01 v00"},
		{"name~=v0", "3.30", "v03 v02 v01 v00 odd"},
		{"name=", "3.71", "v03 v02 v01 v00 odd"},
		{"created_at=" + url.QueryEscape("gt:2026-01-02T12:00:30,lt:2026-01-02T12:02:30"), "3.60", "v02 v01"},
		{"created_at=" + url.QueryEscape("lt:2026-01-02"), "3.60", ""},
		{"created_at=2026-01-02T12:01:00.123456", "", "v01"},
		{"updated_at=" + url.QueryEscape("gte:2026-01-02T12:03:00Z"), "3.60", "v03"},
		{"all_tenants=1&limit=1", "", "v03"},
	} {
		require.Equal(t, c.want, names(rig.Do(t, "GET", volumes+"?"+c.query, nil, apitest.Call{Version: c.version})), c.query)
	}
	for _, c := range [][2]string{
		{"nonsense=1", "3.31"},
		{"host=h", "3.31"},
		{"name~=v", "3.31"},
		{"size~=1", "3.34"},
		{"size=x", ""},
		{"metadata=x", ""},
		{"metadata={'a'}", ""},
		{"bootable=x", "3.2"},
		{"created_at=yesterday", ""},
		{"created_at=gt:x", "3.60"},
	} {
		rig.Do(t, "GET", volumes+"?"+c[0], nil, apitest.Call{Version: c[1]}).Refused(400, "badRequest")
	}
}

func TestAdminFilters(t *testing.T) {
	rig := apitest.New(t)
	fill(rig, 2)
	rig.Store.Put(models.Volume{ID: uuidOf(20), Name: "placed", CreatedAt: noon.Add(-time.Hour), Host: "h@b#p"})
	for query, want := range map[string]string{
		"":                            "v01 v00 placed",
		"all_tenants=1&sort=name:asc": "foreign placed v00 v01",
		"all_tenants=0":               "v01 v00 placed",
		"host=h@b%23p":                "placed",
		"all_tenants=1&project_id=0123456789abcdef0123456789abcdef": "foreign",
		"all_tenants=1&tenant_id=0123456789abcdef0123456789abcdef":  "foreign",
		"project_id=0123456789abcdef0123456789abcdef":               "",
	} {
		require.Equal(t, want, names(rig.Do(t, "GET", volumes+"?"+query, nil, apitest.Call{Token: apitest.Admin, Version: "3.71"})), query)
	}
	rig.Do(t, "GET", volumes+"?all_tenants=x", nil, apitest.Call{Token: apitest.Admin}).Refused(400, "badRequest")
	rig.Do(t, "GET", volumes+"?nonsense=1", nil, apitest.Call{Token: apitest.Admin, Version: "3.31"}).Refused(400, "badRequest")
}

func TestSummary(t *testing.T) {
	rig := apitest.New(t)
	fill(rig, 3)
	sum := rig.Do(t, "GET", volumes+"/summary", nil, apitest.Call{Version: "3.12"}).Is(200).At("volume-summary")
	require.Equal(t, map[string]any{"total_count": 3.0, "total_size": 6.0}, sum)
	sum = rig.Do(t, "GET", volumes+"/summary?name=v00", nil, apitest.Call{Version: "3.36"}).At("volume-summary")
	require.Equal(t, map[string]any{"total_count": 1.0, "total_size": 3.0, "metadata": map[string]any{"n": []any{"0"}, "it's": []any{"q"}}}, sum)
	sum = rig.Do(t, "GET", volumes+"/summary?name=none", nil, apitest.Call{Version: "3.36"}).At("volume-summary")
	require.Equal(t, map[string]any{"total_count": 0.0, "total_size": 0.0, "metadata": map[string]any{}}, sum)
}

func TestUpdateVolume(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "old", Description: "old", Metadata: map[string]string{"a": "1"}})
	at := volumes + "/" + v.ID
	got := rig.Do(t, "PUT", at, `{"volume":{"name":" new ","metadata":{"b":"2"},"size":7}}`).Is(200).At("volume").(map[string]any)
	require.Equal(t, "new", got["name"])
	require.Equal(t, "old", got["description"])
	require.EqualValues(t, 1, got["size"], "unknown keys are dropped before 3.53")
	require.Equal(t, map[string]any{"b": "2"}, got["metadata"])
	got = rig.Do(t, "PUT", at, `{"volume":{"display_description":"","description":"d"}}`, apitest.Call{Version: "3.53"}).Is(200).At("volume").(map[string]any)
	require.Equal(t, "d", got["description"])

	rig.Do(t, "PUT", at, `{"volume":{}}`).Is(200)
	rig.Do(t, "PUT", at, `{"volume":{}}`, apitest.Call{Version: "3.53"}).Refused(400, "badRequest")
	rig.Do(t, "PUT", at, `{"volume":{"size":7}}`, apitest.Call{Version: "3.53"}).Refused(400, "badRequest")
	rig.Do(t, "PUT", at, `{"volume":{"name":"`+strings.Repeat("x", 256)+`"}}`).Refused(400, "badRequest")
	rig.Do(t, "PUT", at, `{"volume":{"metadata":`+pairs(129)+`}}`).Refused(413, "overLimit")
	rig.Do(t, "PUT", volumes+"/"+uuidOf(9), `{"volume":{"name":"x"}}`).Refused(404, "itemNotFound")
	rig.Do(t, "PUT", "/v3/volumes/"+v.ID, `{"volume":{"name":"x"}}`, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
	v.Status = models.VolumeMaintenance
	rig.Store.Put(v)
	rig.Do(t, "PUT", at, `{"volume":{"name":"x"}}`).Refused(400, "badRequest")
}
