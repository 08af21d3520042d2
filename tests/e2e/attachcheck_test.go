package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/tests/harness"
)

// checkedAttachments has the record and a host differ, both ways round: an operator is shown what differs, and what is certain is mended.
func checkedAttachments(t *testing.T, s *harness.Server) {
	host := harness.HostWorker(t, s.TemporalAddr, "compute3")
	api := s.API("checked")
	v := api.CreateAvailable(t, "db01", 1)
	api.WaitFlow(t, api.Action(t, v.ID, "clinker-attach", object{"host": "compute3"}), "SUCCESS")
	check := func(code int, args ...string) string {
		t.Helper()
		out, got := s.CLI(t, "checked", append([]string{"attachment", "check", "--wait", "--apart", "1s"}, args...)...)
		require.Equal(t, code, got, out)
		return out
	}
	check(0)

	var note string
	for _, e := range host.Env {
		if state, ok := strings.CutPrefix(e, "CLINKER_STATE_PATH="); ok {
			note = filepath.Join(state, "attached", v.ID+".json")
		}
	}
	noted, err := os.ReadFile(note)
	require.NoError(t, err)
	require.NoError(t, os.Remove(note))
	out := check(1)
	require.Contains(t, out, flow.NotOnHost)
	require.Contains(t, out, models.OutcomePerson)
	require.Contains(t, check(1, "--mend", "-o", "json"), `"Outcome": "`+models.OutcomeTold)
	require.NoError(t, os.WriteFile(note, noted, 0o600))
	check(0)

	api.WaitFlow(t, api.Action(t, v.ID, "clinker-detach", object{}), "SUCCESS")
	require.NoFileExists(t, note)
	require.NoError(t, os.WriteFile(note, noted, 0o600))
	require.Contains(t, check(1), models.OutcomeMends)
	require.FileExists(t, note, "it was to be shown only")
	require.Contains(t, check(1, "--mend"), models.OutcomeMended)
	harness.Await(t, harness.Patience, func() (bool, string) {
		_, err := os.Stat(note)
		return os.IsNotExist(err), "the host to give the stray back"
	})
	api.WaitStatus(t, v.ID, "available")
	check(0)
	out, code := s.CLI(t, "checked", "attachment", "check", "latest")
	require.Zero(t, code, out)
}

// novaStand is Keystone and Nova as far as an extend needs them. What Nova itself asks of a request, internal/nova holds its client to.
type novaStand struct {
	*httptest.Server
	mu   sync.Mutex
	told []string
	gone bool // Nova knows no server
}

func newNovaStand(t *testing.T) *novaStand {
	n := &novaStand{}
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

// env has a server tell this Nova.
func (n *novaStand) env() []string {
	return []string{"CLINKER_NOVA__AUTH_URL=" + n.URL + "/v3", "CLINKER_NOVA__USERNAME=clinker", "CLINKER_NOVA__PASSWORD=s3cret", "CLINKER_NOVA__PROJECT_NAME=service"}
}

func (n *novaStand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	answer := func(code int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body)
	}
	var body struct {
		Events []object `json:"events"`
	}
	switch {
	case r.URL.Path == "/v3/auth/tokens":
		w.Header().Set("X-Subject-Token", "ours")
		answer(201, object{"token": object{
			"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano),
			"catalog":    []object{{"type": "compute", "endpoints": []object{{"id": "c", "region": "r", "region_id": "r", "interface": "public", "url": n.URL + "/v2.1"}}}},
		}})
	case r.URL.Path != "/v2.1/os-server-external-events" || r.Header.Get("X-Auth-Token") != "ours" || n.gone || json.NewDecoder(r.Body).Decode(&body) != nil:
		answer(404, object{"itemNotFound": object{"code": 404, "message": "No instances found for any event"}})
	default:
		for _, e := range body.Events {
			n.told = append(n.told, e["name"].(string)+" "+e["server_uuid"].(string)+" "+e["tag"].(string))
			e["code"], e["status"] = 200, "completed"
		}
		answer(200, object{"events": body.Events})
	}
}

// novaIsTold extends a server's volume while it is in use: Nova hears of it once the volume has its size; where it does not want to, the extend stands
// and a message says so.
func novaIsTold(t *testing.T, s *harness.Server, n *novaStand) {
	api := s.API("nova")
	v := api.CreateAvailable(t, "db01", 1)
	var made struct{ Attachment struct{ ID string } }
	api.Want(t, http.StatusOK, "POST", "/attachments", object{"attachment": object{
		"volume_uuid": v.ID, "instance_uuid": instanceID, "connector": object{"host": "nova1", "initiator": "iqn.2026-01.example:nova1"},
	}}, attachVersion).Decode(t, &made)
	api.Want(t, http.StatusNoContent, "POST", "/attachments/"+made.Attachment.ID+"/action", object{"os-complete": nil}, attachVersion)
	extend := func(size int) {
		r := api.Want(t, http.StatusAccepted, "POST", "/volumes/"+v.ID+"/action", object{"os-extend": object{"new_size": size}}, "OpenStack-API-Version: volume 3.42")
		api.WaitFlow(t, r.Flow(), "SUCCESS")
		api.WaitStatus(t, v.ID, "in-use")
	}
	extend(2)
	harness.Await(t, harness.Patience, func() (bool, string) {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.told) > 0, "Nova to be told"
	})
	n.mu.Lock()
	require.Equal(t, []string{"volume-extended " + instanceID + " " + v.ID}, n.told)
	n.gone = true
	n.mu.Unlock()
	extend(3)
	harness.Await(t, harness.Patience, func() (bool, string) {
		said := api.Want(t, http.StatusOK, "GET", "/messages?resource_uuid="+v.ID, nil, "OpenStack-API-Version: volume 3.5")
		return strings.Contains(string(said.Body), "VOLUME_VOLUME_007_009"), "a message to be left"
	})
	api.Want(t, http.StatusConflict, "DELETE", "/attachments/"+made.Attachment.ID, nil, attachVersion)
	refused := api.Want(t, http.StatusConflict, "POST", "/volumes/"+v.ID+"/action", object{"os-force_detach": object{"attachment_id": made.Attachment.ID}})
	require.Contains(t, string(refused.Body), "nothing proves that host nova1 has stopped writing")
	api.Action(t, v.ID, "os-force_detach", object{"attachment_id": made.Attachment.ID, "host_is_fenced": true})
	api.WaitStatus(t, v.ID, "available")
}
