package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// schedule is what tests look at of a backup schedule.
type schedule struct {
	ID     string `json:"id"`
	Paused bool   `json:"paused"`
	Runs   int    `json:"runs"`
	Flow   string `json:"flow_id"`
	Backup string `json:"last_backup_id"`
	Result string `json:"last_result"`
	Error  string `json:"last_error"`
}

func showSchedule(t *testing.T, api *harness.Client, id string) schedule {
	t.Helper()
	var body struct {
		Schedule schedule `json:"backup_schedule"`
	}
	api.Want(t, http.StatusOK, "GET", "/backup-schedules/"+id, nil).Decode(t, &body)
	return body.Schedule
}

func newSchedule(t *testing.T, api *harness.Client, fields object) string {
	t.Helper()
	var body struct {
		Schedule schedule `json:"backup_schedule"`
	}
	api.Want(t, http.StatusCreated, "POST", "/backup-schedules", object{"backup_schedule": fields}).Decode(t, &body)
	return body.Schedule.ID
}

// waitSchedule waits until a schedule has ended so many runs, and no run of it is under way.
func waitSchedule(t *testing.T, api *harness.Client, id string, runs int) schedule {
	t.Helper()
	var s schedule
	harness.Await(t, harness.Patience, func() (bool, string) {
		s = showSchedule(t, api, id)
		return s.Runs >= runs && s.Flow == "", fmt.Sprintf("schedule %s to have run %d times: %+v", id, runs, s)
	})
	return s
}

// everyMinute has a schedule that is due each minute, whose service is killed before the first time. What it has done is looked at by the
// function that is returned, later: meanwhile the test does something else.
func everyMinute(t *testing.T, s *harness.Server, api *harness.Client) (look func()) {
	t.Helper()
	v := api.CreateAvailable(t, "each-minute", 1)
	scribble(t, harness.VolumeFile(s.VolumeDir(), v.ID), 5<<20, "tick ", 1000)
	id := newSchedule(t, api, object{"volume_id": v.ID, "cron": "* * * * *", "keep_last": 1, "full_every": 1})
	gone := newSchedule(t, api, object{"volume_id": v.ID, "cron": "* * * * *", "paused": true})
	s.Kill(t)
	s.Start(t)
	return func() {
		t.Helper()
		last := waitSchedule(t, api, id, 1)
		require.Equal(t, "SUCCESS", last.Result, last.Error)
		api.Want(t, http.StatusOK, "PUT", "/backup-schedules/"+id, object{"backup_schedule": object{"paused": true}})
		last = waitSchedule(t, api, id, 1)
		require.Equal(t, []string{last.Backup}, backupsOf(t, api, v.ID), "one is kept")
		require.Zero(t, showSchedule(t, api, gone).Runs, "what is paused is not run")
		for _, schedule := range []string{id, gone} {
			api.Want(t, http.StatusNoContent, "DELETE", "/backup-schedules/"+schedule, nil)
		}
		api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+last.Backup, nil)
		api.WaitBackup(t, last.Backup, "")
	}
}

func backupsOf(t *testing.T, api *harness.Client, volume string) []string {
	t.Helper()
	var page struct{ Backups []harness.Backup }
	api.Want(t, http.StatusOK, "GET", "/backups/detail?volume_id="+volume, nil).Decode(t, &page)
	var ids []string
	for _, b := range page.Backups {
		ids = append(ids, b.ID)
	}
	return ids
}

// scheduled runs a schedule by hand, four times: a full backup, an incremental, a full one that makes the first two go, and one of a volume
// that is gone.
func scheduled(t *testing.T, s *harness.Server, api *harness.Client) {
	t.Helper()
	clinker := func(args ...string) (string, int) {
		return s.CLI(t, "schedules", append([]string{"backup", "schedule"}, args...)...)
	}
	v := api.CreateAvailable(t, "scheduled", 1)
	file := harness.VolumeFile(s.VolumeDir(), v.ID)
	out, code := clinker("create", "scheduled", "--name", "yearly", "--cron", "0 0 1 1 *", "--time-zone", "Asia/Tokyo", "--keep-last", "1", "--full-every", "2", "--verify-every", "1")
	require.Zero(t, code, out)
	id := properties(t, out)["id"]
	var made []string
	for round, want := range []int{1, 2, 1} {
		scribble(t, file, int64(round)<<20, "round ", 1000)
		out, code := clinker("run", "yearly", "--wait")
		require.Zero(t, code, out)
		made = append(made, showSchedule(t, api, id).Backup)
		have := backupsOf(t, api, v.ID)
		require.Len(t, have, want, out)
		require.Contains(t, have, made[round])
	}
	shown, code := s.CLI(t, "schedules", "backup", "show", made[2])
	require.Zero(t, code)
	require.Equal(t, id, properties(t, shown)["clinker:schedule_id"])
	require.NotEmpty(t, properties(t, shown)["clinker:verified_at"], "it has been read back")
	restored := harness.Object{}
	api.Want(t, http.StatusAccepted, "POST", "/backups/"+made[2]+"/restore", object{"restore": object{}}).Decode(t, &restored)
	target := restored["restore"].(map[string]any)["volume_id"].(string)
	api.WaitStatus(t, target, "available")
	require.Equal(t, hashOf(t, file), hashOf(t, harness.VolumeFile(s.VolumeDir(), target)))

	api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+made[2], nil)
	api.WaitBackup(t, made[2], "")
	api.Want(t, http.StatusAccepted, "DELETE", "/volumes/"+v.ID, nil)
	api.WaitGone(t, v.ID)
	out, code = clinker("run", "yearly", "--wait")
	require.NotZero(t, code, out)
	last := waitSchedule(t, api, id, 4)
	require.Equal(t, []any{true, "FAILURE"}, []any{last.Paused, last.Result})
	require.Contains(t, last.Error, "volume "+v.ID+" of the schedule is gone")
	var told struct{ Messages []object }
	api.Want(t, http.StatusOK, "GET", "/messages?resource_uuid="+id, nil, "OpenStack-API-Version: volume 3.5").Decode(t, &told)
	require.Len(t, told.Messages, 1)
	out, code = clinker("delete", "yearly")
	require.Zero(t, code, out)
}
