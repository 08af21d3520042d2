package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// TestTutorial follows the tutorial to the letter: LVM on a storage node and GlusterFS on the controller, both enabled in one
// file, with Cinder's client. Then what serves them dies in the middle of work, on each backend at its own time.
func TestTutorial(t *testing.T) {
	t.Parallel()
	newRack(t, thickGiB*rig.GiB+rig.GiB/4).inTurn(t, []part{
		{"types", tutorialTypes},
		{"lvm", func(t *testing.T, r *rack) { tutorialVolumes(t, r, "lvm") }},
		{"glusterfs", func(t *testing.T, r *rack) { tutorialVolumes(t, r, "glusterfs") }},
		{"capacity counts once", capacityOnce},
		{"no way to the database", noWayToDatabase},
		{"attach", tutorialAttach},
		{"guests", tutorialGuests},
		{"group full", groupFull},
		{"faults", func(t *testing.T, r *rack) {
			t.Run("lvm", func(t *testing.T) { lvmFaults(t, r) })
			t.Run("glusterfs", func(t *testing.T) { glusterFaults(t, r) })
		}},
	})
}

// TestTutorialData is another such rack, whose data workers move volumes and back them up.
func TestTutorialData(t *testing.T) {
	t.Parallel()
	newRack(t, 7*rig.GiB).inTurn(t, []part{
		{"types", tutorialTypes},
		{"backups from another host", backupsFromAnotherHost}, // before there is a data worker on the node
		{"moves", func(t *testing.T, r *rack) {
			slots := slotsTaken(t, r) // meanwhile
			movesBetweenHosts(t, r)
			slots(t)
		}},
		{"changed extents", changedExtents},
		{"backups on NFS", backupsOnNFS},
	})
}

// part is one of the tests that a rack has one after the other; the first makes the types.
type part struct {
	name string
	test func(*testing.T, *rack)
}

// inTurn runs them, and wants nothing to be left.
func (r *rack) inTurn(t *testing.T, parts []part) {
	t.Helper()
	for _, p := range parts {
		if !t.Run(p.name, func(t *testing.T) { p.test(t, r) }) {
			return // what comes next would only tell of the same thing
		}
	}
	r.Client(demo).WaitQuiet(t)
	r.checkLedger(t)
	require.Empty(t, r.lvs(t))
	require.Empty(t, r.files(t))
}

// lvmFaults takes the worker on the storage node away, then the node.
func lvmFaults(t *testing.T, r *rack) {
	t.Parallel()
	f := r.newFaults(t, "lvm")
	f.cutOff(t, "worker killed", 10, func(t *testing.T) {
		r.lvm.kill(t)
		r.lvm.start(t)
	})
	f.cutOff(t, "node rebooted", 4, func(t *testing.T) {
		r.node.With(t).Reboot()
		r.lvm.ended(t)
		r.lvm.start(t)
	})
	f.clear(t)
	if !t.Failed() {
		t.Run("rebooted with exports live", func(t *testing.T) { rebootedLive(t, r) })
	}
}

// glusterFaults takes the worker on the controller away, then its mount, then a brick.
func glusterFaults(t *testing.T, r *rack) {
	t.Parallel()
	f := r.newFaults(t, "glusterfs")
	f.cutOff(t, "worker killed", 10, func(t *testing.T) {
		r.Storage.Kill(t)
		r.Storage.Start(t)
	})
	r.second = secondHost(t, r)
	f.cutOff(t, "one of two hosts gone", 4, func(t *testing.T) { r.Storage.Kill(t) }) // and it stays away
	if !t.Failed() {
		require.NotEmpty(t, r.second.Logged(t, "msg=task", "state=SUCCESS"))
		r.Storage.Start(t)
		r.second.Stop(t)
		r.second = nil
	}
	f.cutOff(t, "share unmounted", 4, func(t *testing.T) { unmountShares(t, r) })
	f.cutOff(t, "brick killed", 4, func(t *testing.T) { // and it stays away
		g := r.gluster.With(t)
		g.KillBrick(0, g.Volume)
	})
	f.clear(t)
	g := r.gluster.With(t)
	g.StartBricks(g.Volume)
	g.AwaitHealed(g.Volume)
}

// secondHost starts another worker for the shares, with a state folder and mounts of its own, as another machine has them: both take work
// from the backend's one queue.
func secondHost(t *testing.T, r *rack) *harness.Process {
	t.Helper()
	return harness.Launch(t, &harness.Process{
		Name: "second clinkerd worker", Args: []string{harness.Binary(t, "clinkerd"), "worker", "storage", "--backend", "glusterfs", "--config-file", r.ConfigFile},
		Env: []string{"CLINKER_STATE_PATH=" + r.StateDir + "-second"}, // not of this test: the mounts go with those of the rack
	})
}

// cinder runs Debian's python3-cinderclient; the command must succeed.
func (r *rack) cinder(t *testing.T, args ...string) string {
	t.Helper()
	return r.cinderOf(t, demo, args...)
}

// cinderOf is cinder for a project.
func (r *rack) cinderOf(t *testing.T, project string, args ...string) string {
	t.Helper()
	env := []string{
		"OS_AUTH_TYPE=noauth", "OS_USER_ID=admin", "OS_PROJECT_ID=" + project, "OS_VOLUME_API_VERSION=3.70",
		"OS_ENDPOINT=http://" + r.APIAddr + "/v3", "CINDER_ENDPOINT=http://" + r.APIAddr + "/v3/" + project,
	}
	out, code := harness.Run(t, env, append([]string{"cinder"}, args...)...)
	require.Zero(t, code, "%v: %s", args, out)
	return out
}

func tutorialTypes(t *testing.T, r *rack) {
	r.cinder(t, "type-create", "lvm")
	r.cinder(t, "type-key", "lvm", "set", "volume_backend_name=lvm")
	for _, words := range glusterManual(t, "cinder") {
		if out := r.cinder(t, words...); words[0] == "create" {
			api, id := r.Client(demo), properties(t, out)["id"]
			require.True(t, strings.HasSuffix(api.WaitStatus(t, id, "available").Host, "@glusterfs#GFS"))
			api.Delete(t, id)
			api.WaitGone(t, id)
		}
	}
	specs := r.cinder(t, "extra-specs-list")
	require.Contains(t, specs, "'volume_backend_name': 'lvm'")
	require.Contains(t, specs, "'volume_backend_name': 'GFS'")
	services := r.cinder(t, "service-list")
	require.Regexp(t, `cinder-volume\s+\|\s+`+r.node.Name+`@lvm\s+\|\s+nova\s+\|\s+enabled\s+\|\s+up`, services)
	require.Regexp(t, `cinder-volume\s+\|\s+\S+@glusterfs\s+\|\s+nova\s+\|\s+enabled\s+\|\s+up`, services)
}

// glusterManual are the commands that the manual of the backend has for the storage node, those of one program.
func glusterManual(t *testing.T, program string) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/backends/glusterfs.md")
	require.NoError(t, err)
	block := regexp.MustCompile("```sh\n(clinkerd driver check [^`]*)```").FindStringSubmatch(string(text))
	require.NotNil(t, block)
	for line := range strings.Lines(block[1]) {
		words := strings.Fields(line)
		require.Contains(t, []string{"clinkerd", "cinder"}, words[0])
		if words[0] == program {
			lines = append(lines, words[1:])
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

// tutorialVolumes is the life of volumes of one type, with their bytes.
func tutorialVolumes(t *testing.T, r *rack, kind string) {
	begun := time.Now()
	api := r.Client(demo)
	pool := map[string]string{"lvm": "@lvm#lvm", "glusterfs": "@glusterfs#GFS"}[kind]
	ready := func(args ...string) harness.Volume {
		t.Helper()
		v := api.WaitStatus(t, properties(t, r.cinder(t, append([]string{"create"}, args...)...))["id"], "available")
		require.Truef(t, strings.HasSuffix(v.Host, pool), "%s is at %s", v.Name, v.Host)
		require.Equal(t, kind, v.Type)
		return v
	}
	r.newPattern(t, kind)
	source := ready("1", "--name", "db-"+kind, "--volume-type", kind)
	r.write(t, source)
	r.cinder(t, "extend", source.ID, "2")
	require.EqualValues(t, 2, api.WaitStatus(t, source.ID, "available").SizeGiB)
	r.holds(t, source)
	r.sized(t, source, 2)

	clone := ready("--source-volid", source.ID, "--name", "clone-"+kind)
	snapshot := properties(t, r.cinder(t, "snapshot-create", source.ID, "--name", "snap-"+kind))["id"]
	api.WaitSnapshot(t, snapshot, "available")
	restored := ready("--snapshot-id", snapshot, "--name", "restored-"+kind)
	for _, v := range []harness.Volume{clone, restored} {
		require.EqualValues(t, 2, v.SizeGiB)
		r.sized(t, v, 2)
		r.holds(t, v)
	}
	r.balanced(t, api, kind)
	require.Regexp(t, `gigabytes\s+\|\s+8\s+\|\s+0\s+\|`, r.cinder(t, "quota-usage", demo))

	snapshot = r.managedAnew(t, api, source, snapshot)
	r.cinder(t, "snapshot-delete", snapshot)
	api.WaitSnapshotGone(t, snapshot)
	r.holds(t, source)
	for _, v := range []harness.Volume{source, clone, restored} {
		r.cinder(t, "delete", v.ID)
	}
	for _, v := range []harness.Volume{source, clone, restored} {
		api.WaitGone(t, v.ID)
	}
	r.quiet(t, api)
	r.balanced(t, api, kind)
	r.checkLedger(t)
	t.Logf("%s took %.1f s", kind, time.Since(begun).Seconds())
}

// managedAnew lets a snapshot go and takes it in again, under another id; a volume made from it has the bytes. It returns that id.
func (r *rack) managedAnew(t *testing.T, api *harness.Client, source harness.Volume, snapshot string) string {
	t.Helper()
	r.cinder(t, "snapshot-unmanage", snapshot)
	api.WaitSnapshotGone(t, snapshot)
	var page struct {
		Items []struct {
			Reference map[string]string
			Safe      bool `json:"safe_to_manage"`
		} `json:"manageable-snapshots"`
	}
	host, _, _ := strings.Cut(source.Host, "#")
	api.Want(t, http.StatusOK, "GET", "/manageable_snapshots/detail?host="+url.QueryEscape(host), nil, "OpenStack-API-Version: volume 3.8").Decode(t, &page)
	require.Len(t, page.Items, 1)
	require.True(t, page.Items[0].Safe)
	id := properties(t, r.cinder(t, "snapshot-manage", source.ID, page.Items[0].Reference["source-name"]))["id"]
	require.NotEqual(t, snapshot, id)
	api.WaitSnapshot(t, id, "available")
	v := api.CreateAvailable(t, "anew", 2, object{"snapshot_id": id})
	r.holds(t, v)
	api.Delete(t, v.ID)
	api.WaitGone(t, v.ID)
	return id
}

// sized wants the device or file of a volume to have so many GiB. A client of GlusterFS believes for up to a second
// what it has seen before of a file that another client grew (md-cache).
func (r *rack) sized(t *testing.T, v harness.Volume, gib int) {
	t.Helper()
	r.script(t, v, fmt.Sprintf(`for i in $(seq 100); do
	if [ -b "$2" ]; then n=$(blockdev --getsize64 "$2"); else n=$(stat -c %%s "$2"); fi
	[ "$n" = $((%d<<30)) ] && exit
	sleep 0.1
done
echo "$n bytes"; exit 1`, gib))
}

// capacityOnce: two lines of shares.conf that lead into one volume are one pool, with the room of that volume.
func capacityOnce(t *testing.T, r *rack) {
	var page struct {
		Pools []struct {
			Name         string `json:"name"`
			Capabilities struct {
				Backend string  `json:"volume_backend_name"`
				Total   float64 `json:"total_capacity_gb"`
			} `json:"capabilities"`
		}
	}
	r.Client(demo).Want(t, 200, "GET", "/scheduler-stats/get_pools?detail=true", nil).Decode(t, &page)
	total, pools := map[string]float64{}, 0
	for _, p := range page.Pools {
		if p.Capabilities.Backend == "thick" {
			continue // not of the tutorial, and known sooner or later
		}
		total[p.Capabilities.Backend] = p.Capabilities.Total
		pools++
	}
	require.Equal(t, 2, pools, "%v", page.Pools)
	out, code := harness.Run(t, nil, "stat", "-f", "-c", "%b %S", r.mount)
	require.Zero(t, code, out)
	var blocks, size float64
	_, err := fmt.Sscan(out, &blocks, &size)
	require.NoError(t, err)
	require.InDelta(t, blocks*size/(1<<30), total["GFS"], 0.02)
	shown := r.cinder(t, "get-pools", "--detail")
	require.Equal(t, 1, strings.Count(shown, "@glusterfs#GFS"), shown)
	require.Equal(t, 1, strings.Count(shown, r.node.Name+"@lvm#lvm"), shown)
}

// noWayToDatabase: the storage node knows no database and could not reach one. It reaches Temporal and nothing else.
func noWayToDatabase(t *testing.T, r *rack) {
	node := r.node.With(t)
	reach := func(addr string) error {
		host, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		_, err = node.RunErr("timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/"+host+"/"+port)
		return err
	}
	at := func(port string) string { return net.JoinHostPort(node.Gateway(), port) }
	require.NoError(t, reach(r.TemporalAddr))
	_, apiPort, err := net.SplitHostPort(r.APIAddr)
	require.NoError(t, err)
	for what, port := range map[string]string{
		"catalogue": strconv.Itoa(r.Catalogue.Port()), "Temporal's database": strconv.Itoa(r.History.Port()), "API": apiPort,
	} {
		require.Error(t, reach(at(port)), what)
	}

	conf, err := os.ReadFile(filepath.Join(r.share, "lvm.conf"))
	require.NoError(t, err)
	environ := node.Run("sh", "-c", "tr '\\0' '\\n' </proc/$(cat "+r.lvm.pidFile()+")/environ")
	for _, text := range []string{string(conf), environ} {
		require.NotContains(t, text, "postgres")
		require.NotContains(t, text, "[database]")
		require.NotContains(t, text, "CLINKER_DATABASE")
	}
	peers := node.Run("sh", "-c", `ss -Htnp state established | grep '"clinkerd"' | awk '{print $4}' | sort -u`)
	require.Equal(t, r.TemporalAddr, peers, "what the worker is connected to")
}

// unmountShares takes from the worker what it has mounted.
func unmountShares(t *testing.T, r *rack) {
	points, err := filepath.Glob(filepath.Join(r.StateDir, "mnt", "*"))
	require.NoError(t, err)
	unmounted := 0
	for _, p := range points {
		if unix.Unmount(p, unix.MNT_DETACH) == nil {
			unmounted++
		}
	}
	require.NotZero(t, unmounted, "%v", points)
}

// done counts the steps that the worker of a type has ended well.
func (r *rack) done(t *testing.T, kind string) int {
	t.Helper()
	words := []string{"msg=task", "state=SUCCESS"}
	if kind == "lvm" {
		return len(r.lvm.logged(t, words...))
	}
	n := len(r.Storage.Logged(t, words...))
	if r.second != nil {
		n += len(r.second.Logged(t, words...))
	}
	return n
}
