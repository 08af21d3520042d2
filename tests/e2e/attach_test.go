package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

const instanceID = "99999999-8888-4777-8666-555555555555"

// TestAttachments has volumes attached and detached by the real clients, and by many at once; at the end nothing is left of it.
func TestAttachments(t *testing.T) {
	t.Parallel()
	n := newNovaStand(t)
	s := harness.Up(t, harness.Options{Env: n.env()})
	t.Run("checked", func(t *testing.T) { checkedAttachments(t, s) })
	t.Run("nova", func(t *testing.T) { novaIsTold(t, s, n) })
	t.Run("clients", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *harness.Server){
			"cinder": cinderAttach, "openstack": openstackAttach, "many": manyAttachments, "twice": attachedTwice, "two hosts": burstOnHosts,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s)
			})
		}
	})
	s.API("any").WaitQuiet(t)
	s.CheckConsistent(t)
	refused := func(line string) bool { // by a Nova that knows no server, and by a backend that can't shut a host out
		return strings.Contains(line, "ActivityType=TellExtended") || strings.Contains(line, "nothing proves that host nova1")
	}
	require.Empty(t, slices.DeleteFunc(s.Logged(t, "level=ERROR"), refused))
	require.Empty(t, s.Logged(t, "panic"))
	for _, project := range []string{demo, "stackers", "many", "twice", "two-hosts", "checked", "nova"} {
		got := s.API(project).Want(t, http.StatusOK, "GET", "/attachments", nil, attachVersion)
		require.JSONEq(t, `{"attachments":[]}`, string(got.Body), project)
	}
}

// The life of an attachment with Debian's python3-cinderclient.
func cinderAttach(t *testing.T, s *harness.Server) {
	cinder := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{"cinder", "--os-volume-api-version", "3.60"}, args...)...)
	}
	api := s.API(demo)
	id := api.CreateAvailable(t, "db", 1).ID
	a := properties(t, cinder("attachment-create", "db", instanceID))["id"]
	require.NotEmpty(t, a)
	api.WaitStatus(t, id, "reserved")
	refusedCinder(t, s, "must be one of", "cinder", "--os-volume-api-version", "3.60", "attachment-create", "db")
	require.Regexp(t, a+`.*`+id+`.*reserved.*`+instanceID, cinder("attachment-list"))
	shown := cinder("attachment-update", a, "--host", "compute1", "--initiator", "iqn.2026-01.example:compute1", "--ip", "192.0.2.7")
	require.Contains(t, shown, "device_path")
	require.Contains(t, shown, harness.VolumeFile(s.VolumeDir(), id))
	api.WaitStatus(t, id, "attaching")
	cinder("attachment-complete", a)
	api.WaitStatus(t, id, "in-use")
	require.Regexp(t, `attached_at.*20\d\d-`, cinder("attachment-show", a))
	require.Contains(t, cinder("show", "db"), instanceID)
	refusedCinder(t, s, "ConflictNovaUsingAttachment", "cinder", "--os-volume-api-version", "3.60", "attachment-delete", a)
	refusedCinder(t, s, "", "cinder", "delete", "db")
	require.Contains(t, cinder("migrate", "db", "node9@dir#dir"), "does not ask Nova to swap the disk of a guest") // the client ends with 0 all the same
	api.Want(t, http.StatusOK, "DELETE", "/attachments/"+a, nil, attachVersion, "X-Service-Token: nova:service")
	api.WaitStatus(t, id, "available")

	b := properties(t, cinder("attachment-create", "db", "--connect", "True", "--host", "compute1", "--initiator", "iqn.2026-01.example:compute1", "--mode", "ro"))["id"]
	api.WaitStatus(t, id, "attaching")
	cinder("attachment-complete", b)
	cinder("attachment-delete", b)
	api.WaitStatus(t, id, "available")
	cinder("delete", "db")
	api.WaitGone(t, id)
}

// The same with python3-openstackclient, as far as it goes without a compute service: it asks one for the server of a new attachment.
func openstackAttach(t *testing.T, s *harness.Server) {
	config := filepath.Join(t.TempDir(), "clouds.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, clouds, s.APIAddr), 0o600))
	openstack := func(args ...string) string {
		t.Helper()
		full := append([]string{"openstack", "--os-cloud", "clinker", "--os-volume-api-version", "3.60", "volume", "attachment"}, args...)
		out, code := harness.Run(t, []string{"OS_CLIENT_CONFIG_FILE=" + config}, full...)
		require.Zero(t, code, "%v: %s", args, out)
		return out
	}
	api := s.API("stackers")
	id := api.CreateAvailable(t, "os-db", 1).ID
	a := reserve(t, api, id)
	require.Contains(t, openstack("list", "-f", "value"), a)
	out := openstack("set", a, "--host", "compute1", "--initiator", "iqn.2026-01.example:compute1", "-f", "json")
	require.Contains(t, out, "attaching")
	openstack("complete", a)
	api.WaitStatus(t, id, "in-use")
	require.Contains(t, openstack("show", a, "-f", "json"), "device_path")
	openstack("delete", a)
	api.WaitStatus(t, id, "available")
	api.Delete(t, id)
	api.WaitGone(t, id)
}

const attachVersion = "OpenStack-API-Version: volume 3.54"

var connector = harness.Object{"host": "compute1", "initiator": "iqn.2026-01.example:compute1"}

// reserve takes a place on a volume.
func reserve(t *testing.T, api *harness.Client, id string) string {
	t.Helper()
	return attachmentID(t, api.Want(t, http.StatusOK, "POST", "/attachments", harness.Object{"attachment": harness.Object{"volume_uuid": id}},
		attachVersion))
}

func attachmentID(t *testing.T, r harness.Response) string {
	t.Helper()
	var doc struct{ Attachment struct{ ID string } }
	require.NoError(t, json.Unmarshal(r.Body, &doc))
	require.NotEmpty(t, doc.Attachment.ID)
	return doc.Attachment.ID
}

// Many volumes are attached and detached at once.
func manyAttachments(t *testing.T, s *harness.Server) {
	api := s.API("many")
	ids := make([]string, 10) // the project's quota
	for i := range ids {
		ids[i] = api.CreateAvailable(t, fmt.Sprintf("v%02d", i), 1).ID
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			ctx := t.Context()
			made, err := api.Do(ctx, "POST", "/attachments", harness.Object{"attachment": harness.Object{"volume_uuid": id, "connector": connector}},
				attachVersion)
			if err != nil || made.Status != http.StatusOK {
				t.Errorf("attach: %v %d %s", err, made.Status, made.Body)
				return
			}
			a := attachmentID(t, made)
			for _, step := range []struct{ method, path string }{{"POST", "/attachments/" + a + "/action"}, {"DELETE", "/attachments/" + a}} {
				var body any
				if step.method == "POST" {
					body = harness.Object{"os-complete": nil}
				}
				if r, err := api.Do(ctx, step.method, step.path, body, attachVersion); err != nil || r.Status > 299 {
					t.Errorf("%s: %v %d %s", step.path, err, r.Status, r.Body)
				}
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		api.WaitStatus(t, id, "available")
		api.Delete(t, id)
	}
	for _, id := range ids {
		api.WaitGone(t, id)
	}
}

// Fifty volumes are brought to two hosts at once, and taken away at once; of many hosts that want one volume, one gets it.
func burstOnHosts(t *testing.T, s *harness.Server) {
	api := s.API("two-hosts")
	api.SetQuota(t, object{"volumes": -1, "gigabytes": -1})
	hosts := []string{"compute1", "compute2"}
	for _, h := range hosts {
		harness.HostWorker(t, s.TemporalAddr, h)
	}
	ids := make([]string, 50)
	for i := range ids {
		v, _ := api.Create(t, fmt.Sprintf("v%02d", i), 1)
		ids[i] = v.ID
	}
	for _, id := range ids {
		api.WaitStatus(t, id, "available")
	}
	flows := api.AttachAll(t, ids, func(i int) object { return object{"host": hosts[i%len(hosts)]} })
	t.Log(strings.Join(harness.Steps(flows, "HostProperties", "EntryCreate", "InitializeConnection", "ConnectVolume"), "; "))
	for _, id := range ids {
		api.WaitStatus(t, id, "in-use")
		api.Want(t, http.StatusBadRequest, "POST", "/volumes/"+id+"/action", object{"clinker-attach": object{"host": "compute1"}})
	}
	api.DetachAll(t, ids)
	for _, id := range ids {
		api.WaitStatus(t, id, "available")
	}

	// Both hosts want one volume.
	answers := make([]int, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			r, err := api.Do(t.Context(), "POST", "/volumes/"+ids[0]+"/action", object{"clinker-attach": object{"host": hosts[i%2]}})
			if err != nil {
				t.Error(err)
			}
			answers[i] = r.Status
		})
	}
	wg.Wait()
	won := 0
	for _, status := range answers {
		if status == http.StatusAccepted {
			won++
		} else if status != http.StatusBadRequest && status != http.StatusConflict {
			t.Errorf("answered %d", status)
		}
	}
	require.Equal(t, 1, won, "%v", answers)
	api.WaitStatus(t, ids[0], "in-use")
	api.DetachAll(t, ids[:1])
	for _, id := range ids {
		api.Delete(t, id)
	}
	for _, id := range ids {
		api.WaitGone(t, id)
	}
}

// Several want the same volume at once: one gets it, the others 400 or 409.
func attachedTwice(t *testing.T, s *harness.Server) {
	api := s.API("twice")
	id := api.CreateAvailable(t, "one", 1).ID
	var mu sync.Mutex
	var won []string
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			host := harness.Object{"host": fmt.Sprint("compute", i), "initiator": fmt.Sprint("iqn.2026-01.example:compute", i)}
			r, err := api.Do(t.Context(), "POST", "/attachments", harness.Object{"attachment": harness.Object{"volume_uuid": id, "connector": host}},
				attachVersion)
			switch {
			case err != nil:
				t.Error(err)
			case r.Status == http.StatusOK:
				mu.Lock()
				defer mu.Unlock()
				won = append(won, attachmentID(t, r))
			case r.Status != http.StatusBadRequest && r.Status != http.StatusConflict:
				t.Errorf("%d %s", r.Status, r.Body)
			}
		})
	}
	wg.Wait()
	require.Len(t, won, 1)
	api.Want(t, http.StatusOK, "DELETE", "/attachments/"+strings.Join(won, ""), nil, attachVersion)
	api.WaitStatus(t, id, "available")
	api.Delete(t, id)
	api.WaitGone(t, id)
}
