package api_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const project = "/v3/" + apitest.Project

var admin38 = apitest.Call{Token: apitest.Admin, Version: "3.8"}

// backends puts one backend that is up, one that is down and one that is disabled.
func backends(rig *apitest.Rig) {
	now := time.Now()
	rig.Store.Services = []models.Service{
		{Binary: models.BinaryVolume, Host: "h@lvm", UpdatedAt: now},
		{Binary: models.BinaryVolume, Host: "h@down", UpdatedAt: now.Add(-time.Hour)},
		{Binary: models.BinaryVolume, Host: "h@off", UpdatedAt: now, Disabled: true},
	}
}

func TestListManageable(t *testing.T) {
	rig := apitest.New(t)
	backends(rig)
	rig.Engine.Manageable = []models.Adoptable{
		{Ref: "b", Size: models.GiB + 1, SourceRef: "vb"},
		{Ref: "a", Size: 3 * models.GiB, ID: uuidOf(1), SourceRef: "va"},
		{Ref: "c", Size: models.GiB, Reason: "in use", SourceRef: "vc"},
	}
	brief := func(ref string, size float64, safe bool) map[string]any {
		return map[string]any{"reference": map[string]any{"source-name": ref}, "size": size, "safe_to_manage": safe}
	}
	list := []any{brief("c", 1, false), brief("b", 2, true), brief("a", 3, false)}
	for _, path := range []string{"/manageable_volumes", "/os-volume-manage"} {
		require.Equal(t, list, rig.Do(t, "GET", project+path+"?host=h@lvm%23p", nil, admin38).Is(200).JSON()["manageable-volumes"])
	}
	in := rig.Engine.Started[0].Input.(flow.ManageableListInput)
	require.Equal(t, []any{"h@lvm", "p", "reference", true, false, 150}, []any{in.Backend, in.Pool, in.SortBy, in.Desc, in.Snapshots, in.Limit})
	require.NoError(t, rig.Engine.Started[0].Check())

	detail := rig.Do(t, "GET", project+"/manageable_volumes/detail?host=h@lvm&sort=reference:asc", nil, admin38).Is(200).JSON()["manageable-volumes"].([]any)
	want := brief("a", 3, false)
	want["reason_not_safe"], want["cinder_id"], want["extra_info"] = "already managed", uuidOf(1), nil
	require.Equal(t, want, detail[0])
	require.Equal(t, "in use", detail[2].(map[string]any)["reason_not_safe"])
	require.Nil(t, detail[1].(map[string]any)["reason_not_safe"])

	for _, path := range []string{"/manageable_snapshots", "/os-snapshot-manage"} {
		found := rig.Do(t, "GET", project+path+"?host=h@lvm&sort=size:desc&limit=1", nil, admin38).Is(200).JSON()["manageable-snapshots"].([]any)
		want := brief("a", 3, false)
		want["source_reference"] = map[string]any{"source-name": "va"}
		require.Equal(t, []any{want}, found)
		found = rig.Do(t, "GET", project+path+"/detail?host=h@lvm&limit=1&marker="+url.QueryEscape(`{'source-name': 'c'}`), nil, admin38).Is(200).JSON()["manageable-snapshots"].([]any)
		require.Len(t, found, 1)
		require.Equal(t, uuidOf(1), rig.Do(t, "GET", project+path+"/detail?host=h@lvm&offset=2", nil, admin38).JSON()["manageable-snapshots"].([]any)[0].(map[string]any)["cinder_id"])
		require.Equal(t, map[string]any{"source-name": "b"}, found[0].(map[string]any)["reference"])
	}
}

// A flow's answer is bounded, a list's is not: as many are asked as it takes.
func TestListManageablePages(t *testing.T) {
	rig := apitest.New(t)
	backends(rig)
	for i := range 2*flow.MaxManageable + 10 {
		rig.Engine.Manageable = append(rig.Engine.Manageable, models.Adoptable{Ref: fmt.Sprintf("v%04d", i), Size: models.GiB})
	}
	count := func(query string) int {
		return len(rig.Do(t, "GET", project+"/manageable_volumes?host=h@lvm&sort=reference:asc"+query, nil, admin38).Is(200).JSON()["manageable-volumes"].([]any))
	}
	require.Equal(t, 310, count(""))
	require.Len(t, rig.Engine.Started, 3)
	require.Equal(t, 160, count("&limit=160"))
	require.Equal(t, 305, count("&offset=5"))
	require.Equal(t, 0, count("&limit=0"))
	require.Equal(t, 9, count("&marker=v0300"))
}

func TestListManageableRefuses(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.NodeWait = 30 * time.Millisecond })
	backends(rig)
	for _, c := range []struct {
		query, version string
		code           int
		name           string
	}{
		{"", "3.8", 400, "badRequest"},
		{"?cluster=c", "3.8", 400, "badRequest"},
		{"?cluster=c", "3.17", 404, "itemNotFound"},
		{"?cluster=c&host=h@lvm", "3.17", 400, "badRequest"},
		{"?host=h@none", "3.8", 404, "itemNotFound"},
		{"?host=h@down", "3.8", 503, "serviceUnavailable"},
		{"?host=h@off%23p", "3.8", 503, "serviceUnavailable"},
		{"?host=h@lvm&sort=name", "3.8", 400, "badRequest"},
		{"?host=h@lvm&limit=-1", "3.8", 400, "badRequest"},
		{"?host=h@lvm&marker=" + url.QueryEscape(`{"x":"y"}`), "3.8", 400, "badRequest"},
		{"?host=h@lvm", "3.7", 404, "itemNotFound"},
	} {
		rig.Do(t, "GET", project+"/manageable_volumes"+c.query, nil, apitest.Call{Token: apitest.Admin, Version: c.version}).Refused(c.code, c.name)
	}
	for _, path := range []string{"/manageable_volumes", "/manageable_snapshots/detail", "/os-volume-manage/detail", "/os-snapshot-manage"} {
		rig.Do(t, "GET", project+path+"?host=h@lvm", nil, apitest.Call{Version: "3.8"}).Refused(403, "forbidden")
	}
	rig.Engine.Delay = 200 * time.Millisecond
	require.Contains(t, rig.Do(t, "GET", project+"/manageable_volumes?host=h@lvm", nil, admin38).Refused(502, "computeFault"), "did not answer in time")
	rig.Engine.Close()
	rig.Engine.Delay, rig.Engine.Refuse = 0, &flow.Error{Type: flow.ErrNotSupported, Message: "the driver can't"}
	rig.Do(t, "GET", project+"/manageable_volumes?host=h@lvm", nil, admin38).Refused(400, "badRequest")
	rig.Engine.Away = true
	rig.Do(t, "GET", project+"/manageable_volumes?host=h@lvm", nil, admin38).Refused(503, "serviceUnavailable")
	require.Empty(t, rig.Store.Flows, "a list leaves no record")
}

func TestManageVolume(t *testing.T) {
	rig := apitest.New(t)
	backends(rig)
	for i, path := range []string{"/manageable_volumes", "/os-volume-manage"} {
		a := rig.Do(t, "POST", project+path, `{"volume":{"host":"h@lvm#p","ref":{"source-name":"old"},"name":"db","description":null,"volume_type":"gold",
			"availability_zone":"nova","bootable":"true","metadata":{"k":"v"}}}`, admin38).Is(202)
		require.Equal(t, []any{"creating", "db", "true"}, []any{a.At("volume", "status"), a.At("volume", "name"), a.At("volume", "bootable")})
		s := rig.Engine.Started[i]
		in := s.Input.(flow.VolumeManageInput)
		require.Equal(t, a.Header.Get("Clinker-Flow"), s.Header.FlowID)
		require.Equal(t, []string{"h@lvm#p", "old", "gold", "nova", "h@lvm"}, []string{in.Host, in.Ref, in.VolumeType, in.AvailabilityZone, s.Backend})
		require.Equal(t, "manage old on h@lvm as volume db", in.Summary)
		require.Equal(t, flow.VolumeManageTasks(), in.Tasks)
		require.True(t, in.Bootable)
	}
	for _, ref := range []string{`"lv"`, `{"source-id":"lv"}`} {
		rig.Do(t, "POST", project+"/manageable_volumes", `{"volume":{"host":"h@lvm#p","ref":`+ref+`,"cluster":null}}`, apitest.Call{Token: apitest.Admin, Version: "3.16"}).Is(202)
		require.Equal(t, "lv", rig.Engine.Started[len(rig.Engine.Started)-1].Input.(flow.VolumeManageInput).Ref)
	}
	started := len(rig.Engine.Started)
	for _, c := range []struct {
		body string
		code int
	}{
		{`{}`, 400},
		{`{"ref":"a"}`, 400},
		{`{"host":"h@lvm#p"}`, 400},
		{`{"host":"h@lvm#p","ref":null}`, 400},
		{`{"host":"h@lvm#p","ref":""}`, 400},
		{`{"host":"h@lvm#p","ref":{}}`, 400},
		{`{"host":"h@lvm#p","ref":{"name":"x"}}`, 400},
		{`{"host":"h@lvm#p","ref":{"source-name":1}}`, 400},
		{`{"host":"h@lvm#p","ref":[1]}`, 400},
		{`{"host":"h@lvm#p","ref":5}`, 400},
		{`{"host":"h@lvm#p","ref":"a","cluster":"c"}`, 400},
		{`{"host":"h@lvm#p","ref":"a","bootable":"perhaps"}`, 400},
		{`{"host":"h@lvm#p","ref":"a","size":1}`, 400},
		{`{"host":"h@lvm#p","ref":"a","metadata":` + pairs(129) + `}`, 413},
		{`{"host":"h@none#p","ref":"a"}`, 404},
		{`{"host":"h@down#p","ref":"a"}`, 503},
		{`{"host":"h@off#p","ref":"a"}`, 503},
	} {
		rig.Do(t, "POST", project+"/manageable_volumes", `{"volume":`+c.body+`}`, admin38).Is(c.code)
	}
	rig.Do(t, "POST", project+"/manageable_volumes", `{"volume":{"cluster":"c","ref":"a"}}`, apitest.Call{Token: apitest.Admin, Version: "3.16"}).Refused(404, "itemNotFound")
	for _, path := range []string{"/manageable_volumes", "/os-volume-manage", "/manageable_snapshots", "/os-snapshot-manage"} {
		rig.Do(t, "POST", project+path, `{}`, apitest.Call{Version: "3.8"}).Refused(403, "forbidden")
	}
	require.Len(t, rig.Engine.Started, started)
	rig.Engine.Refuse = &flow.Error{Type: flow.ErrConflict, Message: "managed already"}
	rig.Do(t, "POST", project+"/manageable_volumes", `{"volume":{"host":"h@lvm#p","ref":"a"}}`, admin38).Refused(409, "conflictingRequest")
}

func TestManageSnapshot(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", Host: "h@lvm#p"})
	for i, path := range []string{"/manageable_snapshots", "/os-snapshot-manage"} {
		a := rig.Do(t, "POST", project+path, `{"snapshot":{"volume_id":"`+v.ID+`","ref":{"source-name":"old"},"name":"s1","metadata":null}}`, admin38).Is(202)
		require.Equal(t, []any{"creating", "s1"}, []any{a.At("snapshot", "status"), a.At("snapshot", "name")})
		s := rig.Engine.Started[i]
		in := s.Input.(flow.SnapshotCreateInput)
		require.Equal(t, flow.SnapshotManage, s.Operation)
		require.NoError(t, s.Check())
		require.Equal(t, []string{v.ID, "old", "manage old as snapshot s1 of volume db"}, []string{in.VolumeID, in.Ref, in.Summary})
		require.Equal(t, flow.SnapshotManageTasks(), in.Tasks)
	}
	for body, code := range map[string]int{
		`{}`:                           400,
		`{"ref":"a"}`:                  400,
		`{"volume_id":"` + v.ID + `"}`: 400,
		`{"volume_id":"x","ref":"a"}`:  400,
		`{"volume_id":"` + v.ID + `","ref":"a","force":true}`: 400,
		`{"volume_id":"` + uuidOf(9) + `","ref":"a"}`:         404,
	} {
		rig.Do(t, "POST", project+"/manageable_snapshots", `{"snapshot":`+body+`}`, admin38).Is(code)
	}
}

func TestUnmanage(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", Host: "h@lvm#p", ProviderLocation: "loc"})
	at := volumes + "/" + v.ID + "/action"
	rig.Do(t, "POST", at, `{"os-unmanage":null}`).Refused(403, "forbidden")
	for _, c := range []struct {
		status models.VolumeStatus
		code   int
	}{{models.VolumeInUse, 400}, {models.VolumeCreating, 400}, {models.VolumeErrorManaging, 202}} {
		v.Status = c.status
		rig.Store.Put(v)
		rig.Do(t, "POST", at, `{"os-unmanage":{}}`, admin).Is(c.code)
	}
	s := rig.Engine.Started[0]
	in := s.Input.(flow.VolumeDeleteInput)
	require.Equal(t, flow.VolumeUnmanage, s.Operation)
	require.NoError(t, s.Check())
	require.Equal(t, []string{"h@lvm#p", "loc", "volume-" + v.ID, "unmanage volume db"}, []string{in.Host, in.Volume.Location, in.Volume.Name, in.Summary})
	require.Equal(t, flow.VolumeUnmanageTasks(), in.Tasks)
	require.Zero(t, rig.Store.VolumeCount())

	_, n := snapshotOf(rig, models.Snapshot{Name: "s1"})
	rig.Do(t, "POST", snapshots+"/"+n.ID+"/action", `{"os-unmanage":null}`, admin).Is(202)
	s = rig.Engine.Started[1]
	require.Equal(t, flow.SnapshotUnmanage, s.Operation)
	require.NoError(t, s.Check())
	require.Equal(t, "unmanage snapshot s1", s.Header.Summary)
}
