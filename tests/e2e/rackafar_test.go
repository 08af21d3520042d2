package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// backupsFromAnotherHost has volumes of LVM backed up and restored by the controller's data worker, which reaches them over iSCSI: their own host has none. It is killed
// in the middle of both. As with moves, it runs in the node, whose kernel has iSCSI.
func backupsFromAnotherHost(t *testing.T, r *rack) {
	begun := time.Now()
	m := &movers{rack: r, api: r.Client("afar"), controller: r.hostOf(t, "glusterfs")}
	r.node.With(t).Run("modprobe", "fuse")
	far := m.worker(t, "glusterfs", "state-controller")
	store := filepath.Join(r.share, "afar")
	require.NoError(t, os.Mkdir(store, 0o700))
	m.defaults(t, far, "backup_posix_path = /host/afar\n")
	far.start(t)
	m.awaitData(t, m.controller)

	v := m.api.CreateAvailable(t, "afar", 1, object{"volume_type": "lvm"})
	want := m.fill(t, v)
	b := &backedUp{client: m.api, volume: v.ID}
	full := b.start(t, "full", false)
	m.killed(t, far, `ls /host/afar/`+full+`/pack-*`)
	b.await(t, full, "available")
	require.NotEmpty(t, far.logged(t, "task=BackupChunks", "attempt=2", "state=SUCCESS"), "what was killed goes on")
	m.apart(t)
	lv := "/dev/cinder-volumes/volume-" + v.ID
	node := r.node.With(t)
	node.Run("sh", "-ec", `dd status=none if=/dev/urandom of="$1" bs=1M count=9 seek=600 conv=notrunc,fsync`, "sh", lv)
	changed := m.hashLV(t, v.ID)
	part := b.backup(t, "part", true, "hashes")
	require.NotEqual(t, want, changed)

	// Over the volume, whose other bytes must all go, and into new ones.
	m.api.Want(t, http.StatusAccepted, "POST", "/backups/"+full+"/restore", object{"restore": object{"volume_id": v.ID}})
	m.killed(t, far, `grep "task=RestoreChunks" /host/`+far.name+`.log && ls /sys/class/iscsi_session/session*`)
	b.available(t, v.ID)
	b.await(t, full, "available")
	require.Equal(t, want, m.hashLV(t, v.ID))
	again := b.into(t, part, 1, object{"volume_type": "lvm"})
	require.Equal(t, changed, m.hashLV(t, again))
	m.apart(t)
	require.Empty(t, far.logged(t, "auth_password"))

	for _, id := range []string{part, full} {
		b.drop(t, id)
	}
	require.Empty(t, objects(t, store))
	for _, id := range []string{again, v.ID} {
		m.api.Delete(t, id)
		m.api.WaitGone(t, id)
	}
	harness.CheckUsage(t, m.api)
	r.quiet(t, m.api)
	r.checkLedger(t)
	far.signal(t, "TERM")
	far.ended(t)
	t.Logf("backups from another host took %.1f s", time.Since(begun).Seconds())
}

// killed kills a worker as soon as a command of a shell in the node succeeds, and starts it anew.
func (m *movers) killed(t *testing.T, w *nodeWorker, once string) {
	t.Helper()
	done := m.node.With(t).Background(os.Stderr, "timeout", "240", "sh", "-c", fmt.Sprintf(`until { %s; } >/dev/null 2>&1; do sleep 0.02; done; kill -KILL $(cat "$1")`, once), "sh", w.pidFile())
	require.NoError(t, <-done)
	w.ended(t)
	w.start(t)
}
