package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// changedExtents backs a thin volume up in full and by changed extents, with the option switched on in the storage node's file: what is read is what is mapped and what was
// changed, a killed data worker's backup goes on, each restores byte for byte, and the one snapshot that is kept of the volume is gone where it is no use any more.
func changedExtents(t *testing.T, r *rack) {
	begun := time.Now()
	api := r.Client("extents")
	e := &extents{movers: &movers{rack: r, api: api}, backedUp: backedUp{client: api}}
	w := e.keeping(t)
	e.volume = e.api.CreateAvailable(t, "counted", 1, object{"volume_type": "lvm"}).ID
	lv := "/dev/cinder-volumes/volume-" + e.volume
	node := r.node.With(t)
	node.Run("lvchange", "-ay", "-K", lv)
	random := func(at, mib int) {
		node.Run("sh", "-ec", `dd status=none if=/dev/urandom of="$1" bs=1M count="$3" seek="$2" conv=notrunc,fsync`, "sh", lv, fmt.Sprint(at), fmt.Sprint(mib))
	}
	random(0, 24)
	random(700, 16)
	full := e.backup(t, "full", false, "")
	made := e.made(t, full)
	require.Empty(t, made.ReadBy)
	require.Equal(t, int64(40<<20), made.ReadBytes, "what is mapped, and no more")
	require.Equal(t, e.names(full), r.lvs(t))

	// Changed, zeroed, discarded and extended; the data worker dies in the middle of it, and the same incremental goes on by extents.
	random(100, 48)
	node.Run("sh", "-ec", `dd status=none if=/dev/zero of="$1" bs=1M count=4 seek=2 conv=notrunc,fsync; blkdiscard -o $((704<<20)) -l $((4<<20)) "$1"`, "sh", lv)
	e.api.Action(t, e.volume, "os-extend", object{"new_size": 2})
	e.api.WaitStatus(t, e.volume, "available")
	random(1500, 1)
	want := e.hashLV(t, e.volume)
	part := e.start(t, "part", true)
	killed := node.Background(os.Stderr, "timeout", "120", "sh", "-c", `until ls "$1"/pack-* >/dev/null 2>&1 || [ -e "$1"/manifest ]; do sleep 0.02; done; kill -KILL $(cat "$2")`,
		"sh", "/host/backups/"+part, w.pidFile())
	require.NoError(t, <-killed)
	w.ended(t)
	w.start(t)
	e.await(t, part, "available")
	made = e.made(t, part)
	require.Equal(t, "extents", made.ReadBy)
	require.LessOrEqual(t, made.ReadBytes, int64(60<<20), "48 changed, 4 zeroed, 4 discarded and 1 new, on both sides of the kill")
	require.Equal(t, e.names(part), r.lvs(t), "one base, the newest")
	require.Equal(t, want, e.restored(t, part))

	// Somebody has removed the base: by hashes, and right.
	node.Run("lvremove", "-y", "cinder-volumes/_snapshot-"+part)
	random(300, 2)
	want = e.hashLV(t, e.volume)
	hashed := e.backup(t, "hashed", true, "hashes")
	require.Equal(t, want, e.restored(t, hashed))
	require.NotEmpty(t, w.logged(t, "the base snapshot is no use"))
	random(310, 2)
	want = e.hashLV(t, e.volume)
	last := e.backup(t, "last", true, "extents")
	require.LessOrEqual(t, e.made(t, last).ReadBytes, int64(3<<20))
	require.Equal(t, want, e.restored(t, last))

	// Its backup deleted, the base is gone; with a base alone a volume is deleted.
	e.drop(t, last)
	require.Equal(t, []string{"volume-" + e.volume}, r.lvs(t))
	again := e.backup(t, "again", true, "hashes")
	require.Equal(t, e.names(again), r.lvs(t))
	e.api.Delete(t, e.volume)
	e.api.WaitGone(t, e.volume)
	require.Empty(t, r.lvs(t))
	for _, id := range []string{again, hashed, part, full} {
		e.drop(t, id)
	}
	chainOfTen(t, source{client: e.api, kind: "lvm", by: "extents", sh: r.groupShell("cinder-volumes")})
	require.Empty(t, r.lvs(t))
	require.Empty(t, objects(t, r.store()))
	harness.CheckUsage(t, e.api)
	r.quiet(t, e.api)
	r.checkLedger(t)
	w.signal(t, "TERM")
	w.ended(t)
	t.Logf("changed extents took %.1f s", time.Since(begun).Seconds())
}

// extents are the backups of one volume, by the data worker of its host.
type extents struct {
	*movers
	backedUp
}

// keeping has the storage node keep bases, where it does not yet, and starts its data worker, whose store is a folder of the node.
func (e *extents) keeping(t *testing.T) *nodeWorker {
	t.Helper()
	if !strings.Contains(string(readFile(t, filepath.Join(e.share, e.lvm.name+".conf"))), "backup_keep_base_snapshot") {
		e.option(t, e.lvm, "")
		e.lvm.kill(t)
		e.lvm.start(t)
	}
	w := e.movers.worker(t, "lvm", "state")
	e.option(t, w, "backup_posix_path = /host/backups\n")
	require.NoError(t, os.MkdirAll(e.store(), 0o700))
	w.start(t)
	e.awaitData(t, e.node.Name)
	e.awaitKeeps(t)
	return w
}

// option puts backup_keep_base_snapshot into a worker's file, and more into its first section.
func (e *extents) option(t *testing.T, w *nodeWorker, more string) {
	t.Helper()
	file := filepath.Join(e.share, w.name+".conf")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := strings.Replace(strings.Replace(string(text), "[lvm]\n", "[lvm]\nbackup_keep_base_snapshot = true\n", 1), "[DEFAULT]\n", "[DEFAULT]\n"+more, 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
}

// awaitKeeps waits until the pool has reported that it keeps bases.
func (e *extents) awaitKeeps(t *testing.T) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		text := string(e.api.Want(t, http.StatusOK, "GET", "/scheduler-stats/get_pools?detail=true", nil).Body)
		return strings.Contains(text, "backup_keep_base_snapshot"), "a pool to report that it keeps bases: " + text
	})
}

// restored is the hash of what a backup comes back as, in a new volume.
func (e *extents) restored(t *testing.T, id string) string {
	t.Helper()
	volume := e.into(t, id, 2, object{"volume_type": "lvm"})
	sum := e.hashLV(t, volume)
	e.api.Delete(t, volume)
	e.api.WaitGone(t, volume)
	return sum
}

// names are the logical volumes of the volume and the base of a backup.
func (e *extents) names(backup string) []string {
	all := []string{"_snapshot-" + backup, "volume-" + e.volume}
	slices.Sort(all)
	return all
}
