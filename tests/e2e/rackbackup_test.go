package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

// backupsOnNFS backs up a thick volume and one of GlusterFS, each by the data worker of its host, to a real NFS server that both mount. As with moves, the
// controller's data worker runs in the node too, whose kernel has NFS.
func backupsOnNFS(t *testing.T, r *rack) {
	begun := time.Now()
	r.AwaitPools(t, 3)
	server := rig.NFS(t, rig.GiB)
	m := &movers{rack: r, api: r.Client("backed-up"), controller: r.hostOf(t, "glusterfs")}
	r.node.With(t).Run("modprobe", "fuse")
	store := "backup_driver = cinder.backup.drivers.nfs.NFSBackupDriver\nbackup_share = " + server.Share + "\n"
	thick := m.nodeWorker(t, "data-thick", "host = "+r.node.Name+"\n"+store+fmt.Sprintf(thickConf, r.node.Addr))
	thick.role = []string{"data"}
	share := m.worker(t, "glusterfs", "state-controller")
	m.defaults(t, share, store)
	for _, w := range []*nodeWorker{thick, share} {
		w.start(t)
	}
	m.awaitData(t, r.node.Name)
	m.awaitData(t, m.controller)

	shells := map[string]shell{"thick": r.groupShell("thick"), "GFS": filesShell(r.mount)}
	t.Run("chains", func(t *testing.T) {
		for backend, sh := range shells {
			r.cinder(t, "type-create", "backed-up-"+backend)
			r.cinder(t, "type-key", "backed-up-"+backend, "set", "volume_backend_name="+backend)
			t.Run(backend, func(t *testing.T) {
				t.Parallel()
				chainOfTen(t, source{client: r.Client("backed-up-" + backend), kind: "backed-up-" + backend, by: "hashes", sh: sh})
			})
		}
	})
	for backend := range shells {
		r.cinder(t, "type-delete", "backed-up-"+backend)
	}
	require.Empty(t, objects(t, server.Path))
	r.checkLedger(t)
	for _, w := range []*nodeWorker{thick, share} {
		w.signal(t, "TERM")
		w.ended(t)
	}
	t.Logf("backups on NFS took %.1f s", time.Since(begun).Seconds())
}
