package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const snapshots = "/v3/" + apitest.Project + "/snapshots"

// snapshotOf puts a volume and a snapshot of it.
func snapshotOf(rig *apitest.Rig, n models.Snapshot) (models.Volume, models.Snapshot) {
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", SizeGiB: 2, Host: "h@lvm#p", ProviderLocation: "loc", AvailabilityZone: "nova"})
	n.VolumeID = v.ID
	if n.ID == "" {
		n.ID = uuidOf(100)
	}
	if n.SizeGiB == 0 {
		n.SizeGiB = 2
	}
	return v, rig.Store.PutSnapshot(n)
}

func TestShowSnapshot(t *testing.T) {
	rig := apitest.New(t)
	_, n := snapshotOf(rig, models.Snapshot{Name: "s1", UserID: "mia", CreatedAt: noon, Metadata: map[string]string{"a": "1"}, Progress: "100%"})
	base := map[string]any{
		"id": n.ID, "name": "s1", "description": nil, "status": "available", "size": 2.0, "volume_id": uuidOf(1), "metadata": map[string]any{"a": "1"},
		"created_at": "2026-01-02T12:00:00.123456", "updated_at": "2026-01-02T12:00:00.123456",
	}
	with := func(more map[string]any) map[string]any {
		all := map[string]any{}
		for _, m := range []map[string]any{base, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	extended := map[string]any{"os-extended-snapshot-attributes:project_id": apitest.Project, "os-extended-snapshot-attributes:progress": "100%"}
	require.Equal(t, with(extended), rig.Do(t, "GET", snapshots+"/"+n.ID, nil).Is(200).At("snapshot"))
	require.Equal(t, with(extended), rig.Do(t, "GET", snapshots+"/detail", nil).Is(200).JSON()["snapshots"].([]any)[0])
	require.Equal(t, base, rig.Do(t, "GET", snapshots, nil, apitest.Call{Version: "3.71"}).Is(200).JSON()["snapshots"].([]any)[0], "a list without details stays brief")

	for _, c := range []struct {
		field string
		since int
		want  any
	}{{"group_snapshot_id", 14, nil}, {"user_id", 41, "mia"}, {"consumes_quota", 65, true}} {
		for _, minor := range []int{c.since - 1, c.since, 71} {
			got := rig.Do(t, "GET", snapshots+"/"+n.ID, nil, apitest.Call{Version: fmt.Sprintf("3.%d", minor)}).Is(200).At("snapshot").(map[string]any)
			value, has := got[c.field]
			require.Equal(t, minor >= c.since, has, "%s at 3.%d", c.field, minor)
			if has {
				require.Equal(t, c.want, value)
			}
		}
	}

	rig.Do(t, "GET", "/v3/snapshots/"+n.ID, nil, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
	require.Contains(t, rig.Do(t, "GET", snapshots+"/"+uuidOf(9), nil).Refused(404, "itemNotFound"), "snapshot "+uuidOf(9)+" could not be found")
	rig.Do(t, "GET", snapshots+"/nonsense", nil).Refused(404, "itemNotFound")
}

func fillSnapshots(rig *apitest.Rig, count int) {
	for i := range count {
		snapshotOf(rig, models.Snapshot{
			ID: uuidOf(100 + i), Name: fmt.Sprintf("s%02d", i), SizeGiB: int64(count - i), CreatedAt: noon.Add(time.Duration(i) * time.Minute),
			Metadata: map[string]string{"n": fmt.Sprint(i % 2)},
		})
	}
	rig.Store.PutSnapshot(models.Snapshot{ID: uuidOf(500), ProjectID: "0123456789abcdef0123456789abcdef", Name: "foreign", VolumeID: uuidOf(2), CreatedAt: noon})
}

func snapshotNames(a *apitest.Answer) string {
	var out []string
	for _, v := range a.Is(200).JSON()["snapshots"].([]any) {
		out = append(out, v.(map[string]any)["name"].(string))
	}
	return strings.Join(out, " ")
}

func TestSnapshotPages(t *testing.T) {
	rig := apitest.New(t)
	fillSnapshots(rig, 5)
	for query, want := range map[string]string{
		"":                               "s04 s03 s02 s01 s00",
		"?sort=display_name:asc":         "s00 s01 s02 s03 s04",
		"?sort=size:asc,id:desc":         "s04 s03 s02 s01 s00",
		"?sort_key=volume_size":          "s00 s01 s02 s03 s04",
		"?sort_dir=asc":                  "s00 s01 s02 s03 s04",
		"?limit=2":                       "s04 s03",
		"?limit=0":                       "",
		"?limit=2&offset=1":              "s03 s02",
		"?limit=2&marker=" + uuidOf(103): "s02 s01",
	} {
		require.Equal(t, want, snapshotNames(rig.Do(t, "GET", snapshots+query, nil)), query)
		require.Equal(t, want, snapshotNames(rig.Do(t, "GET", snapshots+"/detail"+query, nil)), query)
	}
	for _, bad := range []string{"limit=-1", "limit=x", "offset=-1", "sort=nothing", "sort=id:up", "sort=id&sort_key=id"} {
		rig.Do(t, "GET", snapshots+"?"+bad, nil).Refused(400, "badRequest")
	}
	rig.Do(t, "GET", snapshots+"?marker="+uuidOf(77), nil).Refused(404, "itemNotFound")
	rig.Do(t, "GET", snapshots+"?sort=name", nil, apitest.Call{Version: "3.29"}).Refused(400, "badRequest")
	require.Equal(t, "s00 s01 s02 s03 s04", snapshotNames(rig.Do(t, "GET", snapshots+"?sort=name:asc", nil, apitest.Call{Version: "3.30"})))

	seen, next := "", snapshots+"/detail?limit=2&status=available"
	for next != "" {
		a := rig.Do(t, "GET", next, nil)
		seen += snapshotNames(a) + " "
		next = ""
		if links, ok := a.JSON()["snapshots_links"].([]any); ok {
			next = links[0].(map[string]any)["href"].(string)
			require.Contains(t, next, "status=available")
		}
	}
	require.Equal(t, "s04 s03 s02 s01 s00 ", seen)
	require.EqualValues(t, 5, rig.Do(t, "GET", snapshots+"?limit=1&with_count=true", nil, apitest.Call{Version: "3.45"}).Is(200).At("count"))
	require.NotContains(t, rig.Do(t, "GET", snapshots+"?with_count=true", nil, apitest.Call{Version: "3.44"}).Is(200).JSON(), "count")
}

func TestSnapshotFilters(t *testing.T) {
	rig := apitest.New(t)
	fillSnapshots(rig, 3)
	rig.Store.PutSnapshot(models.Snapshot{ID: uuidOf(120), Name: "odd", VolumeID: uuidOf(3), Status: models.SnapshotError, CreatedAt: noon.Add(-time.Hour)})
	for _, c := range []struct{ query, version, want string }{
		{"name=s01", "", "s01"},
		{"display_name=s01", "", "s01"},
		{"status=error", "", "odd"},
		{"volume_id=" + uuidOf(3), "", "odd"},
		{"availability_zone=nova", "", "s02 s01 s00"},
		{"metadata=" + url.QueryEscape(`{'n': '1'}`), "3.22", "s01"},
		{"metadata=" + url.QueryEscape(`{'n': '1'}`), "3.21", "s02 s01 s00 odd"},
		{"metadata=x", "3.21", "s02 s01 s00 odd"},
		{"nonsense=1&user_id=x", "3.30", "s02 s01 s00 odd"},
		{"name~=s0", "3.34", "s02 s01 s00"},
		{"consumes_quota=true&limit=1", "3.65", "s02"},
		{"created_at=" + url.QueryEscape("lt:2026-01-02T12:00:00"), "3.60", "odd"},
		{"all_tenants=1&limit=1", "", "s02"},
	} {
		require.Equal(t, c.want, snapshotNames(rig.Do(t, "GET", snapshots+"?"+c.query, nil, apitest.Call{Version: c.version})), c.query)
	}
	for _, c := range [][2]string{
		{"nonsense=1", "3.31"},
		{"user_id=x", "3.31"},
		{"size=1", "3.31"},
		{"size~=1", "3.34"},
		{"metadata=x", "3.22"},
		{"consumes_quota=x", "3.65"},
		{"created_at=yesterday", ""},
	} {
		rig.Do(t, "GET", snapshots+"?"+c[0], nil, apitest.Call{Version: c[1]}).Refused(400, "badRequest")
	}
	for query, want := range map[string]string{
		"all_tenants=1&sort=name:asc":                               "foreign odd s00 s01 s02",
		"all_tenants=1&project_id=0123456789abcdef0123456789abcdef": "foreign",
		"size=2": "s01",
	} {
		require.Equal(t, want, snapshotNames(rig.Do(t, "GET", snapshots+"?"+query, nil, apitest.Call{Token: apitest.Admin, Version: "3.71"})), query)
	}
}

func TestCreateSnapshot(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", SizeGiB: 3, Host: "h@lvm#p"})
	a := rig.Do(t, "POST", snapshots, `{"snapshot":{"volume_id":"`+v.ID+`","name":" s1 ","description":"d","metadata":{"k":"v"},"force":"True"}}`).Is(202)
	n := a.At("snapshot").(map[string]any)
	require.Equal(t, []any{"creating", "s1", "d", 3.0, v.ID}, []any{n["status"], n["name"], n["description"], n["size"], n["volume_id"]})
	require.NotContains(t, n, "os-extended-snapshot-attributes:progress")
	s := rig.Engine.Started[0]
	in := s.Input.(flow.SnapshotCreateInput)
	require.Equal(t, a.Header.Get("Clinker-Flow"), s.Header.FlowID)
	require.Equal(t, flow.ID(flow.SnapshotCreate, n["id"].(string), s.Header.RequestID), s.Header.FlowID)
	require.Equal(t, []string{"snapshot", "h@lvm", "create snapshot s1 of volume db"}, []string{s.Kind, s.Backend, s.Header.Summary})
	require.Equal(t, flow.SnapshotCreateTasks(), in.Tasks)
	require.True(t, in.InUse)
	require.WithinDuration(t, time.Now().Add(8*time.Second), in.AcceptBy, 2*time.Second)
	require.Equal(t, "mia", rig.Do(t, "POST", snapshots, `{"snapshot":{"volume_id":"`+v.ID+`"}}`, apitest.Call{Version: "3.41"}).Is(202).At("snapshot", "user_id"))
	require.False(t, rig.Engine.Started[1].Input.(flow.SnapshotCreateInput).InUse)
	require.Equal(t, "create snapshot "+rig.Engine.Started[1].Header.ResourceID+" of volume db", rig.Engine.Started[1].Header.Summary)
}

// A snapshot of an attached volume needs force; from 3.66 it needs none, and force=false can't be kept.
func TestCreateSnapshotInUse(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Status: models.VolumeInUse})
	for _, c := range []struct {
		force, version string
		code           int
	}{
		{"", "", 400},
		{"false", "", 400},
		{`"no"`, "3.65", 400},
		{"true", "", 202},
		{`"1"`, "3.65", 202},
		{"null", "3.65", 400},
		{"", "3.66", 202},
		{"null", "3.66", 202},
		{"true", "3.66", 202},
		{"false", "3.66", 400},
		{`"off"`, "3.71", 400},
		{`"maybe"`, "", 400},
	} {
		force := ""
		if c.force != "" {
			force = `,"force":` + c.force
		}
		a := rig.Do(t, "POST", snapshots, `{"snapshot":{"volume_id":"`+v.ID+`"`+force+`}}`, apitest.Call{Version: c.version})
		require.Equal(t, c.code, a.Code, "force %s at %s: %s", c.force, c.version, a.Body)
	}
}

func TestCreateSnapshotRefuses(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	long := strings.Repeat("ä", 256)
	for _, c := range []struct {
		body string
		code int
		says string
	}{
		{`{}`, 400, "volume_id is needed"},
		{`{"volume_id":null}`, 404, "volume null could not be found"},
		{`{"volume_id":"x"}`, 400, "not a uuid"},
		{`{"volume_id":"` + uuidOf(9) + `"}`, 404, "volume " + uuidOf(9) + " could not be found"},
		{`{"volume_id":"` + v.ID + `","name":"` + long + `"}`, 400, "256 characters"},
		{`{"volume_id":"` + v.ID + `","description":"` + long + `"}`, 400, "256 characters"},
		{`{"volume_id":"` + v.ID + `","metadata":{"a":1}}`, 400, "must be a string"},
		{`{"volume_id":"` + v.ID + `","metadata":` + pairs(129) + `}`, 413, "at most 128"},
		{`{"volume_id":"` + v.ID + `","sice":1}`, 400, "snapshot.sice is not known"},
	} {
		word := map[int]string{400: "badRequest", 404: "itemNotFound", 413: "overLimit"}[c.code]
		require.Contains(t, rig.Do(t, "POST", snapshots, `{"snapshot":`+c.body+`}`).Refused(c.code, word), c.says)
	}
	for _, bad := range []string{``, `{}`, `[]`, `{"snapshot":null}`, `{"snapshot":[]}`, `{"snapshot":{"volume_id":"` + v.ID + `"},"more":1}`} {
		rig.Do(t, "POST", snapshots, bad).Refused(400, "badRequest")
	}
	rig.Do(t, "POST", "/v3/snapshots", `{"snapshot":{"volume_id":"`+v.ID+`"}}`, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
	require.Empty(t, rig.Store.Snapshots)
	require.Empty(t, rig.Engine.Started)
	for typ, code := range map[flow.ErrorType]int{
		flow.ErrInvalidStatus: 400, flow.ErrNotSupported: 400, flow.ErrNotFound: 404, flow.ErrConflict: 409, flow.ErrOverQuota: 413, flow.ErrAbandoned: 503,
	} {
		rig.Engine.Refuse = &flow.Error{Type: typ, Message: "SnapshotLimitExceeded: said so"}
		a := rig.Do(t, "POST", snapshots, `{"snapshot":{"volume_id":"`+v.ID+`"}}`).Is(code)
		require.Contains(t, string(a.Body), "said so")
	}
	rig.Engine.Refuse, rig.Engine.Away = nil, true
	rig.Do(t, "POST", snapshots, `{"snapshot":{"volume_id":"`+v.ID+`"}}`).Refused(503, "serviceUnavailable")
	require.Equal(t, map[models.FlowState]int{models.FlowAbandoned: 1}, rig.Store.FlowStates())
}

func TestSnapshotKeys(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	body := `{"snapshot":{"volume_id":"` + v.ID + `"}}`
	first := rig.Do(t, "POST", snapshots, body, keyed("k")).Is(202)
	again := rig.Do(t, "POST", snapshots, body, keyed("k")).Is(202)
	require.Equal(t, first.At("snapshot", "id"), again.At("snapshot", "id"))
	require.Equal(t, first.Header.Get("Clinker-Flow"), again.Header.Get("Clinker-Flow"))
	require.Len(t, rig.Store.Snapshots, 1)
	// A key belongs to one request, on one path.
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Refused(409, "conflictingRequest")
	rig.Engine.Refuse = &flow.Error{Type: flow.ErrInvalid, Message: "no"}
	rig.Do(t, "POST", snapshots, body, keyed("k2")).Is(400)
	require.Len(t, rig.Store.Keys, 1, "a refused request gives its key back")
}

func TestUpdateSnapshot(t *testing.T) {
	rig := apitest.New(t)
	_, n := snapshotOf(rig, models.Snapshot{Name: "old", Description: "old"})
	at := snapshots + "/" + n.ID
	got := rig.Do(t, "PUT", at, `{"snapshot":{"name":" new "}}`).Is(200).At("snapshot").(map[string]any)
	require.Equal(t, []any{"new", "old"}, []any{got["name"], got["description"]})
	got = rig.Do(t, "PUT", at, `{"snapshot":{"display_description":"d"}}`).Is(200).At("snapshot").(map[string]any)
	require.Equal(t, []any{"new", "d"}, []any{got["name"], got["description"]})
	for _, bad := range []string{`{}`, `{"snapshot":{}}`, `{"snapshot":{"size":1}}`, `{"snapshot":{"name":5}}`, `{"snapshot":{"name":"` + strings.Repeat("x", 256) + `"}}`} {
		rig.Do(t, "PUT", at, bad).Refused(400, "badRequest")
	}
	rig.Do(t, "PUT", snapshots+"/"+uuidOf(9), `{"snapshot":{"name":"x"}}`).Refused(404, "itemNotFound")
	rig.Do(t, "PUT", "/v3/snapshots/"+n.ID, `{"snapshot":{"name":"x"}}`, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
}

func TestSnapshotMetadata(t *testing.T) {
	rig := apitest.New(t)
	_, n := snapshotOf(rig, models.Snapshot{})
	at := snapshots + "/" + n.ID + "/metadata"
	meta := func(a *apitest.Answer) any { return a.Is(200).At("metadata") }
	require.Equal(t, map[string]any{}, meta(rig.Do(t, "GET", at, nil, apitest.Call{Version: "3.15"})))
	require.Equal(t, map[string]any{"a": "1", "b": "2"}, meta(rig.Do(t, "POST", at, `{"metadata":{"a":"1","b":"2"}}`)))
	require.Equal(t, map[string]any{"c": "4"}, meta(rig.Do(t, "PUT", at, `{"metadata":{"c":"4"}}`)))
	require.Equal(t, map[string]any{"c": "5"}, rig.Do(t, "PUT", at+"/c", `{"meta":{"c":"5"}}`).Is(200).At("meta"))
	require.Equal(t, map[string]any{"c": "5"}, rig.Do(t, "GET", at+"/c", nil).Is(200).At("meta"))
	require.Empty(t, rig.Do(t, "DELETE", at+"/c", nil).Is(200).Body)
	require.Empty(t, rig.Store.Snapshots[n.ID].Metadata)
	require.Empty(t, rig.Do(t, "GET", at, nil, apitest.Call{Version: "3.15"}).Header.Get("ETag"), "ETags are of volumes only")

	rig.Do(t, "GET", at+"/none", nil).Refused(404, "itemNotFound")
	rig.Do(t, "DELETE", at+"/none", nil).Refused(404, "itemNotFound")
	rig.Do(t, "GET", snapshots+"/"+uuidOf(9)+"/metadata", nil).Refused(404, "itemNotFound")
	rig.Do(t, "POST", at, `{"metadata":{"ä":"1"}}`).Refused(400, "badRequest")
	rig.Do(t, "POST", at, `{"metadata":`+pairs(129)+`}`).Refused(413, "overLimit")
}
