package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/tests/harness"
)

// apartServer is a server that tells its callers apart and encrypts what flows carry, with a storage node of its own.
type apartServer struct {
	*harness.Server
	dir, token string
	node       *harness.Process
}

func (a apartServer) file(name string) string { return filepath.Join(a.dir, name) }

func (a apartServer) text(t *testing.T, name string) string {
	text, err := os.ReadFile(a.file(name))
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

// upWithNode starts both, the node with its token and its own payload key only.
func upWithNode(t *testing.T) apartServer {
	a := apartServer{dir: t.TempDir()}
	for _, args := range [][]string{{}, {"--node", "node2", "--node-file", a.file("node2.keys")}, {"--node", "node3", "--node-file", a.file("node3.keys")}} {
		out, code := harness.Run(t, nil, append([]string{harness.Binary(t, "clinkerd"), "temporal", "payload-key", a.file("all.keys")}, args...)...)
		require.Zero(t, code, out)
	}
	require.NoError(t, os.WriteFile(a.file("backup.key"), []byte(strings.Repeat("5ec2e7", 10)+"0123\n"), 0o600))
	a.Server = harness.Up(t, harness.Options{Env: []string{
		"CLINKER_AUTH_STRATEGY=", "CLINKER_TEMPORAL__AUTHORIZE=yes", "CLINKER_TEMPORAL__PAYLOAD_KEYS=" + a.file("all.keys"), "CLINKER_BACKUP_ENCRYPTION_KEY_FILE=" + a.file("backup.key"),
	}})
	out, code := a.Ctl(t, "node", "token", "create", "node2", "--state-dir", a.StateDir)
	require.Zero(t, code, out)
	a.token = strings.TrimSpace(out)
	require.NoError(t, os.WriteFile(a.file("token"), []byte(out), 0o600))
	require.NoError(t, os.WriteFile(a.file("node2.conf"), fmt.Appendf(nil,
		"[DEFAULT]\nhost = node2\nstate_path = %[1]s/node2\nenabled_backends = apart\n[apart]\nvolume_driver = dir\nvolume_backend_name = apart\n[temporal]\naddress = %[2]s\napi_key_file = %[1]s/token\npayload_keys = %[1]s/node2.keys\n",
		a.dir, a.TemporalAddr), 0o600))
	a.node = harness.Launch(t, &harness.Process{
		Name: "node2", Log: a.file("node2.log"), Args: []string{harness.Binary(t, "clinkerd"), "worker", "storage", "--config-file", a.file("node2.conf")},
		Ready: func() bool { return strings.Contains(a.text(t, "node2.log"), "storage worker runs") },
	})
	return a
}

func (a apartServer) run(t *testing.T, args ...string) string {
	t.Helper()
	return withOpenrc(t, a.Server, append([]string{harness.Binary(t, "clinker")}, args...)...)
}

// TestNodeApart runs volumes on a node that has a token and a payload key of its own, and looks afterwards at what everybody could read.
func TestNodeApart(t *testing.T) {
	t.Parallel()
	a := upWithNode(t)
	a.run(t, "type", "create", "apart", "--property", "volume_backend_name=apart")
	const name = "plainly-visible-name"
	harness.Await(t, harness.Patience, func() (bool, string) {
		out := a.run(t, "pool", "list")
		return strings.Contains(out, "node2@apart"), out
	})
	a.run(t, "volume", "create", "--size", "1", "--type", "apart", "--wait", name)
	a.run(t, "volume", "extend", "--wait", name, "2")
	a.run(t, "volume", "create", "--size", "1", "--wait", "local")
	a.run(t, "backup", "create", "--wait", "--name", "kept", "local")
	userToken := strings.TrimSpace(withOpenrc(t, a.Server, "openstack", "token", "issue", "-f", "value", "-c", "id"))
	a.run(t, "volume", "delete", "--wait", name)
	require.Empty(t, a.Logged(t, "level=ERROR"))

	t.Run("histories", func(t *testing.T) { a.histories(t, name) })
	t.Run("without a token", func(t *testing.T) {
		out, code := harness.Run(t, []string{"CLINKER_TEMPORAL__API_KEY_FILE="}, harness.Binary(t, "clinkerd"), "worker", "storage", "--config-file", a.withoutToken(t))
		require.NotZero(t, code, out)
		require.Contains(t, strings.ToLower(out), "unauthorized")
	})
	t.Run("secrets", func(t *testing.T) { a.secrets(t, userToken, name) })
}

// withoutToken is the node's configuration with the token left out.
func (a apartServer) withoutToken(t *testing.T) string {
	path := a.file("no-token.conf")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(a.text(t, "node2.conf"), "api_key_file", "#api_key_file", 1)), 0o600))
	return path
}

// histories looks at every payload of every flow: none is plain, and what node2 got and answered is under its key, the rest under the control plane's.
func (a apartServer) histories(t *testing.T, name string) {
	out, code := a.Ctl(t, "node", "token", "create", "--control", "--state-dir", a.StateDir)
	require.Zero(t, code, out)
	o := client.Options{HostPort: a.TemporalAddr, Namespace: namespace, Credentials: client.NewAPIKeyStaticCredentials(strings.TrimSpace(out))}
	o.ConnectionOptions.TLSDisabled = true
	c, err := client.DialContext(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	ring := func(file string) engine.Keys {
		k, err := engine.ReadKeys(a.file(file))
		require.NoError(t, err)
		return k
	}
	all, mine, other := ring("all.keys"), ring("node2.keys"), ring("node3.keys")
	opens := func(k engine.Keys, p *commonpb.Payload) bool {
		_, err := k.Decode([]*commonpb.Payload{p})
		return err == nil
	}
	list, err := c.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace})
	require.NoError(t, err)
	seen, node := 0, 0
	var sample *commonpb.Payload // the input of a step on the node
	for _, w := range list.GetExecutions() {
		events := c.GetWorkflowHistory(t.Context(), w.GetExecution().GetWorkflowId(), "", false, 0)
		onNode := map[int64]bool{}
		for events.HasNext() {
			e, err := events.Next()
			require.NoError(t, err)
			scheduled := e.GetActivityTaskScheduledEventAttributes()
			if strings.Contains(scheduled.GetTaskQueue().GetName(), "/node2") {
				onNode[e.GetEventId()] = true
			}
			its := onNode[e.GetEventId()] || onNode[e.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()]
			require.NotContains(t, e.String(), name)
			if p := scheduled.GetInput().GetPayloads(); its && scheduled.GetActivityType().GetName() == "CreateVolume" {
				sample = p[0]
			}
			for _, p := range append(scheduled.GetInput().GetPayloads(), append(e.GetActivityTaskCompletedEventAttributes().GetResult().GetPayloads(), e.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()...)...) {
				require.Equal(t, "binary/encrypted", string(p.GetMetadata()["encoding"]), e.GetEventType())
				require.True(t, opens(all, p))
				require.False(t, opens(other, p), "another node's key")
				require.Equal(t, its, opens(mine, p), "%s of %s", e.GetEventType(), w.GetType().GetName())
				seen++
				if its {
					node++
				}
			}
		}
	}
	a.codecServer(t, sample)
	require.GreaterOrEqual(t, seen, 12)
	require.GreaterOrEqual(t, node, 6, "create, extend and delete were there, asked and answered")
}

// secrets searches everything that is kept and shown for every secret that this server knows, and the node's memory for what is not the node's.
func (a apartServer) secrets(t *testing.T, userToken, name string) {
	secrets := adminSecrets(t, a.StateDir, userToken)
	secrets["the node's token"], secrets["the backup key"] = []byte(a.token), []byte(a.text(t, "backup.key"))
	addPayloadKeys(t, secrets, a.file("all.keys"))
	places := places{}
	places.tree(t, a.StateDir)
	places.tree(t, a.file("node2"))
	places["the server's log"], places["the node's log"] = a.Log, a.node.Log
	places.process("the server", a.Pid())
	places.process("the node", a.node.Pid())
	places.wantNone(t, secrets, a.Log)
	// What is known to be in these places is found there: the search can find.
	require.Contains(t, strings.Join(places.holding(t, []byte(name)), " "), filepath.Join(a.StateDir, "clinker.db")) // or the log beside it
	require.Contains(t, places.holding(t, []byte("CLINKER_TEMPORAL__AUTHORIZE=yes")), "environ of the server")
	require.Contains(t, places.holding(t, []byte(a.file("node2.conf"))), "cmdline of the node")
	require.NotEmpty(t, places.holding(t, []byte("volume-create:")), "Temporal's database")
	planted := filepath.Join(a.StateDir, "planted")
	require.NoError(t, os.WriteFile(planted, append([]byte("x"), secrets["the node's token"]...), 0o600))
	places[planted] = planted
	require.Equal(t, []string{planted}, places.holding(t, secrets["the node's token"]))

	known := inMemory(t, secrets, a.node.Pid())[a.node.Pid()]
	for _, what := range known {
		require.True(t, what == "the node's token" || strings.HasSuffix(what, " of node2"), "the node's process has %s", what)
	}
	require.NotEmpty(t, known, "the search finds what a process does know")
}

// codecServer has `clinkerd codec-server` decode a payload for the Web UI, as a browser asks for it.
func (a apartServer) codecServer(t *testing.T, sample *commonpb.Payload) {
	addr := harness.FreeAddr(t)
	harness.Launch(t, &harness.Process{
		Name: "codec-server", Args: []string{harness.Binary(t, "clinkerd"), "codec-server", "--addr", addr, "--origin", "http://" + a.UIAddr},
		Env: []string{"CLINKER_TEMPORAL__PAYLOAD_KEYS=" + a.file("all.keys"), "CLINKER_STATE_PATH=" + a.StateDir}, Ready: func() bool { return listens(addr) },
	})
	body, err := json.Marshal(object{"payloads": []object{{"metadata": sample.GetMetadata(), "data": sample.GetData()}}})
	require.NoError(t, err)
	for origin, code := range map[string]int{"http://" + a.UIAddr: http.StatusOK, "http://evil.example.org": http.StatusForbidden} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/decode", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Origin", origin)
		req.Header.Set("Content-Type", "application/json")
		r, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer r.Body.Close()
		require.Equal(t, code, r.StatusCode)
		if code != http.StatusOK {
			continue
		}
		require.Equal(t, origin, r.Header.Get("Access-Control-Allow-Origin"))
		var shown struct{ Payloads []struct{ Data []byte } }
		require.NoError(t, json.NewDecoder(r.Body).Decode(&shown))
		require.Contains(t, string(shown.Payloads[0].Data), "volume")
	}
}
