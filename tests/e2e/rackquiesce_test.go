package e2e

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// heldStill are the backups of a volume of LVM on which a guest has a file system, and blocks of its own behind that.
type heldStill struct {
	*extents
	h      *guestHost
	disk   string
	blocks map[int]string // by eights of MiB, the hash of such eight
}

// withFiles brings a volume into the guest, and makes the file system.
func (h *guestHost) withFiles(t *testing.T) *heldStill {
	t.Helper()
	v := h.api.CreateAvailable(t, "files", 1, object{"volume_type": "lvm"})
	h.api.WaitFlow(t, h.api.Action(t, v.ID, "clinker-attach", object{"host": h.name, "instance": h.vm.Name}), "SUCCESS")
	h.api.WaitStatus(t, v.ID, "in-use")
	b := &heldStill{extents: &extents{movers: &movers{rack: h.rack, api: h.api}, backedUp: backedUp{client: h.api, volume: v.ID}}, h: h, disk: diskOf(t, h.vm, v.ID), blocks: map[int]string{}}
	h.inside(t, "mke2fs /dev/%[1]s 65536 >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/%[1]s /mnt && echo lazily written >/mnt/before", b.disk)
	b.random(t, 38)
	return b
}

// holdsStill backs a volume up while its guest writes to it and holds still for that: in full, and by what has changed since the base, which is a
// snapshot of the attached volume too. What comes back is what the guest had written by then, and whole.
func (h *guestHost) holdsStill(t *testing.T, meanwhile func(b *heldStill, full string)) {
	t.Helper()
	begun := time.Now()
	b := h.withFiles(t)
	full := b.make(t, false, "")
	require.GreaterOrEqual(t, b.made(t, full).ReadBytes, int64(8<<20))
	if meanwhile != nil {
		meanwhile(b, full)
	}
	h.inside(t, "echo later >/mnt/second")
	b.random(t, 63)
	part := b.make(t, true, "extents")
	require.Less(t, b.made(t, part).ReadBytes, int64(12<<20), "what has changed, and no more")
	h.inside(t, "echo goes on >/mnt/after")
	b.comesBack(t, part, "lazily written", "later")
	b.remove(t, part, full)
	t.Logf("holding still took %.1f s", time.Since(begun).Seconds())
}

// random has the guest write 8 MiB, the at-th.
func (b *heldStill) random(t *testing.T, at int) {
	t.Helper()
	b.blocks[at] = b.h.inside(t, `dd if=/dev/urandom of=/tmp.b bs=1M count=8 2>/dev/null; dd if=/tmp.b of=/dev/%s bs=1M seek=%d conv=fsync 2>/dev/null && sha256sum </tmp.b | cut -c -64; rm /tmp.b`, b.disk, 8*at)
	require.Len(t, b.blocks[at], 64)
}

// ask begins a backup, once the guest's agent is there.
func (b *heldStill) ask(t *testing.T, quiesce string, incremental bool) (id, flow string) {
	t.Helper()
	var r harness.Response
	harness.Await(t, rackLimit, func() (bool, string) {
		var err error
		r, err = b.api.Do(t.Context(), "POST", "/backups", object{"backup": object{"volume_id": b.volume, "force": true, "incremental": incremental, "clinker:quiesce": quiesce}})
		require.NoError(t, err)
		if r.Status != http.StatusAccepted {
			require.Contains(t, string(r.Body), "agent does not answer")
		}
		return r.Status == http.StatusAccepted, "the guest's agent to be found: " + string(r.Body)
	})
	var out struct{ Backup harness.Backup }
	r.Decode(t, &out)
	return out.Backup.ID, r.Flow()
}

// make makes a backup whose guest holds still.
func (b *heldStill) make(t *testing.T, incremental bool, by string) string {
	t.Helper()
	id, flow := b.ask(t, "required", incremental)
	b.await(t, id, "available")
	f := b.api.WaitFlow(t, flow, "SUCCESS")
	for _, task := range []string{"FindAgent", "FreezeGuest", "CreateSnapshot", "ThawGuest", "KeepBase"} {
		require.Equal(t, "SUCCESS", f.Task(task).State, "%s: %+v", task, f)
	}
	made := b.made(t, id)
	require.Equal(t, by, made.ReadBy)
	require.True(t, made.Quiesced)
	b.left(t, id)
	return id
}

// left wants the volume to be as before a backup, its guest to go on, and the base of a backup to be the only snapshot.
func (b *heldStill) left(t *testing.T, base string) {
	t.Helper()
	require.Equal(t, "in-use", b.api.WaitStatus(t, b.volume, "in-use").Status)
	require.Contains(t, b.h.status(), "thawed")
	b.h.inside(t, "echo goes on >/mnt/now && sync && rm /mnt/now")
	snapshots := b.node.With(t).Run("lvs", "--noheadings", "-o", "lv_name", "-S", "origin=volume-"+b.volume, "cinder-volumes")
	require.Equal(t, "_snapshot-"+base, strings.TrimSpace(snapshots))
	var page struct{ Attachments []struct{ Status string } }
	b.api.Want(t, http.StatusOK, "GET", "/attachments?volume_id="+b.volume, nil, attachVersion).Decode(t, &page)
	require.Len(t, page.Attachments, 1)
}

// comesBack restores a backup into a new volume, and compares it with the base, with what the guest wrote, and with the files.
func (b *heldStill) comesBack(t *testing.T, id string, files ...string) {
	t.Helper()
	v, _ := b.api.Create(t, "restored", 1, object{"volume_type": "lvm", "backup_id": id})
	b.available(t, v.ID)
	b.await(t, id, "available")
	restored := b.api.WaitStatus(t, v.ID, "available")
	for at, sum := range b.blocks {
		b.h.stored(t, restored, fmt.Sprintf("bs=8M skip=%d", at), sum)
	}
	require.Equal(t, b.hashDevice(t, "cinder-volumes/_snapshot-"+id), b.hashLV(t, v.ID))
	out := b.node.With(t).Run("sh", "-ec", `e2fsck -fn "$1" 2>&1; debugfs -R "cat /before" "$1"; debugfs -R "cat /second" "$1"; debugfs -R "ls /" "$1"`,
		"sh", "/dev/cinder-volumes/volume-"+v.ID)
	for _, text := range files {
		require.Contains(t, out, text)
	}
	require.NotContains(t, out, "after")
	b.api.Delete(t, v.ID)
	b.api.WaitGone(t, v.ID)
}

// remove takes the volume from the guest and deletes it, with its base, and its backups.
func (b *heldStill) remove(t *testing.T, backups ...string) {
	t.Helper()
	b.h.inside(t, "umount /mnt")
	b.api.WaitFlow(t, b.api.Action(t, b.volume, "clinker-detach", object{}), "SUCCESS")
	b.api.WaitStatus(t, b.volume, "available")
	b.api.Delete(t, b.volume)
	b.api.WaitGone(t, b.volume)
	for _, id := range backups {
		require.NotContains(t, b.lvs(t), "_snapshot-"+id)
		b.drop(t, id)
	}
}

// volumeLock is the lock that each step of the LVM driver on a volume takes.
func (b *heldStill) volumeLock() hold {
	h := fnv.New64a()
	h.Write([]byte(b.volume))
	return fileLock("/run/lock/clinker/lvm-cinder-volumes.lock", fmt.Sprintf(", 1, %d", h.Sum64()>>2))
}

// stuck begins a backup whose guest holds still for a snapshot that can't be made, until give is called.
func (b *heldStill) stuck(t *testing.T, quiesce string, incremental bool) (id, flow string, give func()) {
	t.Helper()
	lock, node := b.volumeLock(), b.node.With(t)
	node.Run("sh", "-c", lock.take)
	id, flow = b.ask(t, quiesce, incremental)
	harness.Await(t, rackLimit, func() (bool, string) {
		return len(b.lvm.logged(t, "state=RUNNING", "task=CreateSnapshot ", "flow="+flow+" ")) > 0, "the snapshot to be waited for"
	})
	return id, flow, func() { node.Run("sh", "-c", lock.give) }
}

// thawed waits until the guest goes on.
func (b *heldStill) thawed(t *testing.T) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		status := b.h.status()
		return strings.Contains(status, "thawed"), "the guest to go on: it is " + status
	})
}

// hostKilled kills the host worker while the guest holds still for a backup. The guest goes on as soon as there is a worker again, which does not even find
// Temporal; the backup fails and says why, and nothing is left of it.
func (b *heldStill) hostKilled(t *testing.T, base string) {
	w := b.h.worker
	id, flow, give := b.stuck(t, "required", true)
	w.Kill(t)
	require.Contains(t, b.h.status(), "frozen", "there is nobody to let it go on")
	env := w.Env
	w.Env = append(slices.Clone(env), "CLINKER_TEMPORAL__ADDRESS="+harness.FreeAddr(t))
	w.Begin(t)
	b.thawed(t)
	w.Kill(t)
	w.Env = env
	w.Start(t)
	give()
	f := b.api.WaitFlow(t, flow, "FAILURE")
	require.Regexp(t, "h[eo]ld still", f.Error)
	require.Equal(t, "SUCCESS", f.Task("ThawGuest").State, "%+v", f)
	require.Equal(t, "error", b.made(t, id).Status)
	b.left(t, base)
	b.drop(t, id)
}

// controlKilled kills the control worker while a guest holds still for a backup, and starts it when the guest goes on all the same. The backup is
// crash-consistent then, which it was allowed to be.
func (h *guestHost) controlKilled(t *testing.T) {
	begun := time.Now()
	b := h.withFiles(t)
	id, flow, give := b.stuck(t, "if-possible", false)
	h.Control.Kill(t)
	require.Contains(t, h.status(), "frozen")
	b.thawed(t)
	require.NotEmpty(t, h.worker.Logged(t, "a guest held still for too long, and goes on", flow))
	give()
	h.Control.Start(t)
	b.await(t, id, "available")
	require.False(t, b.made(t, id).Quiesced)
	b.left(t, id)
	b.comesBack(t, id)
	b.remove(t, id)
	t.Logf("without the control worker it took %.1f s", time.Since(begun).Seconds())
}

// fileStays wants no backup of a file that a guest has, and the guest not to be asked to hold still for one.
func (h *guestHost) fileStays(t *testing.T, v harness.Volume) {
	t.Helper()
	for _, quiesce := range []string{"", "required", "if-possible"} {
		fields := object{"volume_id": v.ID, "force": true}
		if quiesce != "" {
			fields["clinker:quiesce"] = quiesce
		}
		got := h.api.Want(t, http.StatusBadRequest, "POST", "/backups", object{"backup": fields})
		require.Contains(t, string(got.Body), "detach it first", quiesce)
	}
	require.Contains(t, h.status(), "thawed")
	for _, task := range []string{"FindAgent", "FreezeGuest"} {
		require.Empty(t, h.worker.Logged(t, "task="+task+" "))
	}
	require.Equal(t, "in-use", h.api.WaitStatus(t, v.ID, "in-use").Status)
	require.JSONEq(t, `{"backups":[]}`, string(h.api.Want(t, http.StatusOK, "GET", "/backups", nil).Body))
}

// store is the folder of the backups.
func (r *rack) store() string { return filepath.Join(r.share, "backups") }
