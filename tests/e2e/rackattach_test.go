package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// computeNode is a second node of the rack, to which volumes of the first are attached over iSCSI: by a host worker, and by os-brick as
// Nova does it.
type computeNode struct {
	*rack
	api     *harness.Client
	compute *rig.Node
	host    *nodeWorker
}

func tutorialAttach(t *testing.T, r *rack) {
	c := &computeNode{rack: r, api: r.Client("attach"), compute: rig.StorageNode(t, rig.Disks(rig.GiB))}
	harness.CopyBinary(t, "clinkerd", c.compute.Share)
	text, err := os.ReadFile("testdata/brick.py")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(c.compute.Share, "brick.py"), text, 0o600))
	c.compute.Background(os.Stderr, "/usr/bin/python3", "/host/brick.py")
	require.NoError(t, os.WriteFile(filepath.Join(c.compute.Share, "host.conf"), []byte("[DEFAULT]\nhost = compute1\n"), 0o600))
	c.host = &nodeWorker{name: "host", node: c.compute, temporal: r.TemporalAddr, role: []string{"host"}, state: "state"}
	c.host.start(t)
	for _, step := range []struct {
		name string
		test func(*testing.T)
	}{
		{"host worker", c.byHostWorker}, {"os-brick", c.byBrick}, {"records lost", c.recordsLost}, {"killed at each step", c.killedAtEachStep}, {"host gone", c.hostGone},
	} {
		if !t.Run(step.name, step.test) {
			return
		}
	}
	rows, err := c.api.Volumes(t.Context(), false)
	require.NoError(t, err)
	for _, v := range rows {
		c.api.Delete(t, v.ID)
	}
	c.quiet(t, c.api)
	c.balanced(t, c.api, "lvm")
}

func (c *computeNode) volume(t *testing.T, name string) harness.Volume {
	t.Helper()
	return c.api.CreateAvailable(t, name, 1, object{"volume_type": "lvm"})
}

func (c *computeNode) attach(t *testing.T, v harness.Volume) (flow string) {
	t.Helper()
	return c.api.Action(t, v.ID, "clinker-attach", object{"host": "compute1"})
}

func (c *computeNode) detach(t *testing.T, v harness.Volume) (flow string) {
	t.Helper()
	return c.api.Action(t, v.ID, "clinker-detach", object{})
}

// onCompute runs a shell's script on the compute node.
func (c *computeNode) onCompute(t *testing.T, text string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(c.compute.With(t).Run(append([]string{"sh", "-ec", text, "sh"}, args...)...))
}

// nothingAttached wants every side to agree that nothing is attached: rows, exports with those let in, sessions, their records, disks.
func (c *computeNode) nothingAttached(t *testing.T) {
	t.Helper()
	c.nobodyLetIn(t)
	require.Empty(t, c.onCompute(t, "ls /sys/class/iscsi_session; ls -d /sys/block/sd* 2>/dev/null || true; find /etc/iscsi/nodes -type f 2>/dev/null || true"))
}

// byHostWorker has the disk on another kernel, written, larger while it is there, and given back. The CHAP password is seen by nobody.
func (c *computeNode) byHostWorker(t *testing.T) {
	watch := `: >/host/argv; while [ ! -e /host/watched ]; do cat /proc/[0-9]*/cmdline | tr '\0' ' '; echo; sleep 0.02; done >>/host/argv 2>/dev/null`
	var watched []<-chan error
	for _, n := range []*rig.Node{c.node, c.compute} {
		watched = append(watched, n.With(t).Background(os.Stderr, "sh", "-c", watch))
	}
	// Who only looks now and then may miss a login.
	c.onCompute(t, `at=$(command -v iscsiadm); cp $at /run/iscsiadm
		printf '#!/bin/sh\necho iscsiadm "$@" >>/host/argv.iscsiadm\nexec /run/iscsiadm "$@"\n' >/run/iscsiadm.sh; chmod 755 /run/iscsiadm.sh
		mount --bind /run/iscsiadm.sh $at`)
	c.newPattern(t, "lvm")
	pattern, err := os.ReadFile(filepath.Join(c.share, patternOf("lvm")))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(c.compute.Share, patternOf("lvm")), pattern, 0o600))

	v := c.volume(t, "attached")
	attached := c.attach(t, v)
	f := c.api.WaitFlow(t, attached, "SUCCESS")
	t.Log(strings.Join(harness.Steps([]harness.Flow{f}, "HostProperties", "EntryCreate", "InitializeConnection", "ConnectVolume"), "; "))
	c.api.WaitStatus(t, v.ID, "in-use")
	password := strings.TrimSpace(c.node.With(t).Run("sh", "-c", "cat /sys/kernel/config/target/iscsi/iqn*/tpgt_1/acls/*/auth/password"))
	require.Len(t, password, 16)
	const disk = `d=/dev/$(basename /sys/block/sd*); `
	require.Contains(t, c.onCompute(t, "cat /sys/block/sd*/device/wwid"), strings.ReplaceAll(v.ID, "-", "")[:16])
	c.onCompute(t, disk+`dd status=none if=/host/`+patternOf("lvm")+` of=$d bs=1M seek=517 oflag=direct; blockdev --flushbufs $d; cmp -n $((3<<20)) -i 0:$((517<<20)) /host/`+patternOf("lvm")+" $d")

	extended := c.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+v.ID+"/action", object{"os-extend": object{"new_size": 2}}, "OpenStack-API-Version: volume 3.42").Flow()
	c.api.WaitFlow(t, extended, "SUCCESS")
	require.Equal(t, fmt.Sprint(2<<30), c.onCompute(t, disk+"blockdev --getsize64 $d"))
	detached := c.detach(t, v)
	c.api.WaitFlow(t, detached, "SUCCESS")
	c.api.WaitStatus(t, v.ID, "available")
	c.holds(t, v)
	c.nothingAttached(t)

	for i, n := range []*rig.Node{c.node, c.compute} {
		require.NoError(t, os.WriteFile(filepath.Join(n.Share, "watched"), nil, 0o600))
		<-watched[i]
	}
	c.onCompute(t, "umount $(command -v iscsiadm)")
	argv := filepath.Join(c.compute.Share, "argv")
	require.Regexp(t, "(?m)^iscsiadm .*--login", string(readFile(t, argv+".iscsiadm")), "what a login looks like has been watched")
	c.unseen(t, c.api, password, []string{filepath.Join(c.compute.Share, "host.log"), filepath.Join(c.share, "argv"), argv, argv + ".iscsiadm"}, attached, extended, detached)
}

// brick has os-brick on the compute node do something, and returns what it said.
func (c *computeNode) brick(t *testing.T, words ...any) (said string, ok bool) {
	t.Helper()
	text, err := json.Marshal(words)
	require.NoError(t, err)
	told := filepath.Join(c.compute.Share, "brick.told")
	require.NoError(t, os.WriteFile(filepath.Join(c.compute.Share, "brick.ask"), text, 0o600))
	harness.Await(t, rackLimit, func() (bool, string) {
		text, err = os.ReadFile(told)
		return err == nil, fmt.Sprint("os-brick to answer ", words[0])
	})
	require.NoError(t, os.Remove(told))
	var answer [2]any
	require.NoError(t, json.Unmarshal(text, &answer))
	return answer[1].(string), answer[0].(bool)
}

// byBrick has Debian's os-brick take what `attachment update` answers. Who proves himself wrong is refused by the target, for that reason.
func (c *computeNode) byBrick(t *testing.T) {
	v := c.volume(t, "by-brick")
	id := reserve(t, c.api, v.ID)
	said, ok := c.brick(t, "properties", c.compute.Addr)
	require.True(t, ok, said)
	var host map[string]any
	require.NoError(t, json.Unmarshal([]byte(said), &host))
	require.Equal(t, c.compute.Initiator(), host["initiator"])
	var out struct {
		Attachment struct {
			ConnectionInfo map[string]any `json:"connection_info"`
		}
	}
	c.api.Want(t, http.StatusOK, "PUT", "/attachments/"+id, object{"attachment": object{"connector": host}}, attachVersion).Decode(t, &out)
	data := out.Attachment.ConnectionInfo
	info := object{"driver_volume_type": data["driver_volume_type"], "data": data}

	// The kernel counts why it refuses a login: a wrong password is authenticate_fails, an initiator without an ACL authorize_fails.
	fails := func() (counts [2]string) {
		t.Helper()
		for i, name := range []string{"authenticate_fails", "authorize_fails"} {
			counts[i] = strings.TrimSpace(c.node.With(t).Run("sh", "-c", "cat /sys/kernel/config/target/iscsi/iqn*/fabric_statistics/iscsi_login_stats/"+name))
		}
		return counts
	}
	refused := func(n *rig.Node, reason int, login func()) {
		t.Helper()
		before := fails()
		login()
		after := fails()
		require.NotEqual(t, before[reason], after[reason], "refused for another reason: %v, then %v", before, after)
		require.Equal(t, before[1-reason], after[1-reason])
		require.Empty(t, strings.TrimSpace(n.With(t).Run("sh", "-c", "ls /sys/class/iscsi_session; ls -d /sys/block/sd* 2>/dev/null; true")))
	}
	refused(c.compute, 0, func() {
		wrong := maps.Clone(data)
		wrong["auth_password"] = strings.Repeat("x", 16)
		_, ok := c.brick(t, "once", object{"driver_volume_type": data["driver_volume_type"], "data": wrong})
		require.False(t, ok)
	})
	refused(c.node, 1, func() { // the storage node itself is another initiator, with the right password
		iscsiadm := func(args ...string) error {
			_, err := c.node.With(t).RunErr(append([]string{"iscsiadm", "-m", "node", "-T", fmt.Sprint(data["target_iqn"]), "-p", fmt.Sprint(data["target_portal"])}, args...)...)
			return err
		}
		require.NoError(t, iscsiadm("-o", "new"))
		for name, value := range map[string]any{"authmethod": "CHAP", "username": data["auth_username"], "password": data["auth_password"]} {
			require.NoError(t, iscsiadm("-o", "update", "-n", "node.session.auth."+name, "-v", fmt.Sprint(value)))
		}
		require.ErrorContains(t, iscsiadm("--login"), "authorization failure")
		require.NoError(t, iscsiadm("-o", "delete"))
	})

	device, ok := c.brick(t, "connect", info)
	require.True(t, ok, device)
	require.True(t, strings.HasPrefix(device, "/dev/"), device)
	c.onCompute(t, `dd status=none if=/host/`+patternOf("lvm")+` of=$1 bs=1M seek=517 oflag=direct; cmp -n $((3<<20)) -i 0:$((517<<20)) /host/`+patternOf("lvm")+" $1", device)
	c.api.Want(t, http.StatusNoContent, "POST", "/attachments/"+id+"/action", object{"os-complete": nil}, attachVersion)
	c.api.WaitStatus(t, v.ID, "in-use")
	said, ok = c.brick(t, "disconnect", info, device)
	require.True(t, ok, said)
	c.api.Want(t, http.StatusOK, "DELETE", "/attachments/"+id, nil, attachVersion)
	c.api.WaitStatus(t, v.ID, "available")
	c.holds(t, v)
	c.nothingAttached(t)
}

// recordsLost: the catalogue has forgotten an attachment. The check finds the volume on its host, where nobody uses it, and has it detached.
func (c *computeNode) recordsLost(t *testing.T) {
	v := c.volume(t, "forgotten")
	c.api.WaitFlow(t, c.attach(t, v), "SUCCESS")
	text, err := os.ReadFile(c.ConfigFile)
	require.NoError(t, err)
	_, dsn, _ := strings.Cut(string(text), "connection = ")
	dsn, _, _ = strings.Cut(dsn, "\n")
	out, code := harness.Run(t, nil, "psql", dsn, "-c", "DELETE FROM attachments; UPDATE volumes SET status = 'available', attach_status = 'detached' WHERE status = 'in-use'")
	require.Zero(t, code, out)
	temporal, err := client.Dial(client.Options{HostPort: c.TemporalAddr, Namespace: "clinker"})
	require.NoError(t, err)
	defer temporal.Close()
	run, err := temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: string(flow.AttachmentCheck), TaskQueue: flow.ControlQueue},
		string(flow.AttachmentCheck), flow.CheckInput{Apart: time.Second, Mend: true})
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
	flows := []string{}
	harness.Await(t, rackLimit, func() (bool, string) {
		var page struct{ Flows []harness.Flow }
		c.api.Want(t, http.StatusOK, "GET", "/flows?operation=attachment-delete&limit=1", nil).Decode(t, &page)
		for _, f := range page.Flows {
			flows = append(flows[:0], f.Summary+" "+f.State)
		}
		return len(flows) > 0 && strings.Contains(flows[0], v.ID) && strings.HasSuffix(flows[0], "SUCCESS"), fmt.Sprint("its detach to be done: ", flows)
	})
	c.api.WaitStatus(t, v.ID, "available")
	c.nothingAttached(t)
}

// hostGone: the worker of a host is gone, while something on it writes and writes. A forced detach frees the volume once the target has
// shut that host out, which then can't change what the next host writes (data-safety rule 8).
func (c *computeNode) hostGone(t *testing.T) {
	v := c.volume(t, "fenced")
	c.api.WaitFlow(t, c.attach(t, v), "SUCCESS")
	c.host.kill(t)
	c.compute.With(t).Run("sh", "-c", `d=/dev/$(basename /sys/block/sd*); (
		while dd status=none if=/dev/urandom of=$d bs=1M seek=517 count=3 oflag=direct && echo >>/host/rounds; do :; done; touch /host/cut) >/dev/null 2>&1 &`)
	rounds := func() int { return len(readFile(t, filepath.Join(c.compute.Share, "rounds"))) }
	harness.Await(t, rackLimit, func() (bool, string) { return rounds() > 2, "the old host to write" })
	// Gone, its worker can't be asked: a plain detach waits for it, and is given up by force.
	a := c.api.Action(t, v.ID, "os-force_detach", object{})
	c.api.WaitFlow(t, a, "SUCCESS")
	c.api.WaitStatus(t, v.ID, "available")
	before := rounds()
	c.write(t, v) // the next user of it
	harness.Await(t, rackLimit, func() (bool, string) {
		return strings.Contains(c.onCompute(t, "dmesg | tail -50; cat /sys/class/iscsi_session/*/state"), "FAILED"), "the old host's session to fail"
	})
	require.LessOrEqual(t, rounds(), before+1, "what was on its way when it was shut out")
	c.holds(t, v)
	require.Empty(t, strings.TrimSpace(c.node.With(t).Run("sh", "-c", "ls -d /sys/kernel/config/target/iscsi/iqn* 2>/dev/null; true")))
	require.True(t, slices.Contains(c.lvs(t), "volume-"+v.ID))
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	return text
}
