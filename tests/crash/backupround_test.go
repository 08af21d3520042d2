package crash

import (
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/tests/harness"
)

// victim is what is killed in a round, and how it comes back.
type victim struct {
	name       string
	kill, back func()
}

// round kills the victim at a random moment of a backup and a restore, and looks at all that became of both. It answers whether both were open then.
func (b *backedUp) round(t *testing.T, key string, v victim, whole time.Duration, rnd *mathrand.Rand) (landed bool) {
	t.Helper()
	source := []string{b.still, b.inUse}[rnd.IntN(2)]
	incremental, over := rnd.IntN(3) > 0, rnd.IntN(2) > 0
	moment := time.Duration(rnd.Int64N(int64(whole)))
	away := time.Duration(rnd.IntN(2000)) * time.Millisecond
	if v.name == "the store" && rnd.IntN(2) > 0 { // longer than a step waits for it
		away += 15 * time.Second
	}
	from := b.latest
	b.scribble(t, source, 3, rnd)
	before := b.moved(t)
	backup, backupFlow := b.backup(t, key, source, incremental)
	volume, restoreFlow := b.restore(t, key, from, over)

	time.Sleep(moment)
	at := b.at(t, backupFlow) + ", " + b.at(t, restoreFlow)
	v.kill()
	killed := time.Now().UTC()
	if b.store.Running() {
		b.visible(t)
	}
	time.Sleep(away)
	v.back()
	back := time.Now()
	b.visible(t)

	b.await(t, "backup", backup, func() (string, bool, error) {
		x, ok, err := b.api.Backup(t.Context(), backup)
		return x.Status, ok, err
	})
	b.onlyOf(t, backup)
	b.await(t, "volume", volume, func() (string, bool, error) {
		x, ok, err := b.api.Volume(t.Context(), volume)
		return x.Status, ok, err
	})
	require.Equal(t, b.taken[from], b.sum(t, volume), "volume %s was restored from %s", volume, from)
	b.settle(t)
	took := time.Since(back)
	landed = b.wasOpen(t, backupFlow, killed) && b.wasOpen(t, restoreFlow, killed)
	again := b.again(t, before, backup)
	t.Logf("round %s: %s was killed after %.1f s for %.1f s (%s); landed: %v; all had ended %.1f s after it was back; %d MiB were read and %d MiB written again",
		key, v.name, moment.Seconds(), away.Seconds(), at, landed, took.Seconds(), again.read/mib, again.written/mib)
	b.most.read, b.most.written = max(b.most.read, again.read), max(b.most.written, again.written)
	require.LessOrEqual(t, again.read, int64(oneCheckpoint))
	require.LessOrEqual(t, again.written, int64(oneCheckpoint))
	b.leftovers(t)
	if !over {
		b.api.Delete(t, volume)
		b.api.WaitGone(t, volume)
	}
	return landed
}

// at says in which step a flow is, and how far.
func (b *backedUp) at(t *testing.T, flow string) string {
	t.Helper()
	f := b.api.Flow(t, flow)
	where := f.State
	for _, task := range f.Tasks {
		if task.State == "RUNNING" {
			where = fmt.Sprintf("%s %d %%", task.Name, task.Progress.Percent)
		}
	}
	return f.Operation + ": " + where
}

// wasOpen tells whether a flow, which has ended well by now, was open at a time.
func (b *backedUp) wasOpen(t *testing.T, id string, at time.Time) bool {
	t.Helper()
	f := b.api.Flow(t, id)
	require.Equal(t, "SUCCESS", f.State, "%s: %s", f.FailedTask, f.Error)
	ended, err := time.Parse("2006-01-02T15:04:05", f.Finished)
	require.NoError(t, err)
	return ended.After(at)
}

// await waits until a row is `available`; until then it shows that it is not.
func (b *backedUp) await(t *testing.T, what, id string, status func() (string, bool, error)) {
	t.Helper()
	harness.Await(t, 2*settleBy, func() (bool, string) {
		s, there, err := status()
		if err == nil {
			require.True(t, there, "%s %s is gone", what, id)
			require.Contains(t, []string{"creating", "restoring-backup", "available"}, s, "%s %s", what, id)
		}
		return s == "available", fmt.Sprintf("%s %s to be available: it is %q, %v", what, id, s, err)
	})
}

// visible fails the test if something shows as a backup, in the store or by the API where that answers, that is not whole.
func (b *backedUp) visible(t *testing.T) {
	t.Helper()
	s := b.open(t)
	rows := b.available(t) // before the store's list: none may come without its manifest
	for m, err := range backups.List(t.Context(), s) {
		require.NoError(t, err)
		require.Contains(t, b.taken, m.BackupID)
		delete(rows, m.BackupID)
		if m.BackupID == b.latest { // those before have been restored
			_, damages, err := backups.Verify(t.Context(), s, m.BackupID, backups.RestoreOptions{})
			require.NoError(t, err)
			require.Empty(t, damages)
		}
	}
	require.Empty(t, rows, "backups are available that the store does not have")
}

// available are the backups that the API shows as such, none where it is dead.
func (b *backedUp) available(t *testing.T) map[string]bool {
	t.Helper()
	rows := map[string]bool{}
	if !b.k.API.Running() {
		return rows
	}
	var page struct{ Backups []harness.Backup }
	b.api.Want(t, http.StatusOK, "GET", "/backups/detail?status=available", nil).Decode(t, &page)
	for _, one := range page.Backups {
		rows[one.ID] = true
	}
	return rows
}

// onlyOf fails the test unless the store has of a backup its manifest, the packs that this names, and nothing else.
func (b *backedUp) onlyOf(t *testing.T, id string) {
	t.Helper()
	m, err := backups.ReadManifest(t.Context(), b.open(t), id)
	require.NoError(t, err)
	want := []string{id + "/manifest"}
	for _, a := range m.Attempts {
		for n := range a.Packs {
			want = append(want, fmt.Sprintf("%s/pack-%s-%06x", id, a.Name, n))
		}
	}
	var got []string
	for _, o := range b.objects(t) {
		if strings.HasPrefix(o.Key, id+"/") {
			got = append(got, o.Key)
		}
	}
	require.ElementsMatch(t, want, got)
}

// leftovers fails the test where anything temporary is left: a snapshot or its file, an attachment, what a backup or a restore remembers of its way.
func (b *backedUp) leftovers(t *testing.T) {
	t.Helper()
	harness.CheckFiles(t, b.api, harness.ListFiles(t, b.k.VolumeDir()))
	snapshots, err := b.api.Snapshots(t.Context(), true)
	require.NoError(t, err)
	require.Empty(t, snapshots)
	var page struct {
		Attachments []struct {
			Volume string `json:"volume_id"`
		}
	}
	b.api.Want(t, http.StatusOK, "GET", "/attachments/detail?all_tenants=1", nil).Decode(t, &page)
	require.Len(t, page.Attachments, 1)
	require.Equal(t, b.inUse, page.Attachments[0].Volume)
	for _, o := range b.objects(t) {
		name := path.Base(o.Key)
		require.True(t, name == "manifest" || strings.HasPrefix(name, "pack-"), "%s is left", o.Key)
	}
}

// check restores the last backup, and deletes everything: the rows, the store and the disk have nothing else.
func (b *backedUp) check(t *testing.T) {
	t.Helper()
	volume, _ := b.restore(t, "check", b.latest, true)
	b.settle(t)
	b.api.WaitStatus(t, volume, "available")
	require.Equal(t, b.taken[b.latest], b.sum(t, volume))
	for volume, was := range map[string]string{b.still: "available", b.inUse: "in-use"} {
		v, _, err := b.api.Volume(t.Context(), volume)
		require.NoError(t, err)
		require.Equal(t, was, v.Status)
		require.Equal(t, b.sums[volume], b.sum(t, volume), "what was backed up is as it was")
	}
	var page struct{ Backups []harness.Backup }
	b.api.Want(t, http.StatusOK, "GET", "/backups/detail", nil).Decode(t, &page)
	require.Len(t, page.Backups, len(b.taken), "what was accepted is there, and nothing else")
	b.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+b.inUse+"/action", harness.Object{"os-detach": nil})
	b.api.WaitStatus(t, b.inUse, "available")
	b.settle(t)
	b.k.CheckConsistent(t)
	harness.CheckUsage(t, b.api)
	for _, one := range page.Backups { // the newest first: nothing adds to it
		require.Equal(t, "available", one.Status, "backup %s: %s", one.ID, one.FailReason)
		b.api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+one.ID, nil)
		b.api.WaitBackup(t, one.ID, "")
	}
	require.Empty(t, b.objects(t), "an object that belongs to no backup is left")
}
