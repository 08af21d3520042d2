package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const checks = "/v3/" + apitest.Project + "/attachment-checks"

func TestAttachmentChecks(t *testing.T) {
	rig := apitest.New(t)
	admin := apitest.Call{Token: apitest.Admin}
	post := func(fields any) *apitest.Answer { return rig.Do(t, "POST", checks, fields, admin) }
	rig.Do(t, "GET", checks+"/latest", nil, admin).Is(404)

	made := post(map[string]any{"attachment_check": map[string]any{"mend": true, "apart": 5}}).Is(202).At("attachment_check").(map[string]any)
	require.Equal(t, []any{"running", true, 0.0, nil, []any{}}, []any{made["state"], made["mend"], made["differences"], made["ended_at"], made["places_unanswered"]})
	started := rig.Engine.Started[0]
	require.Equal(t, flow.CheckInput{CheckID: made["id"].(string), Mend: true, Apart: 5 * time.Second}, started.Input)
	require.NoError(t, started.Check())
	second := post(map[string]any{"attachment_check": map[string]any{}}).Is(202).At("attachment_check").(map[string]any)
	require.Equal(t, flow.CheckInput{CheckID: second["id"].(string), Apart: flow.CheckApart}, rig.Engine.Started[1].Input)
	require.Equal(t, false, second["mend"], "it shows, unless it is told to mend")

	for _, bad := range []any{
		map[string]any{},
		map[string]any{"attachment_check": nil},
		map[string]any{"attachment_check": map[string]any{"mend": 7}},
		map[string]any{"attachment_check": map[string]any{"apart": 0}},
		map[string]any{"attachment_check": map[string]any{"colour": "red"}},
	} {
		post(bad).Is(400)
	}
	for _, method := range []string{"GET", "POST"} {
		rig.Do(t, method, checks, map[string]any{"attachment_check": map[string]any{}}).Is(403)
	}
	rig.Do(t, "GET", checks+"/"+made["id"].(string), nil).Is(403)
	rig.Do(t, "GET", checks+"/"+made["id"].(string)+"/differences", nil).Is(403)
	rig.Do(t, "GET", checks+"/nonsense", nil, admin).Is(404)
	rig.Do(t, "GET", checks+"/"+uuidOf(9), nil, admin).Is(404)
	require.Len(t, rig.Engine.Started, 2)

	rig.Store.Checks[1].State, rig.Store.Checks[1].Unanswered, rig.Store.Checks[1].Found = models.CheckDone, []string{"h9"}, 2
	for i, kind := range []string{flow.StrayExport, flow.NotInGuest} {
		rig.Store.Found = append(rig.Store.Found, models.AttachmentDifference{ID: uuidOf(i + 1), CheckID: made["id"].(string), Kind: kind, Place: "n1@lvm", VolumeID: uuidOf(5), Mendable: i == 0, Outcome: models.OutcomeTold})
	}
	shown := rig.Do(t, "GET", checks+"/"+made["id"].(string), nil, admin).Is(200).At("attachment_check").(map[string]any)
	require.Equal(t, []any{"done", []any{"h9"}, 2.0}, []any{shown["state"], shown["places_unanswered"], shown["differences"]})
	found := rig.Do(t, "GET", checks+"/"+made["id"].(string)+"/differences?limit=1", nil, admin).Is(200).JSON()
	require.Len(t, found["differences"], 1)
	one := found["differences"].([]any)[0].(map[string]any)
	require.Equal(t, []any{flow.StrayExport, false, true, nil, nil, true, "told", nil}, []any{one["difference"], one["record"], one["target"], one["host"], one["guest"], one["mendable"], one["outcome"], one["attachment_id"]})
	require.NotEmpty(t, found["differences_links"])
	found = rig.Do(t, "GET", checks+"/"+made["id"].(string)+"/differences?marker="+uuidOf(1), nil, admin).Is(200).JSON()
	require.Equal(t, flow.NotInGuest, found["differences"].([]any)[0].(map[string]any)["difference"])
	latest := rig.Do(t, "GET", checks+"/latest", nil, admin).Is(200).At("attachment_check").(map[string]any)
	require.Equal(t, second["id"], latest["id"])
	require.Len(t, rig.Do(t, "GET", checks, nil, admin).Is(200).JSON()["attachment_checks"], 2)

	// One that Temporal could not be told of has failed; one that gave no sign for long too.
	rig.Engine.Away = true
	post(map[string]any{"attachment_check": map[string]any{}}).Is(503)
	require.Equal(t, models.CheckFailed, rig.Store.Checks[0].State)
	rig.Store.Checks[0].State, rig.Store.Checks[0].UpdatedAt = models.CheckRunning, time.Now().Add(-3*time.Hour)
	latest = rig.Do(t, "GET", checks+"/latest", nil, admin).Is(200).At("attachment_check").(map[string]any)
	require.Equal(t, "failed", latest["state"])
	require.NotNil(t, latest["error"])
}
