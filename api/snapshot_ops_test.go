package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func TestDeleteSnapshot(t *testing.T) {
	rig := apitest.New(t)
	v, n := snapshotOf(rig, models.Snapshot{Name: "s1", ProviderLocation: "at"})
	v.SizeGiB = 5 // grown since
	rig.Store.Put(v)
	a := rig.Do(t, "DELETE", snapshots+"/"+n.ID, nil).Is(202)
	require.Empty(t, a.Body)
	s := rig.Engine.Started[0]
	require.Equal(t, s.Header.FlowID, a.Header.Get("Clinker-Flow"))
	require.Equal(t, []string{"snapshot", "h@lvm", "delete snapshot s1"}, []string{s.Kind, s.Backend, s.Header.Summary})
	in := s.Input.(flow.SnapshotRemoveInput)
	require.Equal(t, models.StorageSnapshot{
		ID: n.ID, Name: "snapshot-" + n.ID, Size: 2 * models.GiB, Location: "at",
		Volume: models.StorageVolume{ID: v.ID, Name: "volume-" + v.ID, Size: 5 * models.GiB, Pool: "p", Location: "loc"},
	}, in.Snapshot)
	require.Equal(t, "h@lvm#p", in.Host)
	require.Len(t, rig.Store.Flows[s.Header.FlowID].Tasks, len(flow.SnapshotDeleteTasks()))
	rig.Do(t, "DELETE", snapshots+"/"+n.ID, nil).Refused(404, "itemNotFound")

	// A snapshot whose volume's row is gone is deleted all the same.
	n = rig.Store.PutSnapshot(models.Snapshot{ID: uuidOf(101), VolumeID: uuidOf(7)})
	rig.Do(t, "DELETE", snapshots+"/"+n.ID, nil).Is(202)
	require.Empty(t, rig.Engine.Started[1].Input.(flow.SnapshotRemoveInput).Host)
}

func TestDeleteSnapshotRefusals(t *testing.T) {
	for status, c := range map[models.SnapshotStatus]struct{ plain, force, unmanage int }{
		models.SnapshotAvailable:     {202, 202, 202},
		models.SnapshotError:         {202, 202, 202},
		models.SnapshotErrorDeleting: {202, 202, 400},
		models.SnapshotCreating:      {400, 202, 400},
		models.SnapshotBackingUp:     {400, 202, 400},
		models.SnapshotRestoring:     {400, 202, 400},
	} {
		rig := apitest.New(t)
		ask := func(method, tail string, body any) int {
			_, n := snapshotOf(rig, models.Snapshot{Status: status})
			return rig.Do(t, method, snapshots+"/"+n.ID+tail, body, admin).Code
		}
		require.Equal(t, c.plain, ask("DELETE", "", nil), status)
		require.Equal(t, c.unmanage, ask("POST", "/action", `{"os-unmanage":null}`), status)
		require.Equal(t, c.force, ask("POST", "/action", `{"os-force_delete":""}`), status)
	}
	rig := apitest.New(t)
	_, n := snapshotOf(rig, models.Snapshot{})
	rig.Do(t, "DELETE", "/v3/snapshots/"+n.ID, nil, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
	for _, action := range []string{"os-force_delete", "os-unmanage", "os-reset_status"} {
		rig.Do(t, "POST", snapshots+"/"+n.ID+"/action", `{"`+action+`":{"status":"error"}}`).Refused(403, "forbidden")
	}
	// The engine is away: the promise stands, reconcile starts the flow.
	rig.Engine.Away = true
	a := rig.Do(t, "DELETE", snapshots+"/"+n.ID, nil).Is(202)
	require.Equal(t, models.FlowRunning, rig.Store.Flows[a.Header.Get("Clinker-Flow")].State)
	require.Equal(t, models.SnapshotDeleting, rig.Store.Snapshots[n.ID].Status)
}

// holdSnapshot puts a snapshot that a flow works on.
func holdSnapshot(rig *apitest.Rig, status models.SnapshotStatus, state models.FlowState) (id, flowID string) {
	id = uuidOf(100)
	flowID = flow.ID(flow.SnapshotCreate, id, uuidOf(2))
	snapshotOf(rig, models.Snapshot{ID: id, Status: status, FlowID: flowID})
	rig.Store.Flows[flowID] = models.Flow{ID: flowID, Operation: "snapshot-create", ResourceID: id, ProjectID: apitest.Project, State: state}
	return id, flowID
}

func TestDeleteSnapshotAbortsItsFlow(t *testing.T) {
	rig := apitest.New(t)
	id, held := holdSnapshot(rig, models.SnapshotError, models.FlowHeld)
	rig.Do(t, "DELETE", snapshots+"/"+id, nil).Is(202)
	require.Equal(t, []string{held + " abort"}, rig.Engine.Resolved)
	require.Empty(t, rig.Store.Snapshots, "an aborted create takes its snapshot along")
	require.Empty(t, rig.Engine.Started)

	id, running := holdSnapshot(rig, models.SnapshotCreating, models.FlowRunning)
	rig.Do(t, "DELETE", snapshots+"/"+id, nil).Refused(400, "badRequest")
	rig.Do(t, "POST", snapshots+"/"+id+"/action", `{"os-force_delete":null}`, admin).Is(202)
	require.Equal(t, running+" abort", rig.Engine.Resolved[1])
}

// A flow that owns the snapshot on behalf of its volume is not given up for the snapshot's sake.
func TestDeleteSnapshotLeavesTheVolumesFlow(t *testing.T) {
	rig := apitest.New(t)
	id, flowID := holdSnapshot(rig, models.SnapshotRestoring, models.FlowHeld)
	f := rig.Store.Flows[flowID]
	f.ResourceID = uuidOf(1)
	rig.Store.Flows[flowID] = f
	rig.Do(t, "DELETE", snapshots+"/"+id, nil).Refused(400, "badRequest")
	require.Empty(t, rig.Engine.Resolved)
}

func TestResetSnapshot(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.OnAbort = func(models.Flow) {}
	id, held := holdSnapshot(rig, models.SnapshotError, models.FlowHeld)
	at := snapshots + "/" + id + "/action"
	rig.Do(t, "POST", at, `{"os-reset_status":{"status":"Available"}}`, admin).Is(202)
	require.Equal(t, []string{held + " abort"}, rig.Engine.Resolved)
	require.Equal(t, models.SnapshotAvailable, rig.Store.Snapshots[id].Status)
	for _, status := range models.SnapshotStatuses() {
		rig.Do(t, "POST", at, `{"os-reset_status":{"status":"`+string(status)+`"}}`, admin).Is(202)
		require.Equal(t, status, rig.Store.Snapshots[id].Status)
	}
	for _, bad := range []string{`{}`, `null`, `{"status":"in-use"}`, `{"status":null}`, `{"status":"error","x":1}`} {
		rig.Do(t, "POST", at, `{"os-reset_status":`+bad+`}`, admin).Refused(400, "badRequest")
	}
	rig.Do(t, "POST", snapshots+"/"+uuidOf(9)+"/action", `{"os-reset_status":{"status":"error"}}`, admin).Refused(404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"os-nonsense":null}`, `{"os-unmanage":null,"os-force_delete":null}`, `[]`} {
		rig.Do(t, "POST", at, bad, admin).Refused(400, "badRequest")
	}
}

func TestUpdateSnapshotStatus(t *testing.T) {
	rig := apitest.New(t)
	for _, c := range []struct {
		from models.SnapshotStatus
		body string
		code int
		want models.SnapshotStatus
	}{
		{"creating", `{"status":"available","progress":"100%"}`, 202, "available"},
		{"creating", `{"status":"creating","progress":"7%"}`, 202, "creating"},
		{"creating", `{"status":"error"}`, 202, "error"},
		{"creating", `{"status":"deleting"}`, 400, "creating"},
		{"deleting", `{"status":"error_deleting"}`, 202, "error_deleting"},
		{"deleting", `{"status":"available"}`, 400, "deleting"},
		{"available", `{"status":"available"}`, 400, "available"},
		{"creating", `{}`, 400, "creating"},
		{"creating", `{"status":"available","progress":"101%"}`, 400, "creating"},
		{"creating", `{"status":"available","progress":"done"}`, 400, "creating"},
	} {
		_, n := snapshotOf(rig, models.Snapshot{Status: c.from})
		rig.Do(t, "POST", snapshots+"/"+n.ID+"/action", `{"os-update_snapshot_status":`+c.body+`}`).Is(c.code)
		require.Equal(t, c.want, rig.Store.Snapshots[n.ID].Status, c.body)
	}
	// What a flow of ours makes, it says itself.
	id, _ := holdSnapshot(rig, models.SnapshotCreating, models.FlowRunning)
	at := snapshots + "/" + id + "/action"
	rig.Do(t, "POST", at, `{"os-update_snapshot_status":{"status":"available"}}`).Refused(400, "badRequest")
	rig.Do(t, "POST", at, `{"os-update_snapshot_status":{"status":"creating","progress":"90%"}}`).Is(202)
	require.Equal(t, "90%", rig.Store.Snapshots[id].Progress)
}

func TestRevert(t *testing.T) {
	rig := apitest.New(t)
	_, older := snapshotOf(rig, models.Snapshot{ID: uuidOf(100), CreatedAt: noon})
	v, latest := snapshotOf(rig, models.Snapshot{ID: uuidOf(101), Name: "s2"})
	at := volumes + "/" + v.ID + "/action"
	revert := func(id string) string { return `{"revert":{"snapshot_id":"` + id + `"}}` }
	at40 := apitest.Call{Version: "3.40"}

	rig.Do(t, "POST", at, revert(latest.ID), apitest.Call{Version: "3.39"}).Refused(404, "itemNotFound")
	a := rig.Do(t, "POST", at, revert(latest.ID), at40).Is(202)
	s := rig.Engine.Started[0]
	require.Equal(t, a.Header.Get("Clinker-Flow"), s.Header.FlowID)
	require.Equal(t, "revert volume db to snapshot s2", s.Header.Summary)
	in := s.Input.(flow.VolumeRevertInput)
	require.Equal(t, []string{latest.ID, "snapshot-" + latest.ID, "volume-" + v.ID, "h@lvm#p"}, []string{in.Snapshot.ID, in.Snapshot.Name, in.Snapshot.Volume.Name, in.Host})
	require.Len(t, rig.Store.Flows[s.Header.FlowID].Tasks, len(flow.VolumeRevertTasks()))

	for _, bad := range []string{revert(older.ID), revert(uuidOf(9)), revert("x"), `{"revert":{}}`, `{"revert":null}`, `{"revert":{"snapshot_id":"` + latest.ID + `","x":1}}`} {
		rig.Do(t, "POST", at, bad, at40).Refused(400, "badRequest")
	}
	require.Contains(t, rig.Do(t, "POST", at, revert(uuidOf(9)), at40).Refused(400, "badRequest"), "not the latest one")
	v.SizeGiB++
	rig.Store.Put(v)
	rig.Do(t, "POST", at, revert(latest.ID), at40).Refused(400, "badRequest")
	v.SizeGiB--
	v.Status = models.VolumeInUse
	rig.Store.Put(v)
	require.Contains(t, rig.Do(t, "POST", at, revert(latest.ID), at40).Refused(409, "conflictingRequest"), "in-use")
	v.Status = models.VolumeAvailable
	rig.Store.Put(v)
	latest.Status = models.SnapshotError
	rig.Store.PutSnapshot(latest)
	rig.Do(t, "POST", at, revert(latest.ID), at40).Refused(409, "conflictingRequest")
	rig.Do(t, "POST", volumes+"/"+uuidOf(9)+"/action", revert(latest.ID), at40).Refused(404, "itemNotFound")
}

func TestCascade(t *testing.T) {
	rig := apitest.New(t)
	snapshotOf(rig, models.Snapshot{ID: uuidOf(100)})
	v, n := snapshotOf(rig, models.Snapshot{ID: uuidOf(101), Status: models.SnapshotBackingUp})
	at := volumes + "/" + v.ID
	require.Contains(t, rig.Do(t, "DELETE", at, nil).Refused(400, "badRequest"), "has snapshots")
	require.Contains(t, rig.Do(t, "DELETE", at+"?cascade=false", nil).Refused(400, "badRequest"), "has snapshots")
	require.Contains(t, rig.Do(t, "DELETE", at+"?cascade=true", nil).Refused(400, "badRequest"), "snapshot "+n.ID+" is backing-up")
	rig.Do(t, "POST", at+"/action", `{"os-unmanage":null}`, admin).Refused(400, "badRequest")
	rig.Do(t, "DELETE", at+"?cascade=perhaps", nil).Refused(400, "badRequest")
	n.Status = models.SnapshotError
	rig.Store.PutSnapshot(n)
	rig.Do(t, "DELETE", at+"?cascade=True", nil).Is(202)
	s := rig.Engine.Started[0]
	in := s.Input.(flow.VolumeDeleteInput)
	require.True(t, in.Cascade)
	require.Equal(t, flow.VolumeCascadeTasks(), in.Tasks)
	require.Equal(t, "delete with its snapshots volume db", in.Summary)
	require.Empty(t, rig.Store.Snapshots)
	require.Zero(t, rig.Store.VolumeCount())
}

// A snapshot whose flow is held is given up with its volume, as it would be by itself.
func TestCascadeAbortsHeldSnapshots(t *testing.T) {
	rig := apitest.New(t)
	_, held := holdSnapshot(rig, models.SnapshotError, models.FlowHeld)
	rig.Do(t, "DELETE", volumes+"/"+uuidOf(1)+"?cascade=true", nil).Is(202)
	require.Equal(t, []string{held + " abort"}, rig.Engine.Resolved)
	require.Empty(t, rig.Store.Snapshots)
	require.Zero(t, rig.Store.VolumeCount())

	_, running := holdSnapshot(rig, models.SnapshotCreating, models.FlowRunning)
	rig.Do(t, "DELETE", volumes+"/"+uuidOf(1)+"?cascade=true", nil).Refused(400, "badRequest")
	rig.Do(t, "DELETE", volumes+"/"+uuidOf(1)+"?cascade=true&force=true", nil, apitest.Call{Token: apitest.Admin, Version: "3.23"}).Is(202)
	require.Equal(t, []string{held + " abort", running + " abort"}, rig.Engine.Resolved)
}

func TestCreateVolumeFromSnapshot(t *testing.T) {
	rig := apitest.New(t)
	_, n := snapshotOf(rig, models.Snapshot{})
	a := rig.Do(t, "POST", volumes, `{"volume":{"snapshot_id":"`+n.ID+`","name":"copy"}}`).Is(202)
	require.Equal(t, n.ID, a.At("volume", "snapshot_id"))
	in := rig.Engine.Started[0].Input.(flow.VolumeCreateInput)
	require.Equal(t, n.ID, in.SnapshotID)
	require.Zero(t, in.SizeGiB)
	require.Equal(t, flow.VolumeFromSnapshotTasks(), in.Tasks)
	require.Equal(t, "create volume copy from snapshot "+n.ID, in.Summary)
	for _, other := range []string{`"source_volid":"` + uuidOf(1) + `"`, `"imageRef":"` + uuidOf(1) + `"`, `"backup_id":"` + uuidOf(1) + `"`} {
		require.Contains(t, rig.Do(t, "POST", volumes, `{"volume":{"snapshot_id":"`+n.ID+`",`+other+`}}`, apitest.Call{Version: "3.47"}).Refused(400, "badRequest"), "exclude each other")
	}
}
