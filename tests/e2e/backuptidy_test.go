package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// others are objects in a store that are not of Clinker's making, or of no backup that it knows: they are somebody's.
var others = []string{
	"0b2c8ac8-5c47-4a4f-9d1f-6f0a3b8f7e11/notes", "3f8f2f4e-2b64-4a0e-8a57-0d2f3f0b7c22/pack-0a1b2c3d-000000", "README", "volume_1/20261127/backup_1-00001",
}

// untidy is a project whose backups were cut off. Their store is listed by list.
type untidy struct {
	s    *harness.Server
	api  *harness.Client
	list func(*testing.T) []string
	cut  backedUp // in use; the flow of its backup was ended by hand
	id   string   // of that backup
	flow string
}

// filled makes a volume with so many MiB of random bytes.
func (u *untidy) filled(t *testing.T, name string, mib int) string {
	t.Helper()
	id := u.api.CreateAvailable(t, name, 1).ID
	filesShell(u.s.VolumeDir())(t, id, fmt.Sprintf(`dd status=none if=/dev/urandom of="$1" bs=1M count=%d seek=9 conv=notrunc,fsync`, mib))
	return id
}

// begin backs up a volume that is in use, which takes a temporary snapshot.
func (u *untidy) begin(t *testing.T, mib int) {
	t.Helper()
	volume := u.filled(t, "in use", mib)
	u.cut = backedUp{client: u.api, volume: volume}
	u.api.Action(t, volume, "os-reserve", object{})
	u.api.Action(t, volume, "os-attach", object{"host_name": "compute1", "mountpoint": "/dev/vdb", "mode": "rw"})
	u.api.WaitStatus(t, volume, "in-use")
	r := u.api.Want(t, http.StatusAccepted, "POST", "/backups", object{"backup": object{"volume_id": volume, "name": "cut off", "force": true}})
	var out struct{ Backup harness.Backup }
	r.Decode(t, &out)
	u.id, u.flow = out.Backup.ID, r.Flow()
}

// terminate ends a flow as the Web UI's Terminate does.
func (u *untidy) terminate(t *testing.T, flow string) {
	t.Helper()
	require.NoError(t, temporalClient(t, u.s.TemporalAddr).TerminateWorkflow(t.Context(), flow, "", "by hand"))
}

func (u *untidy) snapshot() string {
	return harness.SnapshotFile(u.s.VolumeDir(), u.cut.volume, u.id)
}

// tidied waits until the end of the flow has been found, and all of it but what lies in the store was taken back.
func (u *untidy) tidied(t *testing.T) {
	t.Helper()
	status := func() string {
		b, _, err := u.api.Backup(t.Context(), u.id)
		require.NoError(t, err)
		return b.Status
	}
	harness.Await(t, rackLimit, func() (bool, string) {
		now := status()
		return now == "error", "the end of the flow to be found: the backup is " + now
	})
	u.api.WaitStatus(t, u.cut.volume, "in-use")
	require.Equal(t, "FAILURE", u.api.Flow(t, u.flow).State)
	harness.Await(t, rackLimit, func() (bool, string) {
		var page struct{ Flows []harness.Flow }
		u.api.Want(t, http.StatusOK, "GET", "/flows?operation=backup-tidy&resource_id="+u.id, nil).Decode(t, &page)
		return len(page.Flows) == 1 && page.Flows[0].State == "SUCCESS", fmt.Sprintf("backup-tidy to have ended: %+v", page.Flows)
	})
	require.NoFileExists(t, u.snapshot())
	require.NotEmpty(t, u.of(t, u.id), "it goes with its row")
}

// of are the objects of a backup.
func (u *untidy) of(t *testing.T, id string) []string {
	t.Helper()
	return slices.DeleteFunc(u.list(t), func(name string) bool { return !strings.HasPrefix(name, id+"/") })
}

// end gives the volume that was in use back and deletes volumes.
func (u *untidy) end(t *testing.T, volumes ...string) {
	t.Helper()
	require.Equal(t, others, u.list(t))
	u.api.Action(t, u.cut.volume, "os-detach", object{})
	u.api.WaitStatus(t, u.cut.volume, "available")
	for _, id := range append(volumes, u.cut.volume) {
		u.api.Delete(t, id)
		u.api.WaitGone(t, id)
	}
	harness.CheckUsage(t, u.api)
}

// killed is a backup in a folder whose worker was killed in the middle of it, and whose flow was ended by hand then.
type killed struct {
	*untidy
	folder string
	whole  backedUp
	kept   string
}

func newKilled(t *testing.T, s *harness.Server, folder string) *killed {
	t.Helper()
	k := &killed{untidy: &untidy{s: s, api: s.API("killed"), list: func(t *testing.T) []string { return listFolder(t, folder) }}, folder: folder}
	for _, name := range others {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("somebody's"), 0o600))
	}
	k.whole = backedUp{client: k.api, volume: k.filled(t, "whole", 40)}
	k.kept = k.whole.backup(t, "kept", false, "")
	k.begin(t, 384)
	harness.Await(t, harness.Patience, func() (bool, string) { return len(k.of(t, k.id)) > 0, "the first pack" })
	s.Kill(t)
	require.NotContains(t, k.list(t), k.id+"/manifest", "it was cut off")
	require.FileExists(t, k.snapshot())
	s.Start(t)
	k.terminate(t, k.flow) // before another attempt is made: the first is missed after some heartbeats
	return k
}

// check wants the rubbish to be found and removed, also that of a backup whose deletion came no further than its first step, beside a backup that is being made.
func (k *killed) check(t *testing.T) {
	t.Helper()
	k.tidied(t)
	half := k.whole.backup(t, "half deleted", true, "hashes")
	require.NoError(t, os.Remove(filepath.Join(k.folder, half, "manifest")))
	sh := filesShell(k.s.VolumeDir())
	sum := sh.hash(t, k.whole.volume)
	running := k.whole.start(t, "running", false)
	k.cut.drop(t, k.id)
	k.cut.drop(t, half)
	k.whole.await(t, running, "available")
	for _, id := range []string{k.kept, running} {
		v := k.whole.into(t, id, 1, object{})
		require.Equal(t, sum, sh.hash(t, v))
		k.api.Delete(t, v)
	}
	require.Equal(t, slices.Sorted(slices.Values(slices.Concat(others, k.of(t, k.kept), k.of(t, running)))), k.list(t))
	k.whole.drop(t, running)
	k.whole.drop(t, k.kept)
	k.end(t, k.whole.volume)
	for _, name := range others {
		text, err := os.ReadFile(filepath.Join(k.folder, name))
		require.NoError(t, err)
		require.Equal(t, "somebody's", string(text))
		require.NoError(t, os.Remove(filepath.Join(k.folder, name)))
	}
}

// ended are a backup and a deletion in an object store that are ended by hand in the middle, while their workers run.
type ended struct {
	*untidy
	server *rig.SwiftServer
	gate   *gate
	whole  backedUp
	half   string // its backup that is deleted in part
}

func newEnded(t *testing.T, s *harness.Server, server *rig.SwiftServer, g *gate) *ended {
	t.Helper()
	e := &ended{untidy: &untidy{s: s, api: s.API("ended"), list: func(t *testing.T) []string { return listSwift(t, server, "bys3") }}, server: server, gate: g}
	e.whole = backedUp{client: e.api, volume: e.filled(t, "whole", 40)}
	e.half = e.whole.backup(t, "half deleted", false, "")
	c := swiftAt(t, server)
	for _, name := range others {
		require.NoError(t, c.ObjectPutString(t.Context(), "bys3", name, "somebody's", ""))
	}
	deleting := g.hold(http.MethodDelete, e.half+"/pack-", 1)
	flow := e.api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+e.half, nil).Flow()
	deleting.await(t)
	e.terminate(t, flow)

	making := g.hold(http.MethodPut, "/pack-", 1)
	e.begin(t, 64)
	making.await(t)
	require.FileExists(t, e.snapshot())
	e.terminate(t, e.flow)
	return e
}

// check wants the rubbish to be found and removed beside a backup whose first pack lies in the store and whose second is under way.
func (e *ended) check(t *testing.T) {
	t.Helper()
	e.tidied(t)
	harness.Await(t, rackLimit, func() (bool, string) {
		b, _, err := e.api.Backup(t.Context(), e.half)
		require.NoError(t, err)
		return b.Status == "error_deleting", "the end of the deletion to be found: the backup is " + b.Status
	})
	left := e.of(t, e.half)
	require.NotEmpty(t, left)
	require.NotContains(t, left, e.half+"/manifest", "nobody takes it for whole")

	sh := filesShell(e.s.VolumeDir())
	sum := sh.hash(t, e.whole.volume)
	making := e.gate.hold(http.MethodPut, "/pack-", 1)
	running := e.whole.start(t, "running", false)
	making.await(t)
	harness.Await(t, harness.Patience, func() (bool, string) { return len(e.of(t, running)) > 0, "the first pack of a backup" })
	e.cut.drop(t, e.id)
	e.cut.drop(t, e.half)
	require.Equal(t, slices.Sorted(slices.Values(slices.Concat(others, e.of(t, running)))), e.list(t))
	making.open()
	e.whole.await(t, running, "available")
	v := e.whole.into(t, running, 1, object{})
	require.Equal(t, sum, sh.hash(t, v))
	e.whole.drop(t, running)
	e.end(t, v, e.whole.volume)
	c := swiftAt(t, e.server)
	for _, name := range others {
		text, err := c.ObjectGetString(t.Context(), "bys3", name)
		require.NoError(t, err)
		require.Equal(t, "somebody's", text)
	}
}
