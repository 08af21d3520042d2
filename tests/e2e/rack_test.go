package e2e

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// rackLimit is how long a step of the rack may take: a node is a machine of its own on the cores of this one, and a worker that
// was killed is missed after 20 s.
const rackLimit = 4 * time.Minute

// tutorialConf is the file of the tutorial; its addresses and the path of the list of shares are those of the test.
const tutorialConf = `enabled_backends = lvm,glusterfs
[lvm]
iscsi_helper = lioadm
volume_group = cinder-volumes
iscsi_ip_address = %s
volume_driver = cinder.volume.drivers.lvm.LVMISCSIDriver
volume_backend_name = lvm
[glusterfs]
volume_driver = cinder.volume.drivers.glusterfs.GlusterfsDriver
glusterfs_shares_config = %s
volume_backend_name = GFS
`

// rack is Clinker as the tutorial has it: a controller (this machine), a storage node with the volume group, and a GlusterFS
// that the controller mounts.
type rack struct {
	*harness.Cluster
	node    *rig.Node
	gluster *rig.GlusterCluster
	lvm     *nodeWorker
	second  *harness.Process // for the shares, on another host
	mount   string           // of the GlusterFS volume, for the test to look at it
	share   string           // folder of the node's /host
}

func newRack(t *testing.T, thick int64) *rack {
	t.Helper()
	node := rig.StorageNode(t, rig.Disks(8*rig.GiB, thick, 10*rig.GiB))
	shares := filepath.Join(t.TempDir(), "shares.conf")
	r := &rack{node: node, gluster: rig.Gluster(t, rig.BrickSize(6*rig.GiB), rig.OnBridge()), share: node.Share}
	ways := fmt.Sprintf("# two ways into one volume\n%s:/vol1\n%s:/vol1\n", r.gluster.Hosts[0], r.gluster.Hosts[1])
	require.NoError(t, os.WriteFile(shares, []byte(ways), 0o600))
	r.mount = r.gluster.Mount(r.gluster.Share)

	conf := fmt.Sprintf(tutorialConf, node.Addr, shares)
	r.Cluster = harness.Head(t, node.Gateway(), conf)
	node.Run("pvcreate", "--metadatasize", "128m", node.Disks()[0])
	node.Run("vgcreate", "cinder-volumes", node.Disks()[0])
	harness.CopyBinary(t, "clinkerd", r.share)
	r.lvm = r.nodeWorker(t, "lvm", conf)
	r.lvm.start(t)
	r.startThick(t)
	for _, words := range glusterManual(t, "clinkerd") {
		out, code := r.Ctl(t, strings.Fields(strings.Replace(strings.Join(words, " "), "--config-file /etc/cinder/cinder.conf ", "", 1))...)
		require.Zero(t, code, out)
	}
	r.Storage = r.Part(t, "worker", "storage", "--backend", "glusterfs")
	r.AwaitPools(t, 3) // thick is one of them
	return r
}

// nodeWorker is a worker inside a node. What it knows of the world is its configuration, NAME.conf of the node's /host, and
// Temporal's address.
type nodeWorker struct {
	name     string
	node     *rig.Node
	temporal string
	role     []string // of clinkerd worker, with its flags
	state    string   // its state folder in the node's /host, which workers of one host share
	done     <-chan error
}

// nodeWorker makes the storage worker of a configuration, which names its backends; it is not started.
func (r *rack) nodeWorker(t *testing.T, name, conf string) *nodeWorker {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(r.share, name+".conf"), []byte("[DEFAULT]\n"+conf), 0o600))
	return &nodeWorker{name: name, node: r.node, temporal: r.TemporalAddr, role: []string{"storage", "--backend", name}, state: "state"}
}

func (w *nodeWorker) pidFile() string { return "/run/" + w.name + ".pid" }

// start runs the worker and waits until it serves.
func (w *nodeWorker) start(t *testing.T) {
	t.Helper()
	runs := func() int { return len(w.logged(t, w.role[0]+" worker runs")) }
	before := runs()
	w.done = w.node.Background(os.Stderr, append([]string{
		"sh", "-c", "echo $$ >" + w.pidFile() + ` && cd /host && exec "$@" >>/host/` + w.name + ".log 2>&1", "sh",
		"env", "CLINKER_STATE_PATH=/host/" + w.state, "CLINKER_TEMPORAL__ADDRESS=" + w.temporal,
		"/host/clinkerd", "worker", "--config-file", "/host/" + w.name + ".conf",
	}, w.role...)...)
	harness.Await(t, rackLimit, func() (bool, string) {
		n := runs() - before
		select {
		case err := <-w.done:
			t.Fatalf("the worker in the node ended: %v\n%s", err, strings.Join(w.logged(t), "\n"))
		default:
		}
		return n == 1, fmt.Sprintf("the worker in the node to run: its log tells of %d starts, and %d before", n, before)
	})
}

// signal sends a signal to the worker.
func (w *nodeWorker) signal(t *testing.T, name string) {
	t.Helper()
	w.node.With(t).Run("sh", "-c", "kill -"+name+" $(cat "+w.pidFile()+")")
}

// kill is kill -9.
func (w *nodeWorker) kill(t *testing.T) {
	t.Helper()
	w.signal(t, "KILL")
	w.ended(t)
}

// ended waits for the process to be gone.
func (w *nodeWorker) ended(t *testing.T) {
	t.Helper()
	select {
	case <-w.done:
	case <-time.After(harness.Patience):
		t.Fatal("the worker in the node still runs")
	}
}

// logged returns the lines of the worker's log that contain all of the words.
func (w *nodeWorker) logged(t testing.TB, words ...string) []string {
	t.Helper()
	return (&harness.Process{Log: touched(t, filepath.Join(w.node.Share, w.name+".log"))}).Logged(t, words...)
}

func touched(t testing.TB, path string) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path
}

// quiet waits until no flow of a project is open.
func (r *rack) quiet(t *testing.T, api *harness.Client) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		open := api.OwnOpenFlows(t)
		text := fmt.Sprintf("no flow to be open: %d are", len(open))
		for _, id := range open[:min(len(open), 3)] {
			f := api.Flow(t, id)
			text += fmt.Sprintf("\n%s %s %s %s %+v", id, f.State, f.FailedTask, f.Error, f.Tasks)
		}
		return len(open) == 0, text
	})
}

// balanced wants the project's volumes and snapshots to be of one kind, and to be on its disks, and nothing else there; and quota to be
// their sum. No other project has any of that kind then.
func (r *rack) balanced(t *testing.T, api *harness.Client, kind string) {
	t.Helper()
	volumes, err := api.Volumes(t.Context(), false)
	require.NoError(t, err)
	snapshots, err := api.Snapshots(t.Context(), false)
	require.NoError(t, err)
	want := []string{}
	for _, v := range volumes {
		require.Equal(t, "available", v.Status, "volume %s", v.Name)
		require.Contains(t, v.Host, "@"+kind+"#")
		want = append(want, "volume-"+v.ID)
	}
	for _, s := range snapshots {
		require.Equal(t, "available", s.Status, "snapshot %s", s.Name)
		if kind == "lvm" {
			want = append(want, "_snapshot-"+s.ID)
		} else {
			want = append(want, "volume-"+s.VolumeID+"."+s.ID)
		}
	}
	if kind == "lvm" {
		require.ElementsMatch(t, want, r.lvs(t))
	} else {
		require.ElementsMatch(t, want, r.files(t))
	}
	harness.CheckUsage(t, api)
}

// checkLedger wants the quota ledger to be the sum of all rows; no flow is open then.
func (r *rack) checkLedger(t *testing.T) {
	t.Helper()
	out, code := r.Ctl(t, "db", "check")
	require.Zero(t, code, out)
}

// lvs are the logical volumes of the group, but for the thin pool.
func (r *rack) lvs(t *testing.T) []string {
	t.Helper()
	found := []string{}
	for _, name := range strings.Fields(r.node.With(t).Run("lvs", "--noheadings", "-o", "lv_name", "cinder-volumes")) {
		if name != "cinder-volumes-pool" {
			found = append(found, name)
		}
	}
	return found
}

// files are those of the GlusterFS volume, but for Clinker's records and marks.
func (r *rack) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(r.mount)
	require.NoError(t, err)
	found := []string{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".clinker-") && !strings.HasSuffix(e.Name(), ".info") {
			found = append(found, e.Name())
		}
	}
	return found
}

// newPattern makes 3 MiB of data in a file that both sides see; each kind of volume has its own.
func (r *rack) newPattern(t *testing.T, kind string) {
	t.Helper()
	data := make([]byte, 3<<20)
	_, err := rand.Read(data)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(r.share, patternOf(kind)), data, 0o600))
}

func patternOf(kind string) string { return "pattern-" + kind }

// write puts the pattern into the middle of a volume, as a guest would.
func (r *rack) write(t *testing.T, v harness.Volume) {
	t.Helper()
	r.script(t, v, `dd status=none if="$1" of="$2" bs=1M seek=517 conv=notrunc,fsync`)
}

// holds wants the pattern in a volume.
func (r *rack) holds(t *testing.T, v harness.Volume) {
	t.Helper()
	r.script(t, v, `cmp -n $((3<<20)) -i 0:$((517<<20)) "$1" "$2"`)
}

// script runs a shell's script where the volume is, with the pattern and the volume as its arguments.
func (r *rack) script(t *testing.T, v harness.Volume, text string) {
	t.Helper()
	if backendOf(v) == "lvm" {
		lv := "cinder-volumes/volume-" + v.ID
		node := r.node.With(t)
		node.Run("lvchange", "-ay", "-K", lv)
		node.Run("sh", "-ec", text, "sh", "/host/"+patternOf(backendOf(v)), "/dev/"+lv)
		return
	}
	out, code := harness.Run(t, nil, "sh", "-ec", text, "sh", filepath.Join(r.share, patternOf(backendOf(v))), filepath.Join(r.mount, "volume-"+v.ID))
	require.Zero(t, code, out)
}

// hashing goes past the page cache, with the same memory all the time: in a node that is four times as quick as sha256sum.
const hashing = `import hashlib, mmap, os, sys
f, m, h, at = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 4 << 20), hashlib.sha256(), 0
while n := os.preadv(f, [m], at):
    h.update(memoryview(m)[:n])
    at += n
print(h.hexdigest())`

// hashDevice is the SHA-256 of a whole logical volume of the storage node, GROUP/NAME.
func (r *rack) hashDevice(t *testing.T, lv string) string {
	t.Helper()
	node := r.node.With(t)
	node.Run("lvchange", "-ay", "-K", lv)
	return strings.TrimSpace(node.Run("python3", "-c", hashing, "/dev/"+lv))
}

// backendOf is the name of the backend that a volume is at.
func backendOf(v harness.Volume) string {
	_, at, _ := strings.Cut(v.Host, "@")
	backend, _, _ := strings.Cut(at, "#")
	return backend
}
