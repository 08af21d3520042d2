package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const schedules = "/v3/" + apitest.Project + "/backup-schedules"

func TestSchedules(t *testing.T) {
	rig, v, _ := backupRig(t, models.Backup{})
	post := func(fields map[string]any, calls ...apitest.Call) *apitest.Answer {
		return rig.Do(t, "POST", schedules, map[string]any{"backup_schedule": fields}, calls...)
	}
	made := post(map[string]any{"volume_id": v.ID, "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "name": "nightly", "keep_daily": 7}).Is(201).At("backup_schedule").(map[string]any)
	require.Equal(t, []any{"nightly", 7.0, 7.0, 0.0, false, nil}, []any{made["name"], made["keep_daily"], made["full_every"], made["verify_every"], made["paused"], made["last_result"]})
	next, err := time.Parse("2006-01-02T15:04:05.000000", made["next_run_at"].(string))
	require.NoError(t, err)
	require.True(t, next.After(time.Now()) && next.Before(time.Now().Add(25*time.Hour)), "it is due within a day: %s", next)
	one := schedules + "/" + made["id"].(string)

	for _, bad := range []map[string]any{
		{"cron": "@daily"},
		{"volume_id": v.ID},
		{"volume_id": v.ID, "cron": "every night"},
		{"volume_id": v.ID, "cron": "0 0 1 * mon"},
		{"volume_id": v.ID, "cron": "@daily", "time_zone": "Mars/Olympus"},
		{"volume_id": v.ID, "cron": "@daily", "full_every": 0},
		{"volume_id": v.ID, "cron": "@daily", "keep_last": -1},
		{"volume_id": v.ID, "cron": "@daily", "colour": "red"},
	} {
		require.Equal(t, 400, post(bad).Code, bad)
	}
	post(map[string]any{"volume_id": uuidOf(9), "cron": "@daily"}).Is(404)
	post(map[string]any{"volume_id": v.ID, "cron": "@daily"}, apitest.Call{Token: "bob:" + apitest.Project + ":reader"}).Is(403)
	require.Len(t, rig.Store.Schedules, 1)

	foreign := apitest.Call{Token: apitest.Other}
	for _, method := range []string{"GET", "DELETE"} {
		rig.Do(t, method, "/v3/0123456789abcdef0123456789abcdef/backup-schedules/"+made["id"].(string), nil, foreign).Is(404)
	}
	list := rig.Do(t, "GET", schedules+"?name=nightly&volume_id="+v.ID, nil).Is(200).JSON()
	require.Len(t, list["backup_schedules"], 1)
	require.Empty(t, rig.Do(t, "GET", schedules+"?name=other", nil).Is(200).JSON()["backup_schedules"])

	put := func(fields map[string]any) *apitest.Answer {
		return rig.Do(t, "PUT", one, map[string]any{"backup_schedule": fields})
	}
	put(map[string]any{"cron": "61 * * * *"}).Is(400)
	put(map[string]any{"volume_id": uuidOf(7)}).Is(400)
	put(map[string]any{}).Is(400)
	changed := put(map[string]any{"cron": "@weekly", "keep_daily": 3, "paused": true}).Is(200).At("backup_schedule").(map[string]any)
	require.Equal(t, []any{"@weekly", 3.0, true, nil}, []any{changed["cron"], changed["keep_daily"], changed["paused"], changed["next_run_at"]})

	run := func(body any) *apitest.Answer { return rig.Do(t, "POST", one+"/action", body) }
	run(map[string]any{"walk": map[string]any{}}).Is(400)
	run(map[string]any{"run": map[string]any{"fast": true}}).Is(400)
	run(map[string]any{"run": nil}).Is(400)
	started := run(map[string]any{"run": map[string]any{}}).Is(202).Header.Get("Clinker-Flow")
	require.Equal(t, started, rig.Engine.Started[0].Header.FlowID)
	in := rig.Engine.Started[0].Input.(flow.ScheduleRunInput)
	require.Equal(t, []string{v.ID, apitest.Project}, []string{in.VolumeID, in.ProjectID})
	run(map[string]any{"run": map[string]any{}}).Is(409)
	require.Len(t, rig.Engine.Started, 1)
	shown := rig.Do(t, "GET", one, nil).Is(200).At("backup_schedule").(map[string]any)
	require.Equal(t, started, shown["flow_id"])
	rig.Do(t, "DELETE", one, nil).Is(204)
	rig.Do(t, "GET", one, nil).Is(404)
	rig.Do(t, "GET", schedules+"/nonsense", nil).Is(404)
}
