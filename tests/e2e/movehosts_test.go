package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// movesBetweenHosts takes a volume from LVM on the storage node to GlusterFS of the controller, and back. The controller's data worker reaches the
// LV over iSCSI and is killed in the middle; the node's mounts the share, and is stopped until another has taken its place. This machine's
// kernel has no iSCSI, so that the controller's data worker runs in the node as well, under the controller's name and in a folder of its own.
func movesBetweenHosts(t *testing.T, r *rack) {
	begun := time.Now()
	api := r.Client("movers")
	node := r.node.With(t)
	node.Run("modprobe", "fuse")
	m := &movers{rack: r, api: api, controller: r.hostOf(t, "glusterfs")}
	far, near := m.worker(t, "glusterfs", "state-controller"), m.worker(t, "lvm", "state")
	far.start(t)

	v := api.CreateAvailable(t, "wanderer", 1, object{"volume_type": "lvm"})
	want := m.fill(t, v)
	r.cinder(t, "type-create", "anywhere")

	m.awaitData(t, m.controller)
	r.cinderOf(t, "movers", "retype", v.ID, "glusterfs", "--migration-policy", "on-demand")
	killed := m.atCheckpoint(far, "KILL")
	far.ended(t)
	require.NoError(t, <-killed)
	far.start(t)
	m.arrived(t, v.ID, "volume-retype")
	require.NotEmpty(t, far.logged(t, "task=CopyVolume", "attempt=2", "state=SUCCESS"), "what was killed goes on")
	now := showMoved(t, api, v.ID)
	require.Equal(t, []string{m.controller + "@glusterfs#GFS", "glusterfs", "success"}, []string{now.Host, now.Type, *now.Migration})
	file := filepath.Join(r.mount, "volume-"+*now.NameID)
	require.Equal(t, want, hash(t, file))
	require.Empty(t, r.lvs(t))
	m.apart(t)

	// And back, to a place by name, past the type.
	near.start(t)
	m.awaitData(t, r.node.Name)
	api.WaitFlow(t, api.Action(t, v.ID, "os-retype", object{"new_type": "anywhere"}), "SUCCESS")
	r.cinderOf(t, "movers", "migrate", v.ID, r.node.Name+"@lvm#lvm")
	require.NoError(t, <-m.atCheckpoint(near, "STOP"))
	next := m.worker(t, "lvm", "state")
	next.name = "data-next"
	require.NoError(t, os.Link(filepath.Join(r.share, near.name+".conf"), filepath.Join(r.share, next.name+".conf")))
	next.start(t)
	harness.Await(t, rackLimit, func() (bool, string) { // attempt 2 may have been handed to the one that is stopped
		return len(next.logged(t, "task=CopyVolume", "state=RUNNING")) > 0, "another data worker to take the copy over"
	})
	near.signal(t, "CONT")
	m.arrived(t, v.ID, "volume-migrate")
	require.NotEmpty(t, near.logged(t, "task=CopyVolume", "attempt=1", "no heartbeat was acknowledged"), "the first ended itself")
	now = showMoved(t, api, v.ID)
	require.Equal(t, []string{r.node.Name + "@lvm#lvm", "anywhere", "success"}, []string{now.Host, now.Type, *now.Migration})
	require.Equal(t, []string{"volume-" + *now.NameID}, r.lvs(t))
	require.Equal(t, want, m.hashLV(t, *now.NameID))
	require.Empty(t, r.files(t))
	m.apart(t)

	harness.CheckUsage(t, api)
	r.checkLedger(t)
	r.cinderOf(t, "movers", "delete", v.ID)
	api.WaitGone(t, v.ID)
	r.quiet(t, api)
	for _, w := range []*nodeWorker{far, near, next} {
		require.Empty(t, w.logged(t, "auth_password"))
		w.signal(t, "TERM")
		w.ended(t)
	}
	t.Logf("moves took %.1f s", time.Since(begun).Seconds())
}

// movers are the data workers of both hosts.
type movers struct {
	*rack
	api        *harness.Client
	controller string
}

// hostOf is the host of a backend's pool.
func (r *rack) hostOf(t *testing.T, backend string) string {
	t.Helper()
	services := r.cinder(t, "service-list", "--binary", "cinder-volume")
	for _, word := range strings.Fields(services) {
		if host, ok := strings.CutSuffix(word, "@"+backend); ok {
			return host
		}
	}
	t.Fatalf("no service of %s: %s", backend, services)
	return ""
}

// worker is a data worker in the node, of that host which has the backend.
func (m *movers) worker(t *testing.T, backend, state string) *nodeWorker {
	t.Helper()
	conf := "host = " + m.node.Name + `
enabled_backends = lvm
[lvm]
iscsi_helper = lioadm
volume_group = cinder-volumes
iscsi_ip_address = ` + m.node.Addr + `
volume_driver = cinder.volume.drivers.lvm.LVMISCSIDriver
volume_backend_name = lvm
`
	if backend == "glusterfs" {
		shares := fmt.Sprintf("%s:/vol1\n", m.gluster.Hosts[0])
		require.NoError(t, os.WriteFile(filepath.Join(m.share, "shares.conf"), []byte(shares), 0o600))
		conf = "host = " + m.controller + `
enabled_backends = glusterfs
[glusterfs]
volume_driver = cinder.volume.drivers.glusterfs.GlusterfsDriver
glusterfs_shares_config = /host/shares.conf
volume_backend_name = GFS
`
	}
	w := m.nodeWorker(t, "data-"+backend, conf)
	w.role, w.state = []string{"data"}, state
	return w
}

// defaults puts lines into the first section of a worker's file.
func (m *movers) defaults(t *testing.T, w *nodeWorker, lines string) {
	t.Helper()
	conf := filepath.Join(m.share, w.name+".conf")
	require.NoError(t, os.WriteFile(conf, []byte(strings.Replace(string(readFile(t, conf)), "[DEFAULT]\n", "[DEFAULT]\n"+lines, 1)), 0o600))
}

// awaitData waits until a host's data worker is known to be up.
func (m *movers) awaitData(t *testing.T, host string) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		var page struct {
			Services []struct{ Host, State string }
		}
		m.api.Want(t, http.StatusOK, "GET", "/os-services?binary=cinder-backup&host="+host, nil).Decode(t, &page)
		return len(page.Services) == 1 && page.Services[0].State == "up", fmt.Sprintf("a data worker on %s to be up: %v", host, page.Services)
	})
}

// fill writes to each quarter of a volume, so that each part between two checkpoints takes a while, and returns the hash of all of it.
func (m *movers) fill(t *testing.T, v harness.Volume) string {
	t.Helper()
	lv := "/dev/cinder-volumes/volume-" + v.ID
	node := m.node.With(t)
	node.Run("lvchange", "-ay", "-K", lv)
	node.Run("sh", "-ec", `for at in 3 260 516 772; do dd status=none if=/dev/urandom of="$1" bs=1M count=96 seek=$at conv=notrunc,fsync; done`, "sh", lv)
	return m.hashLV(t, v.ID)
}

func (m *movers) hashLV(t *testing.T, id string) string {
	t.Helper()
	return m.hashDevice(t, "cinder-volumes/volume-"+id)
}

// atCheckpoint sends a worker a signal between two checkpoints of its copy. It is done in the node, where nothing lies between.
func (m *movers) atCheckpoint(w *nodeWorker, signal string) <-chan error {
	return m.node.Background(os.Stderr, "timeout", "240", "sh", "-c", `until grep -qs '"done":[1-9]' "$1"/moves/*.json; do sleep 0.02; done
		! grep -q '"done":1073741824' "$1"/moves/*.json && kill -"$2" $(cat "$3")`, "sh", "/host/"+w.state, signal, w.pidFile())
}

// arrived waits until the volume's flow of an operation has ended.
func (m *movers) arrived(t *testing.T, id, operation string) {
	t.Helper()
	var page struct{ Flows []harness.Flow }
	m.api.Want(t, http.StatusOK, "GET", "/flows?operation="+operation+"&resource_id="+id, nil).Decode(t, &page)
	require.NotEmpty(t, page.Flows)
	flow := page.Flows[0].ID
	harness.Await(t, rackLimit, func() (bool, string) {
		f := m.api.Flow(t, flow)
		require.NotContains(t, []string{"FAILURE", "REVERTED", "HELD"}, f.State, "%+v", f)
		return f.State == "SUCCESS", fmt.Sprintf("%s to end: %+v", flow, f.Tasks)
	})
}

// apart wants no export, session or mount to be left of a move.
func (m *movers) apart(t *testing.T) {
	t.Helper()
	left := m.node.With(t).Run("sh", "-c", `ls -d /sys/kernel/config/target/iscsi/iqn* 2>/dev/null; ls -d /sys/class/iscsi_session/* 2>/dev/null
		grep -o '/host/state[^ ]*/connectors/[^ ]*' /proc/mounts; true`)
	require.Empty(t, strings.TrimSpace(left))
}
