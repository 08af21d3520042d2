package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

var admin = apitest.Call{Token: apitest.Admin}

func TestDeleteVolume(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", SizeGiB: 3, Host: "h@lvm#p1", ProviderLocation: "loc"})
	a := rig.Do(t, "DELETE", volumes+"/"+v.ID, nil).Is(202)
	require.Empty(t, a.Body)
	s := rig.Engine.Started[0]
	require.Equal(t, s.Header.FlowID, a.Header.Get("Clinker-Flow"))
	require.Equal(t, "h@lvm", s.Backend)
	require.Equal(t, "delete volume db", s.Header.Summary)
	in := s.Input.(flow.VolumeDeleteInput)
	require.Equal(t, "h@lvm#p1", in.Host)
	require.Equal(t, models.StorageVolume{ID: v.ID, Name: "volume-" + v.ID, Size: 3 * models.GiB, Pool: "p1", Location: "loc"}, in.Volume)
	require.Equal(t, models.FlowSuccess, rig.Store.Flows[s.Header.FlowID].State)
	require.Len(t, rig.Store.Flows[s.Header.FlowID].Tasks, len(flow.VolumeDeleteTasks()))
	rig.Do(t, "DELETE", volumes+"/"+v.ID, nil).Refused(404, "itemNotFound")
}

func TestDeleteVolumeByStatus(t *testing.T) {
	for status, code := range map[models.VolumeStatus]int{
		models.VolumeAvailable: 202, models.VolumeError: 202, models.VolumeErrorRestoring: 202, models.VolumeErrorExtending: 202,
		models.VolumeErrorManaging: 202, models.VolumeErrorDeleting: 202, models.VolumeCreating: 400, models.VolumeInUse: 400,
		models.VolumeDeleting: 400, models.VolumeExtending: 400, models.VolumeBackingUp: 400,
	} {
		for _, query := range []string{"", "?cascade=true"} {
			rig := apitest.New(t)
			v := rig.Store.Put(models.Volume{ID: uuidOf(1), Status: status})
			rig.Do(t, "DELETE", volumes+"/"+v.ID+query, nil).Is(code)
		}
		for _, argument := range []string{`null`, `{}`, `""`} { // each is sent by some client
			rig := apitest.New(t)
			v := rig.Store.Put(models.Volume{ID: uuidOf(1), Status: status})
			rig.Do(t, "POST", volumes+"/"+v.ID+"/action", `{"os-force_delete":`+argument+`}`, admin).Is(202)
			require.Zero(t, rig.Store.VolumeCount())
		}
	}
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), AttachStatus: models.AttachAttached, Status: models.VolumeInUse})
	rig.Do(t, "POST", volumes+"/"+v.ID+"/action", `{"os-force_delete":{}}`, admin).Refused(400, "badRequest")
	rig.Do(t, "POST", volumes+"/"+v.ID+"/action", `{"os-force_delete":{}}`).Refused(403, "forbidden")
}

func TestDeleteWithForce(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Status: models.VolumeCreating})
	at := volumes + "/" + v.ID + "?force=true"
	rig.Do(t, "DELETE", at, nil, apitest.Call{Version: "3.23"}).Refused(403, "forbidden")
	rig.Do(t, "DELETE", at, nil, apitest.Call{Version: "3.22", Token: apitest.Admin}).Refused(400, "badRequest")
	rig.Do(t, "DELETE", volumes+"/"+v.ID+"?force=perhaps", nil, admin).Refused(400, "badRequest")
	rig.Do(t, "DELETE", at, nil, apitest.Call{Version: "3.23", Token: apitest.Admin}).Is(202)
}

// The engine is away: the volume is what it was, with no record left.
// A delete is promised by its row and record. With the engine away it stays so, and reconcile starts the flow from the record.
func TestDeleteEngineAway(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	rig.Engine.Away = true
	a := rig.Do(t, "DELETE", volumes+"/"+v.ID, nil).Is(202)
	require.Equal(t, models.VolumeDeleting, rig.Store.Volumes[v.ID].Status)
	record := rig.Store.Flows[a.Header.Get("Clinker-Flow")]
	require.Equal(t, models.FlowRunning, record.State)
	require.Contains(t, string(record.Input), v.ID, "the flow can be started from its record")
}

func hold(rig *apitest.Rig, op flow.Operation, status models.VolumeStatus) (volumeID, flowID string) {
	id := uuidOf(1)
	flowID = flow.ID(op, id, uuidOf(2))
	rig.Store.Put(models.Volume{ID: id, Status: status, FlowID: flowID})
	rig.Store.Flows[flowID] = models.Flow{
		ID: flowID, Operation: string(op), ResourceID: id, ResourceKind: "volume", ProjectID: apitest.Project, RequestID: "req-" + uuidOf(2),
		State: models.FlowHeld, FailedTask: flow.TaskCreateVolume, Error: "full", Hint: "make room", Summary: "s", CreatedAt: noon, UpdatedAt: noon,
		Tasks: []models.Task{{Name: flow.TaskCreateVolume, State: models.TaskFailure, Attempt: 2, Started: noon, Finished: noon, Error: "full"}},
	}
	return id, flowID
}

// A held flow is aborted before its volume is deleted; a create that is aborted takes its volume along.
func TestDeleteAbortsHeldCreate(t *testing.T) {
	rig := apitest.New(t)
	id, held := hold(rig, flow.VolumeCreate, models.VolumeError)
	rig.Do(t, "DELETE", volumes+"/"+id, nil).Is(202)
	require.Equal(t, []string{held + " abort"}, rig.Engine.Resolved)
	require.Empty(t, rig.Engine.Started)
	require.Zero(t, rig.Store.VolumeCount())
}

// A delete by force gives up the flow that still works on the volume; a plain one is refused by the status.
func TestForceDeleteAbortsARunningCreate(t *testing.T) {
	rig := apitest.New(t)
	id, running := hold(rig, flow.VolumeCreate, models.VolumeCreating)
	f := rig.Store.Flows[running]
	f.State = models.FlowRunning
	rig.Store.Flows[running] = f
	rig.Do(t, "DELETE", volumes+"/"+id, nil).Refused(400, "badRequest")
	require.Empty(t, rig.Engine.Resolved)
	rig.Do(t, "POST", volumes+"/"+id+"/action", `{"os-force_delete":{}}`, admin).Is(202)
	require.Equal(t, []string{running + " abort"}, rig.Engine.Resolved)
	require.Zero(t, rig.Store.VolumeCount())
}

// A delete that was held and is asked again is begun anew.
func TestDeleteAbortsHeldDelete(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.OnAbort = func(models.Flow) {}
	id, held := hold(rig, flow.VolumeDelete, models.VolumeErrorDeleting)
	a := rig.Do(t, "DELETE", volumes+"/"+id, nil).Is(202)
	require.Equal(t, []string{held + " abort"}, rig.Engine.Resolved)
	require.NotEqual(t, held, a.Header.Get("Clinker-Flow"))
	require.Zero(t, rig.Store.VolumeCount())
}

func TestDeleteHeldEngineAway(t *testing.T) {
	rig := apitest.New(t)
	id, _ := hold(rig, flow.VolumeCreate, models.VolumeError)
	rig.Engine.Away = true
	rig.Do(t, "DELETE", volumes+"/"+id, nil).Refused(503, "serviceUnavailable")
	require.Equal(t, 1, rig.Store.VolumeCount())
}

func TestExtendVolume(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), SizeGiB: 2, Name: "db", Host: "h@lvm#p"})
	at := volumes + "/" + v.ID + "/action"
	a := rig.Do(t, "POST", at, `{"os-extend":{"new_size":"5"}}`, apitest.Call{Version: "3.42"}).Is(202)
	require.Empty(t, a.Body)
	in := rig.Engine.Started[0].Input.(flow.VolumeExtendInput)
	require.EqualValues(t, 5, in.NewSizeGiB)
	require.True(t, in.InUse)
	require.Equal(t, "extend volume db from 2 to 5 GiB", in.Summary)
	require.Equal(t, a.Header.Get("Clinker-Flow"), in.FlowID)
	require.Equal(t, "h@lvm", rig.Engine.Started[0].Backend)
	rig.Do(t, "POST", at, `{"os-extend":{"new_size":6}}`).Is(202)
	require.False(t, rig.Engine.Started[1].Input.(flow.VolumeExtendInput).InUse)

	for _, bad := range []string{`{}`, `null`, `{"new_size":6}`, `{"new_size":1}`, `{"new_size":0}`, `{"new_size":"x"}`, `{"new_size":2147483648}`, `{"new_size":9,"x":1}`, `[]`} {
		rig.Do(t, "POST", at, `{"os-extend":`+bad+`}`).Refused(400, "badRequest")
	}
	v.Status = models.VolumeError
	rig.Store.Put(v)
	rig.Do(t, "POST", at, `{"os-extend":{"new_size":9}}`).Refused(400, "badRequest")
	rig.Engine.Refuse = &flow.Error{Type: flow.ErrOverQuota, Code: "VolumeSizeExceedsAvailableQuota", Message: "too much"}
	require.True(t, strings.HasPrefix(rig.Do(t, "POST", at, `{"os-extend":{"new_size":9}}`).Refused(413, "overLimit"), "VolumeSizeExceedsAvailableQuota"))
	rig.Engine.Away = true
	rig.Do(t, "POST", at, `{"os-extend":{"new_size":9}}`).Refused(503, "serviceUnavailable")
	require.Equal(t, 1, rig.Store.FlowStates()[models.FlowAbandoned])
}

func TestResetStatus(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Status: models.VolumeCreating})
	at := volumes + "/" + v.ID + "/action"
	rig.Do(t, "POST", at, `{"os-reset_status":{"status":"error"}}`).Refused(403, "forbidden")
	rig.Do(t, "POST", at, `{"os-reset_status":{"status":"Error","attach_status":"detached","migration_status":"none"}}`, admin).Is(202)
	require.Equal(t, models.VolumeError, rig.Store.Volumes[v.ID].Status)
	for _, bad := range []string{`{}`, `null`, `{"status":"deleting"}`, `{"status":"nonsense"}`, `{"status":"in-use"}`, `{"attach_status":"x"}`, `{"migration_status":"x"}`, `{"status":"error","x":1}`} {
		rig.Do(t, "POST", at, `{"os-reset_status":`+bad+`}`, admin).Refused(400, "badRequest")
	}
	rig.Do(t, "POST", volumes+"/"+uuidOf(5)+"/action", `{"os-reset_status":{"status":"error"}}`, admin).Refused(404, "itemNotFound")
}

func TestResetStatusAbortsHeldFlow(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.OnAbort = func(models.Flow) {}
	id, held := hold(rig, flow.VolumeExtend, models.VolumeErrorExtending)
	rig.Do(t, "POST", volumes+"/"+id+"/action", `{"os-reset_status":{"status":"available"}}`, admin).Is(202)
	require.Equal(t, []string{held + " abort"}, rig.Engine.Resolved)
	require.Equal(t, models.VolumeAvailable, rig.Store.Volumes[id].Status)
}

func TestFlags(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	at := volumes + "/" + v.ID + "/action"
	rig.Do(t, "POST", at, `{"os-set_bootable":{"bootable":"True"}}`).Is(200)
	require.True(t, rig.Store.Volumes[v.ID].Bootable)
	flag := func() any { return rig.Do(t, "GET", volumes+"/"+v.ID, nil).Is(200).At("volume", "metadata") }
	require.Empty(t, flag())
	rig.Do(t, "POST", at, `{"os-set_bootable":{}}`).Refused(400, "badRequest")
	rig.Do(t, "POST", at, `{"os-set_bootable":{"bootable":"x"}}`).Refused(400, "badRequest")
	rig.Do(t, "POST", at, `{"os-update_readonly_flag":{"readonly":true}}`).Is(202)
	require.True(t, rig.Store.Volumes[v.ID].Readonly)
	require.Equal(t, map[string]any{"readonly": "True"}, flag())
	rig.Do(t, "POST", at, `{"os-update_readonly_flag":{"readonly":false}}`).Is(202)
	require.Equal(t, map[string]any{"readonly": "False"}, flag())
	rig.Do(t, "POST", at, `{"os-update_readonly_flag":{"readonly":2}}`).Refused(400, "badRequest")
	v.Status = models.VolumeInUse
	rig.Store.Put(v)
	rig.Do(t, "POST", at, `{"os-update_readonly_flag":{"readonly":true}}`).Refused(400, "badRequest")
}

func TestActions(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	at := volumes + "/" + v.ID + "/action"
	for _, name := range []string{
		"os-volume_upload_image", "os-reimage",
	} {
		message := rig.Do(t, "POST", at, `{"`+name+`":null}`, apitest.Call{Token: apitest.Admin, Version: "3.71"}).Refused(400, "badRequest")
		require.Equal(t, "action "+name+" is not available yet", message)
	}
	rig.Do(t, "POST", at, `{"revert":null}`, apitest.Call{Version: "3.39"}).Refused(404, "itemNotFound")
	rig.Do(t, "POST", at, `{"os-migrate_volume":null}`).Refused(403, "forbidden")
	require.Contains(t, rig.Do(t, "POST", at, `{"os-nonsense":null}`).Refused(400, "badRequest"), "no such action")
	for _, bad := range []string{`{}`, `{"os-extend":{"new_size":4},"os-set_bootable":{}}`, `[]`, ``} {
		rig.Do(t, "POST", at, bad).Refused(400, "badRequest")
	}
	rig.Do(t, "POST", volumes+"/"+uuidOf(4)+"/action", `{"os-attach":null}`).Refused(404, "itemNotFound")
}

func TestMetadata(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1)})
	at := volumes + "/" + v.ID + "/metadata"
	meta := func(a *apitest.Answer) any { return a.Is(200).At("metadata") }
	require.Equal(t, map[string]any{}, meta(rig.Do(t, "GET", at, nil)))
	require.Equal(t, map[string]any{"a": "1", "b": "2"}, meta(rig.Do(t, "POST", at, `{"metadata":{"a":"1","b":"2"}}`)))
	require.Equal(t, map[string]any{"a": "3", "b": "2"}, meta(rig.Do(t, "POST", at, `{"metadata":{"a":"3"}}`)))
	require.Equal(t, map[string]any{"c": "4"}, meta(rig.Do(t, "PUT", at, `{"metadata":{"c":"4"}}`)))
	require.Equal(t, map[string]any{"c": "4"}, rig.Do(t, "GET", at+"/c", nil).Is(200).At("meta"))
	require.Equal(t, map[string]any{"d e": "5"}, rig.Do(t, "PUT", at+"/d%20e", `{"meta":{"d e":"5"}}`).Is(200).At("meta"))
	require.Empty(t, rig.Do(t, "DELETE", at+"/c", nil).Is(200).Body)
	require.Equal(t, map[string]string{"d e": "5"}, rig.Store.Volumes[v.ID].Metadata)

	rig.Do(t, "GET", at+"/none", nil).Refused(404, "itemNotFound")
	rig.Do(t, "DELETE", at+"/none", nil).Refused(404, "itemNotFound")
	rig.Do(t, "GET", volumes+"/"+uuidOf(9)+"/metadata", nil).Refused(404, "itemNotFound")
	rig.Do(t, "POST", volumes+"/"+uuidOf(9)+"/metadata", `{"metadata":{}}`).Refused(404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"metadata":null}`, `{"metadata":[]}`, `{"metadata":{"ä":"1"}}`, `{"metadata":{"a":1}}`} {
		rig.Do(t, "POST", at, bad).Refused(400, "badRequest")
		rig.Do(t, "PUT", at, bad).Refused(400, "badRequest")
	}
	for _, bad := range []string{`{}`, `{"meta":{}}`, `{"meta":{"b":"1"}}`, `{"meta":{"a":"1","b":"1"}}`} {
		rig.Do(t, "PUT", at+"/a", bad).Refused(400, "badRequest")
	}
	rig.Do(t, "POST", at, `{"metadata":`+pairs(128)+`}`).Refused(413, "overLimit")
}

func TestMetadataETag(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Metadata: map[string]string{"a": "1"}})
	at := volumes + "/" + v.ID + "/metadata"
	require.Empty(t, rig.Do(t, "GET", at, nil, apitest.Call{Version: "3.14"}).Header.Get("ETag"))
	tag := rig.Do(t, "GET", at, nil, apitest.Call{Version: "3.15"}).Header.Get("ETag")
	require.NotEmpty(t, tag)
	with := func(version, tag string) apitest.Call {
		return apitest.Call{Version: version, Header: map[string]string{"If-Match": tag}}
	}
	rig.Do(t, "PUT", at, `{"metadata":{"a":"2"}}`, with("3.15", tag)).Is(200)
	rig.Do(t, "PUT", at, `{"metadata":{"a":"3"}}`, with("3.15", tag)).Refused(412, "computeFault")
	rig.Do(t, "PUT", at, `{"metadata":{"a":"3"}}`, with("3.14", tag)).Is(200)
	rig.Do(t, "PUT", at, `{"metadata":{"a":"4"}}`, with("3.15", "*")).Is(200)
	require.Equal(t, "4", rig.Store.Volumes[v.ID].Metadata["a"])
}
