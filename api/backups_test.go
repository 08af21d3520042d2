package api_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const backups = "/v3/" + apitest.Project + "/backups"

// backupRig has a volume, a data worker that lives, and a backup of the volume.
func backupRig(t *testing.T, b models.Backup) (*apitest.Rig, models.Volume, models.Backup) {
	rig := apitest.New(t)
	rig.Store.Services = []models.Service{{Binary: models.BinaryBackup, Host: "n1", UpdatedAt: time.Now()}}
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", SizeGiB: 2, Host: "n1@lvm#p", AvailabilityZone: "nova"})
	b.ID, b.VolumeID, b.SizeGiB = uuidOf(200), v.ID, 2
	return rig, v, rig.Store.PutBackup(b)
}

var adminCall = apitest.Call{Token: "root:" + apitest.Project + ":admin", Version: "3.71"}

func TestShowAndListBackups(t *testing.T) {
	rig, v, b := backupRig(t, models.Backup{Name: "b1", UserID: "mia", CreatedAt: noon, ObjectCount: 4, StoredBytes: 9, ReadBy: "extents", ReadBytes: 7, Metadata: map[string]string{"a": "1"}, ParentID: uuidOf(201)})
	rig.Store.PutBackup(models.Backup{ID: uuidOf(202), VolumeID: v.ID, ParentID: b.ID, Status: models.BackupError, FailReason: "odd"})
	shown := rig.Do(t, "GET", backups+"/"+b.ID, nil, adminCall).Is(200).At("backup").(map[string]any)
	for field, want := range map[string]any{
		"status": "available", "size": 2.0, "object_count": 4.0, "is_incremental": true, "has_dependent_backups": true, "user_id": "mia",
		"os-backup-project-attr:project_id": apitest.Project, "metadata": map[string]any{"a": "1"},
		"created_at": "2026-01-02T12:00:00.123456", "data_timestamp": "2026-01-02T12:00:00.123456", "fail_reason": nil, "clinker:stored_bytes": 9.0,
		"clinker:read_by": "extents", "clinker:read_bytes": 7.0,
	} {
		require.Equal(t, want, shown[field], field)
	}
	plain := rig.Do(t, "GET", backups+"/"+b.ID, nil).Is(200).At("backup").(map[string]any)
	for _, field := range []string{"metadata", "user_id", "os-backup-project-attr:project_id", "clinker:stored_bytes"} {
		require.NotContains(t, plain, field, "it came later")
	}
	require.Len(t, rig.Do(t, "GET", backups, nil).Is(200).JSON()["backups"], 2)
	brief := rig.Do(t, "GET", backups+"?limit=1", nil).Is(200).JSON()
	require.Len(t, brief["backups"].([]any)[0], 3)
	require.Contains(t, brief, "backup_links")
	list := rig.Do(t, "GET", backups+"/detail?status=error&with_count=1", nil, apitest.Call{Version: "3.45"}).Is(200).JSON()
	require.Equal(t, 1.0, list["count"])
	require.Equal(t, "odd", list["backups"].([]any)[0].(map[string]any)["fail_reason"])
	rig.Do(t, "GET", "/v3/other/backups/"+b.ID, nil, apitest.Call{Token: "eve:other:member"}).Is(404)
	rig.Do(t, "PUT", backups+"/"+b.ID, map[string]any{"backup": map[string]any{"name": "n"}}).Is(404)
	rig.Do(t, "PUT", backups+"/"+b.ID, map[string]any{"backup": map[string]any{}}, apitest.Call{Version: "3.9"}).Is(400)
	rig.Do(t, "PUT", backups+"/"+b.ID, map[string]any{"backup": map[string]any{"name": "n", "metadata": map[string]any{"x": "y"}}}, apitest.Call{Version: "3.43"}).Is(200)
	require.Equal(t, []string{"n", "y"}, []string{rig.Store.Backups[b.ID].Name, rig.Store.Backups[b.ID].Metadata["x"]})
}

// How far a backup is stands in it while somebody moves its bytes; Temporal being away costs that, and nothing else.
func TestBackupProgress(t *testing.T) {
	rig, _, b := backupRig(t, models.Backup{Status: models.BackupCreating, FlowID: "backup-create:x:y"})
	rig.Store.Flows[b.FlowID] = models.Flow{ID: b.FlowID, Operation: models.OpBackupCreate, State: models.FlowRunning}
	show := func() map[string]any {
		return rig.Do(t, "GET", backups+"/"+b.ID, nil, adminCall).Is(200).At("backup").(map[string]any)
	}
	require.Equal(t, map[string]any{"percent": 25.0, "bytes_done": 268435456.0, "bytes_total": 1073741824.0, "bytes_per_second": 104857600.0, "seconds_left": 8.0}, show()["clinker:progress"])
	rig.Engine.Away = true
	require.NotContains(t, show(), "clinker:progress")
	rig.Engine.Away = false
	rig.Store.Flows[b.FlowID] = models.Flow{ID: b.FlowID, Operation: models.OpBackupCreate, State: models.FlowHeld}
	require.NotContains(t, show(), "clinker:progress", "it waits for somebody")
}

func TestCreateBackup(t *testing.T) {
	rig, v, _ := backupRig(t, models.Backup{})
	post := func(fields map[string]any, calls ...apitest.Call) apitest.Answer {
		return *rig.Do(t, "POST", backups, map[string]any{"backup": fields}, calls...)
	}
	a := post(map[string]any{"volume_id": v.ID, "name": "n", "incremental": "true", "container": nil, "snapshot_id": nil})
	require.Equal(t, 202, a.Code, string(a.Body))
	require.NotEmpty(t, a.Header.Get("Clinker-Flow"))
	in := rig.Engine.Started[0].Input.(flow.BackupCreateInput)
	require.True(t, in.Incremental)
	require.Equal(t, flow.BackupCreateTasks(false), in.Tasks)
	require.Contains(t, in.Summary, "incremental backup n of volume db")

	for _, bad := range []map[string]any{
		{},
		{"volume_id": "x"},
		{"volume_id": v.ID, "container": "elsewhere"},
		{"volume_id": v.ID, "metadata": map[string]any{"a": "b"}},
		{"volume_id": v.ID, "incremental": "maybe"},
		{"volume_id": v.ID, "name": strings.Repeat("x", 256)},
		{"volume_id": v.ID, "colour": "red"},
		{"volume_id": v.ID, "clinker:quiesce": "always"},
		{"volume_id": v.ID, "clinker:quiesce": "required", "snapshot_id": uuidOf(8)},
	} {
		require.Equal(t, 400, post(bad).Code, bad)
	}
	require.Equal(t, 404, post(map[string]any{"volume_id": uuidOf(9)}).Code)
	v.Status = models.VolumeInUse
	rig.Store.Put(v)
	require.Equal(t, 400, post(map[string]any{"volume_id": v.ID}).Code, "in use")
	require.Equal(t, 202, post(map[string]any{"volume_id": v.ID, "force": true}).Code)
	require.Equal(t, flow.BackupCreateTasks(true), rig.Engine.Started[len(rig.Engine.Started)-1].Header.Tasks, "through a temporary snapshot")
	require.Equal(t, 202, post(map[string]any{"volume_id": v.ID, "force": true, "clinker:quiesce": "if-possible"}).Code)
	require.Equal(t, flow.QuiesceIfPossible, rig.Engine.Started[len(rig.Engine.Started)-1].Input.(flow.BackupCreateInput).Quiesce)
	started := len(rig.Engine.Started)
	rig.Store.Services[0].UpdatedAt = time.Now().Add(-time.Hour)
	require.Equal(t, 503, post(map[string]any{"volume_id": v.ID, "force": true}).Code, "no data worker is up")
	require.Len(t, rig.Engine.Started, started)
	require.Equal(t, 403, post(map[string]any{"volume_id": v.ID}, apitest.Call{Token: "bob:" + apitest.Project + ":reader"}).Code)
}

func TestRestoreBackup(t *testing.T) {
	rig, v, b := backupRig(t, models.Backup{Name: "b1"})
	restore := func(fields map[string]any) *apitest.Answer {
		return rig.Do(t, "POST", backups+"/"+b.ID+"/restore", map[string]any{"restore": fields})
	}
	out := restore(map[string]any{"volume_id": v.ID}).Is(202).At("restore").(map[string]any)
	require.Equal(t, map[string]any{"backup_id": b.ID, "volume_id": v.ID, "volume_name": "db"}, out)
	require.Equal(t, v.ID, rig.Engine.Started[0].Input.(flow.BackupRestoreInput).VolumeID)
	restore(map[string]any{"volume_id": v.ID}).Is(400) // restoring-backup
	out = restore(map[string]any{"name": nil}).Is(202).At("restore").(map[string]any)
	require.Equal(t, "restore_backup_"+b.ID, out["volume_name"])
	made := rig.Engine.Started[1].Input.(flow.VolumeCreateInput)
	require.Equal(t, []any{b.ID, int64(2)}, []any{made.BackupID, made.SizeGiB})
	small := rig.Store.Put(models.Volume{ID: uuidOf(5), SizeGiB: 1})
	require.Contains(t, string(restore(map[string]any{"volume_id": small.ID}).Is(400).Body), "too small")
	used := rig.Store.Put(models.Volume{ID: uuidOf(6), SizeGiB: 5, Status: models.VolumeInUse})
	restore(map[string]any{"volume_id": used.ID}).Is(400)
	restore(map[string]any{"volume_id": uuidOf(7)}).Is(404)
	restore(map[string]any{"volume_id": 7}).Is(400)
	b.Status = models.BackupError
	rig.Store.PutBackup(b)
	restore(map[string]any{}).Is(400)
	require.Len(t, rig.Engine.Started, 2, "what was refused has started nothing")
}

func TestDeleteResetAndVerifyBackup(t *testing.T) {
	rig, v, b := backupRig(t, models.Backup{})
	child := rig.Store.PutBackup(models.Backup{ID: uuidOf(202), VolumeID: v.ID, ParentID: b.ID})
	require.Contains(t, string(rig.Do(t, "DELETE", backups+"/"+b.ID, nil).Is(400).Body), "incremental backups exist")
	act := func(id, action string, value any, call apitest.Call) *apitest.Answer {
		return rig.Do(t, "POST", backups+"/"+id+"/action", map[string]any{action: value}, call)
	}
	act(b.ID, "os-force_delete", nil, apitest.Call{}).Is(403)
	act(b.ID, "os-force_delete", nil, adminCall).Is(400)
	act(b.ID, "os-reset_status", map[string]any{"status": "restoring"}, adminCall).Is(400)
	act(b.ID, "os-reset_status", map[string]any{"status": "error"}, adminCall).Is(202)
	require.Equal(t, models.BackupError, rig.Store.Backups[b.ID].Status)
	act(b.ID, "clinker:verify", nil, apitest.Call{}).Is(400)
	act(child.ID, "clinker:verify", nil, apitest.Call{}).Is(202)
	require.Equal(t, flow.BackupVerify, rig.Engine.Started[0].Operation)
	rig.Do(t, "DELETE", backups+"/"+child.ID, nil).Is(202)
	rig.Do(t, "DELETE", backups+"/"+b.ID, nil).Is(202)
	require.Empty(t, rig.Store.Backups)

	// One that is being made is given up by force.
	making := rig.Store.PutBackup(models.Backup{ID: uuidOf(210), Status: models.BackupCreating, FlowID: flow.ID(flow.BackupCreate, uuidOf(210), "req-9")})
	rig.Store.Flows[making.FlowID] = models.Flow{ID: making.FlowID, ResourceID: making.ID, State: models.FlowRunning}
	rig.Do(t, "DELETE", backups+"/"+making.ID, nil).Is(400)
	act(making.ID, "os-force_delete", nil, adminCall).Is(202)
	require.Equal(t, []string{making.FlowID + " abort"}, rig.Engine.Resolved)
}

func TestBackupRecords(t *testing.T) {
	rig, _, b := backupRig(t, models.Backup{Name: "b1", Service: "cinder.backup.drivers.posix.PosixBackupDriver", ObjectCount: 4, DataTimestamp: noon})
	rig.Do(t, "GET", backups+"/"+b.ID+"/export_record", nil).Is(403)
	record := rig.Do(t, "GET", backups+"/"+b.ID+"/export_record", nil, adminCall).Is(200).At("backup-record").(map[string]any)
	post := func(record map[string]any) *apitest.Answer {
		return rig.Do(t, "POST", backups+"/import_record", map[string]any{"backup-record": record}, adminCall)
	}
	require.Contains(t, string(post(record).Is(400).Body), "already exists")
	delete(rig.Store.Backups, b.ID)
	post(record).Is(201)
	got := rig.Store.Backups[b.ID]
	require.Equal(t, []any{"b1", int64(2), int64(4), b.Service, noon.Truncate(time.Second).UTC()}, []any{got.Name, got.SizeGiB, got.ObjectCount, got.Service, got.DataTimestamp})

	// As a real Cinder exports it.
	text, err := json.Marshal(map[string]any{
		"id": uuidOf(300), "size": 1, "volume_id": uuidOf(1), "parent_id": nil, "container": "30/12/x", "service_metadata": "volume_1_20260102_backup_3",
		"data_timestamp": "2026-01-02T12:00:00Z", "status": "available", "deleted": false, "num_dependent_backups": 0,
	})
	require.NoError(t, err)
	post(map[string]any{"backup_service": "x", "backup_url": base64.StdEncoding.EncodeToString(text)}).Is(201)
	in := rig.Engine.Started[len(rig.Engine.Started)-1].Input.(flow.BackupImportInput)
	require.Equal(t, flow.StoredBackup{ID: uuidOf(300), SizeGiB: 1, Container: "30/12/x", Prefix: "volume_1_20260102_backup_3"}, in.Stored)
	for _, bad := range []string{"%%%", base64.StdEncoding.EncodeToString([]byte("no json")), base64.StdEncoding.EncodeToString([]byte(`{"id":"x","size":1}`)), base64.StdEncoding.EncodeToString([]byte(`{"id":"` + uuidOf(301) + `"}`))} {
		post(map[string]any{"backup_service": "x", "backup_url": bad}).Is(400)
	}
	post(map[string]any{"backup_url": "x"}).Is(400)
}
