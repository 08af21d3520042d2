package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// exportsOf lists what a storage node exports: portals, and who may log in with which secrets.
const exportsOf = `cd /sys/kernel/config/target/iscsi 2>/dev/null || exit 0
find iqn.* -path '*/np/*:*' -prune -print
for f in $(find iqn.* -path '*/acls/*/auth/userid' -o -path '*/acls/*/auth/password'); do echo $f $(sha256sum <$f); done`

// writer writes numbered blocks, each flushed, until it is told to stop, and says how far it is.
const writer = `i=0
while [ ! -e /host/stop ]; do
	printf %08d $i | dd of="$1" bs=4096 seek=$i conv=notrunc,sync oflag=direct,dsync status=none || exit 1
	i=$((i+1)); echo $i >/host/count.new; mv /host/count.new /host/count; sleep 0.05
done`

// rebootedLive reboots the storage node while a host writes to one of its exports. The worker brings back what was exported, and the host,
// which was told nothing, goes on.
func rebootedLive(t *testing.T, r *rack) {
	api, node := r.Client("live"), r.node.With(t)
	h := &initiator{Node: rig.StorageNode(t, rig.Disks())}
	var volumes []harness.Volume
	var attachments []string
	var disks []string
	for _, name := range []string{"written", "idle", "apart"} {
		volumes = append(volumes, api.CreateAvailable(t, name, 1, object{"volume_type": "lvm"}))
	}
	r.newPattern(t, "lvm")
	for _, v := range volumes[1:] {
		r.write(t, v)
	}
	for _, v := range volumes[:2] {
		a := reserve(t, api, v.ID)
		disks = append(disks, h.attach(t, api, a))
		api.WaitStatus(t, v.ID, "in-use")
		attachments = append(attachments, a)
	}
	before := strings.Fields(node.Run("sh", "-c", exportsOf))
	require.NotEmpty(t, before)
	idle := h.With(t).Run("sha256sum", disks[1])

	written := h.With(t).Background(os.Stderr, "sh", "-c", writer, "sh", disks[0])
	h.await(t, 5)
	node.Reboot()
	require.Empty(t, node.Run("sh", "-c", exportsOf), "a node that has booted exports nothing by itself")
	r.lvm.ended(t)
	at := h.count(t)
	r.lvm.start(t)
	h.await(t, at+20)
	h.With(t).Run("touch", "/host/stop")
	require.NoError(t, <-written, "no write failed")
	require.ElementsMatch(t, before, strings.Fields(node.Run("sh", "-c", exportsOf)), "exports, ACLs and CHAP as they were")

	lv := "/dev/cinder-volumes/volume-" + volumes[0].ID
	text := node.Run("sh", "-c", fmt.Sprintf(`dd if=%s bs=4096 count=%d iflag=direct status=none | tr -d '\0'`, lv, h.count(t)))
	want := ""
	for i := range h.count(t) {
		want += fmt.Sprintf("%08d", i)
	}
	require.Equal(t, want, text, "each block that was acknowledged")
	h.With(t).Run("sh", "-c", "echo 3 >/proc/sys/vm/drop_caches")
	require.Equal(t, idle, h.With(t).Run("sha256sum", disks[1]))
	r.holds(t, volumes[1])
	r.holds(t, volumes[2])

	h.With(t).Run("iscsiadm", "-m", "node", "--logoutall=all")
	for _, a := range attachments {
		api.Want(t, 200, "DELETE", "/attachments/"+a, nil, attachVersion)
	}
	for _, v := range volumes {
		api.WaitStatus(t, v.ID, "available")
		api.Delete(t, v.ID)
	}
	r.quiet(t, api)
	require.Empty(t, node.Run("sh", "-c", exportsOf))
	r.balanced(t, api, "lvm")
}

// initiator is a node that uses the volumes of another.
type initiator struct{ *rig.Node }

// attach gives an attachment the connector of the node, logs in, and returns the disk.
func (h *initiator) attach(t *testing.T, api *harness.Client, id string) string {
	t.Helper()
	node := h.With(t)
	given := object{"host": h.Name, "ip": h.Addr, "initiator": h.Initiator(), "multipath": false}
	answer := api.Want(t, 200, "PUT", "/attachments/"+id, object{"attachment": object{"connector": given}}, attachVersion)
	var doc struct {
		Attachment struct {
			Info struct {
				Kind     string `json:"driver_volume_type"`
				Portal   string `json:"target_portal"`
				IQN      string `json:"target_iqn"`
				LUN      int    `json:"target_lun"`
				User     string `json:"auth_username"`
				Password string `json:"auth_password"`
			} `json:"connection_info"`
		} `json:"attachment"`
	}
	require.NoError(t, json.Unmarshal(answer.Body, &doc))
	info := doc.Attachment.Info
	require.Equal(t, "iscsi", info.Kind)
	require.NotEmpty(t, info.Password)
	admin := []string{"iscsiadm", "-m", "node", "-T", info.IQN, "-p", info.Portal}
	node.Run(append(admin, "-o", "new")...)
	for _, setting := range [][2]string{
		{"auth.authmethod", "CHAP"},
		{"auth.username", info.User},
		{"auth.password", info.Password},
		{"timeo.replacement_timeout", "1200"}, // longer than the node is away on the slowest machine
	} {
		node.Run(append(admin, "-o", "update", "-n", "node.session."+setting[0], "-v", setting[1])...)
	}
	node.Run(append(admin, "--login")...)
	var disk string
	harness.Await(t, harness.Patience, func() (bool, string) {
		disk, _ = node.RunErr("sh", "-c", fmt.Sprintf(
			`for s in /sys/class/iscsi_session/session*; do
				[ "$(cat $s/targetname)" = %s ] && for d in $s/device/target*/*:%d/block/*; do [ -e $d ] && basename $d; done
			done; true`, info.IQN, info.LUN))
		return strings.HasPrefix(disk, "sd"), "the disk of " + info.IQN
	})
	api.Want(t, 204, "POST", "/attachments/"+id+"/action", object{"os-complete": nil}, attachVersion)
	return "/dev/" + disk
}

// count is how many blocks the writer has had acknowledged.
func (h *initiator) count(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(h.Share + "/count")
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return n
}

// await waits until so many blocks are written.
func (h *initiator) await(t *testing.T, n int) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		got := h.count(t)
		return got >= n, fmt.Sprintf("%d blocks to be written: %d are", n, got)
	})
}
