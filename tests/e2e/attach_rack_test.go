package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// rackAttach attaches a volume of the group over LIO with the real os-brick, writes and reads it back, and looks that what a host proves itself
// by is nowhere but where it belongs.
func rackAttach(t *testing.T, r *rack) {
	api := r.Client(demo)
	node := r.node.With(t)
	script, err := filepath.Abs("testdata/osbrick.py")
	require.NoError(t, err)
	copyFile(t, script, filepath.Join(r.share, "osbrick.py"))
	r.newPattern(t)
	v := api.WaitStatus(t, properties(t, r.cinder(t, "create", "1", "--name", "disk", "--volume-type", "lvm"))["id"], "available")

	host := harness.Object{"host": node.Name, "ip": node.Addr, "initiator": node.Initiator(), "multipath": false}
	made := api.Want(t, http.StatusOK, "POST", "/attachments", harness.Object{"attachment": harness.Object{"volume_uuid": v.ID, "connector": host}},
		"OpenStack-API-Version", attachVersion)
	a := attachmentID(t, made)
	info := connectionOf(t, made)
	require.Equal(t, "iscsi", info["driver_volume_type"])
	secret, _ := info["auth_password"].(string)
	require.NotEmpty(t, secret)
	shown := connectionOf(t, api.Want(t, http.StatusOK, "GET", "/attachments/"+a, nil, "OpenStack-API-Version", attachVersion))
	require.Equal(t, info, shown)

	wrong := map[string]any{}
	for k, value := range info {
		wrong[k] = value
	}
	wrong["auth_password"] = "wrongwrongwrong1"
	r.saveInfo(t, wrong)
	out, err := node.RunErr("python3", "/host/osbrick.py", "connect", "/host/info.json")
	require.Error(t, err, "a wrong password: %s", out)

	r.saveInfo(t, info)
	brick := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(node.Run(append([]string{"python3", "/host/osbrick.py"}, args...)...))
	}
	path := brick("connect", "/host/info.json")
	require.True(t, strings.HasPrefix(path, "/dev/"), path)
	api.Want(t, http.StatusNoContent, "POST", "/attachments/"+a+"/action", harness.Object{"os-complete": nil}, "OpenStack-API-Version", attachVersion)
	node.Run("sh", "-ec", `dd status=none if="$1" of="$2" bs=1M seek=5 oflag=direct && cmp -n $((3<<20)) -i 0:$((5<<20)) "$1" "$2"`, "sh", "/host/"+patternName, path)
	brick("disconnect", "/host/info.json", path)
	r.script(t, v, `cmp -n $((3<<20)) -i 0:$((5<<20)) "$1" "$2"`)
	r.strangerRefused(t, node)

	r.nowhere(t, secret)
	api.Want(t, http.StatusOK, "DELETE", "/attachments/"+a, nil, "OpenStack-API-Version", attachVersion)
	require.NotContains(t, node.Run("sh", "-c", "ls /sys/kernel/config/target/iscsi || true"), v.ID, "the export is gone with its last host")
	_, err = node.RunErr("python3", "/host/osbrick.py", "connect", "/host/info.json")
	require.Error(t, err, "nobody is let in any more")
	r.cinder(t, "delete", v.ID)
	api.WaitGone(t, v.ID)
	r.quiet(t)
}

// strangerRefused wants another initiator to be refused with the right password.
func (r *rack) strangerRefused(t *testing.T, node *rig.Node) {
	t.Helper()
	set := func(name string) {
		node.Run("sh", "-c", "echo InitiatorName="+name+" >/etc/iscsi/initiatorname.iscsi; iscsiadm -k 0; iscsid")
	}
	set("iqn.2004-10.org.test:stranger")
	defer set(node.Initiator())
	out, err := node.RunErr("python3", "/host/osbrick.py", "connect", "/host/info.json")
	require.Error(t, err, "a stranger: %s", out)
}

func (r *rack) saveInfo(t *testing.T, info map[string]any) {
	t.Helper()
	text, err := json.Marshal(info)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(r.share, "info.json"), text, 0o600))
}

func connectionOf(t *testing.T, r harness.Response) map[string]any {
	t.Helper()
	var doc struct {
		Attachment struct {
			Info map[string]any `json:"connection_info"`
		}
	}
	require.NoError(t, json.Unmarshal(r.Body, &doc))
	return doc.Attachment.Info
}

// nowhere looks for a secret in every history of the flows, in the logs of all parts, and in the programs' arguments on the node.
func (r *rack) nowhere(t *testing.T, secret string) {
	t.Helper()
	c := temporalClient(t, r.TemporalAddr)
	all, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, PageSize: 1000})
	require.NoError(t, err)
	var attaches int
	for _, w := range all.GetExecutions() {
		id := w.GetExecution().GetWorkflowId()
		for it := c.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
			ev, err := it.Next()
			require.NoError(t, err)
			raw, err := proto.Marshal(ev) // payloads are in it as they are
			require.NoError(t, err)
			require.False(t, bytes.Contains(raw, []byte(secret)), "the history of %s tells the password", id)
		}
		if strings.HasPrefix(id, "attachment-") {
			attaches++
		}
	}
	require.NotZero(t, attaches, "the histories of attachments were looked at")
	require.Empty(t, r.lvm.logged(t, secret))
	for _, part := range []*harness.Process{r.Storage, r.Temporal} {
		require.Empty(t, part.Logged(t, secret))
	}
	require.NotContains(t, r.node.With(t).Run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), secret)
}
