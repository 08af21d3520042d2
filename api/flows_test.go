package api_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const flowsAt = "/v3/" + apitest.Project + "/flows"

func TestShowFlow(t *testing.T) {
	rig := apitest.New(t)
	_, id := hold(rig, flow.VolumeCreate, models.VolumeError)
	for _, path := range []string{flowsAt + "/" + id, flowsAt + "/" + url.PathEscape(id)} {
		f := rig.Do(t, "GET", path, nil).Is(200).At("flow").(map[string]any)
		require.Equal(t, id, f["id"])
		require.Equal(t, "HELD", f["state"])
		require.Equal(t, "full", f["error"])
		require.Equal(t, "make room", f["hint"])
		require.Nil(t, f["finished_at"])
		require.Nil(t, f["backend"])
		require.Equal(t, "2026-01-02T12:00:00.123456", f["created_at"])
		task := f["tasks"].([]any)[0].(map[string]any)
		require.Equal(t, "RUNNING", task["state"], "an open flow shows what the engine knows")
		require.EqualValues(t, 3, task["attempt"])
	}
	// Without the engine the record is the answer.
	rig.Engine.Away = true
	task := rig.Do(t, "GET", flowsAt+"/"+id, nil).Is(200).At("flow").(map[string]any)["tasks"].([]any)[0].(map[string]any)
	require.Equal(t, "FAILURE", task["state"])

	rig.Do(t, "GET", flowsAt+"/none", nil).Refused(404, "itemNotFound")
	rig.Do(t, "GET", "/v3/flows/"+id, nil, apitest.Call{Token: apitest.Other}).Refused(404, "itemNotFound")
}

func TestListFlows(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.Delay = time.Millisecond
	for range 3 {
		rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`).Is(202)
	}
	_, held := hold(rig, flow.VolumeDelete, models.VolumeErrorDeleting)
	count := func(query string) int {
		return len(rig.Do(t, "GET", flowsAt+query, nil).Is(200).JSON()["flows"].([]any))
	}
	require.Equal(t, 4, count(""))
	require.Equal(t, 3, count("?operation=volume-create"))
	require.Equal(t, 1, count("?state=held"))
	require.Equal(t, 4, count("?state=HELD&state=SUCCESS"))
	require.Equal(t, 1, count("?resource_id="+uuidOf(1)))
	require.Equal(t, 1, count("?request_id="+url.QueryEscape(rig.Engine.Started[0].Header.RequestID)))
	require.Equal(t, 0, count("?backend=h@b"))
	rig.Do(t, "GET", flowsAt+"?state=stuck", nil).Refused(400, "badRequest")

	seen, next := 0, flowsAt+"?limit=3"
	for next != "" {
		a := rig.Do(t, "GET", next, nil).Is(200)
		seen += len(a.JSON()["flows"].([]any))
		next = ""
		if links, ok := a.JSON()["flows_links"].([]any); ok {
			next = links[0].(map[string]any)["href"].(string)
		}
	}
	require.Equal(t, 4, seen)
	require.NotEmpty(t, held)
}

func TestFlowActions(t *testing.T) {
	rig := apitest.New(t)
	_, id := hold(rig, flow.VolumeCreate, models.VolumeError)
	at := flowsAt + "/" + id + "/action"
	rig.Do(t, "POST", at, `{"retry":{}}`).Refused(403, "forbidden")
	for _, bad := range []string{`{}`, `{"redo":{}}`, `{"retry":{},"abort":{}}`, `{"retry":[]}`, `{"skip":{"why":"x"}}`} {
		rig.Do(t, "POST", at, bad, admin).Refused(400, "badRequest")
	}
	a := rig.Do(t, "POST", at, `{"retry":{"reason":"mended"}}`, admin).Is(202)
	require.Equal(t, id, a.Header.Get("Clinker-Flow"))
	require.Equal(t, []string{id + " retry"}, rig.Engine.Resolved)
	rig.Do(t, "POST", at, `{"abort":null}`, admin).Refused(409, "conflictingRequest")
	rig.Do(t, "POST", flowsAt+"/none/action", `{"abort":null}`, admin).Refused(404, "itemNotFound")

	_, id = hold(rig, flow.VolumeCreate, models.VolumeError)
	rig.Engine.Away = true
	rig.Do(t, "POST", at, `{"abort":{}}`, admin).Refused(503, "serviceUnavailable")
	rig.Engine.Away = false
	rig.Do(t, "POST", at, `{"abort":{}}`, admin).Is(202)
	require.Equal(t, models.FlowReverted, rig.Store.Flows[id].State)
}
