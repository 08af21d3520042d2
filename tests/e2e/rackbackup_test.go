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
	"github.com/clinker-storage/clinker/tests/rig"
)

// backupsOnNFS backs up a thick volume and one of GlusterFS, each by the data worker of its host, to a real NFS server that both mount, and compares whole
// devices: random, 0xFF, zeroed between the backups, and holes. As with moves, the controller's data worker runs in the node too, whose kernel has NFS.
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
	conf := filepath.Join(r.share, share.name+".conf")
	text, err := os.ReadFile(conf)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(conf, []byte(strings.Replace(string(text), "[DEFAULT]\n", "[DEFAULT]\n"+store, 1)), 0o600))
	for _, w := range []*nodeWorker{thick, share} {
		w.start(t)
	}
	m.awaitData(t, r.node.Name)
	m.awaitData(t, m.controller)

	for _, backend := range []string{"thick", "GFS"} {
		kind := "backed-up-" + backend
		r.cinder(t, "type-create", kind)
		r.cinder(t, "type-key", kind, "set", "volume_backend_name="+backend)
		(&nfsBackups{extents: &extents{movers: m}, kind: kind, thick: backend == "thick"}).run(t)
		r.cinder(t, "type-delete", kind)
	}
	require.Empty(t, objects(t, server.Path))
	harness.CheckUsage(t, m.api)
	r.quiet(t, m.api)
	r.checkLedger(t)
	for _, w := range []*nodeWorker{thick, share} {
		w.signal(t, "TERM")
		w.ended(t)
	}
	t.Logf("backups on NFS took %.1f s", time.Since(begun).Seconds())
}

// nfsBackups are those of a volume of one type.
type nfsBackups struct {
	*extents
	kind  string
	thick bool
}

func (b *nfsBackups) run(t *testing.T) {
	b.volume = b.api.CreateAvailable(t, "source", 1, object{"volume_type": b.kind}).ID
	b.sh(t, b.volume, `dd status=none if=/dev/urandom of="$1" bs=1M count=24 seek=3 conv=notrunc,fsync
		tr '\0' '\377' </dev/zero | dd status=none of="$1" bs=1M count=8 seek=600 iflag=fullblock conv=notrunc,fsync`)
	first := b.hash(t, b.volume)
	full := b.backup(t, "full", false, "")
	b.sh(t, b.volume, `dd status=none if=/dev/zero of="$1" bs=1M count=4 seek=5 conv=notrunc,fsync
		dd status=none if=/dev/urandom of="$1" bs=1M count=2 seek=1000 conv=notrunc,fsync`)
	second := b.hash(t, b.volume)
	require.NotEqual(t, first, second)
	part := b.backup(t, "part", true, "hashes")

	// Into a new volume, and then over it: no hole of the other backup may let what was there through.
	made, _ := b.api.Create(t, "restored", 1, object{"volume_type": b.kind, "backup_id": part})
	b.available(t, made.ID)
	require.Equal(t, second, b.hash(t, made.ID))
	b.api.Want(t, http.StatusAccepted, "POST", "/backups/"+full+"/restore", object{"restore": object{"volume_id": made.ID}})
	b.available(t, made.ID)
	require.Equal(t, first, b.hash(t, made.ID))

	for _, id := range []string{part, full} {
		b.await(t, id, "available")
		b.drop(t, id)
	}
	for _, id := range []string{made.ID, b.volume} {
		b.api.Delete(t, id)
		b.api.WaitGone(t, id)
	}
}

func (b *nfsBackups) hash(t *testing.T, id string) string {
	t.Helper()
	if b.thick {
		return b.hashDevice(t, "thick/volume-"+id)
	}
	sum, _, _ := strings.Cut(b.sh(t, id, `sha256sum "$1"`), " ")
	return sum
}

// sh runs commands of a shell where a volume is; $1 is its device or file.
func (b *nfsBackups) sh(t *testing.T, id, text string) string {
	t.Helper()
	if b.thick {
		lv := "thick/volume-" + id
		node := b.node.With(t)
		node.Run("lvchange", "-ay", "-K", lv)
		return node.Run("sh", "-ec", text, "sh", "/dev/"+lv)
	}
	out, code := harness.Run(t, nil, "sh", "-ec", text, "sh", filepath.Join(b.mount, "volume-"+id))
	require.Zero(t, code, out)
	return out
}
