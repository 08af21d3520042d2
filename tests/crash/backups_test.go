package crash

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/ncw/swift/v2"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// backedUp are volumes that are backed up and restored while something of Clinker is killed.
type backedUp struct {
	k     *harness.Cluster
	api   *harness.Client
	store *rig.SwiftServer
	data  *harness.Process
	w     workload          // for its patience only
	sums  map[string][]byte // by volume, what it holds
	taken map[string][]byte // by backup, the SHA-256 of the volume as it was
	last  map[string]string // the latest backup of each volume
	made  map[string]string // by volume, the backup that it was restored from
}

// TestKillBackups kills, each time at a random moment of two backups, one of them of a volume in use, and a restore: the data worker, the
// control worker, the store (a real Swift), and all of Clinker. Each ends right, every byte is compared, and nothing is left over.
func TestKillBackups(t *testing.T) {
	t.Parallel()
	kills, rnd := moments(t)
	b := &backedUp{store: rig.Swift(t, 4<<30), sums: map[string][]byte{}, taken: map[string][]byte{}, last: map[string]string{}, made: map[string]string{}}
	b.k = harness.Apart(t, fmt.Sprintf(`backup_driver = swift
backup_swift_auth_version = 1
backup_swift_auth_url = %s
backup_swift_user = %s
backup_swift_key = %s
backup_swift_container = killed
`, b.store.AuthURL, b.store.User, b.store.Key))
	b.data = b.k.Part(t, "worker", "data")
	b.api = b.k.Client("red")
	b.api.SetQuota(t, harness.Object{"volumes": -1, "gigabytes": -1, "backups": -1, "backup_gigabytes": -1})
	b.api.HTTP.Timeout = 15 * time.Second
	harness.Await(t, harness.Patience, func() (bool, string) {
		var out struct{ Services []harness.Object }
		b.api.Want(t, http.StatusOK, "GET", "/os-services?binary=cinder-backup", nil).Decode(t, &out)
		return len(out.Services) > 0, "the data worker to be seen"
	})

	still, inUse := b.api.CreateAvailable(t, "still", 1).ID, b.api.CreateAvailable(t, "in-use", 1).ID
	for _, id := range []string{still, inUse} {
		b.scribble(t, id, 256)
	}
	b.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+inUse+"/action", harness.Object{"os-reserve": nil})
	b.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+inUse+"/action", harness.Object{"os-attach": harness.Object{"host_name": "compute1", "mountpoint": "/dev/vdb", "mode": "rw"}})
	b.api.WaitStatus(t, inUse, "in-use")
	begun := time.Now()
	b.backup(t, 0, still, false)
	b.settle(t)
	whole := time.Since(begun) // of a backup that nobody kills

	all := []*harness.Process{b.k.API, b.k.Control, b.k.Storage, b.data, b.k.Temporal}
	victims := []struct {
		name string
		kill func()
		back func()
	}{
		{"the data worker", func() { b.data.Kill(t) }, func() { restart(t, b.data) }},
		{"the control worker", func() { b.k.Control.Kill(t) }, func() { restart(t, b.k.Control) }},
		{"the store", func() { b.store.Kill() }, func() { b.store.Start() }},
		{"all of Clinker", func() { each(all, func(p *harness.Process) { p.Kill(t) }) }, func() {
			b.k.Temporal.Start(t)
			each([]*harness.Process{b.k.API, b.k.Control, b.k.Storage, b.data}, func(p *harness.Process) { restart(t, p) })
		}},
	}
	cut := 0
	for round := range max(kills, len(victims)) {
		victim := victims[round%len(victims)]
		b.scribble(t, still, 128)
		b.scribble(t, inUse, 128)
		b.backup(t, 2*round+1, still, round%3 > 0) // mostly incremental
		b.backup(t, 2*round+2, inUse, round%2 > 0)
		b.restore(t, round, still)
		moment := time.Duration(rnd.Int64N(int64(whole)))
		time.Sleep(moment)
		open := len(b.api.OpenFlows(t))
		cut += open
		victim.kill()
		time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		victim.back()
		killed := time.Now()
		b.settle(t)
		t.Logf("round %d: %s was killed after %.1f s with %d flows open; all had ended %.1f s after it was back", round, victim.name, moment.Seconds(), open, time.Since(killed).Seconds())
	}
	require.NotZero(t, cut, "nothing was under way when something was killed")
	b.check(t, still, inUse, rnd)
	b.byS3(t, still)
	b.readsLittleAgain(t)
}

// byS3 has the same store reached by S3, for a backup and a restore from beginning to end.
func (b *backedUp) byS3(t *testing.T, volume string) {
	t.Helper()
	b.data.Kill(t)
	b.data.Env = append(b.data.Env, "CLINKER_BACKUP_DRIVER=s3", "CLINKER_BACKUP_S3_ENDPOINT_URL="+b.store.S3URL, "CLINKER_BACKUP_S3_STORE_ACCESS_KEY="+b.store.User,
		"CLINKER_BACKUP_S3_STORE_SECRET_KEY="+b.store.Key, "CLINKER_BACKUP_S3_STORE_BUCKET=killed")
	restart(t, b.data)
	b.backup(t, 1000, volume, false)
	id := b.last[volume]
	b.api.WaitBackup(t, id, "available")
	restored := b.ask(t, "volume", "by-s3", harness.Object{"backup_id": id, "size": 1, "name": "by-s3"})
	b.api.WaitStatus(t, restored, "available")
	require.Equal(t, b.taken[id], b.sum(t, restored))
	require.NotEmpty(t, b.objects(t))
	b.api.WaitBackup(t, id, "available")
	b.api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+id, nil)
	b.api.WaitBackup(t, id, "")
	require.Empty(t, b.objects(t))
}

func each(all []*harness.Process, do func(*harness.Process)) {
	for _, p := range all {
		do(p)
	}
}

// scribble writes so many MiB of random bytes into a volume, at places of their own, as a guest would between two backups.
func (b *backedUp) scribble(t *testing.T, volume string, mib int64) {
	t.Helper()
	f, err := os.OpenFile(harness.VolumeFile(b.k.VolumeDir(), volume), os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	for at := range mib {
		_, err := io.CopyN(io.NewOffsetWriter(f, at*7%1024<<20), rand.Reader, 1<<20)
		require.NoError(t, err)
	}
	b.sums[volume] = b.sum(t, volume) // before a kill is under way: it takes seconds
}

func (b *backedUp) sum(t *testing.T, volume string) []byte {
	t.Helper()
	f, err := os.Open(harness.VolumeFile(b.k.VolumeDir(), volume))
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return h.Sum(nil)
}

// ask sends a POST until it is accepted, and returns the id of what it makes.
func (b *backedUp) ask(t *testing.T, kind, key string, fields harness.Object) string {
	t.Helper()
	r, err := b.w.insist(t.Context(), kind+" "+key, func() (harness.Response, bool, error) {
		r, err := b.api.Do(t.Context(), http.MethodPost, "/"+kind+"s", harness.Object{kind: fields}, "Idempotency-Key: "+key, "OpenStack-API-Version: volume 3.47")
		return r, r.Status == http.StatusAccepted, err
	})
	require.NoError(t, err)
	var out map[string]struct{ ID string }
	require.NoError(t, json.Unmarshal(r.Body, &out))
	require.NotEmpty(t, out[kind].ID, string(r.Body))
	return out[kind].ID
}

func (b *backedUp) backup(t *testing.T, n int, volume string, incremental bool) {
	t.Helper()
	incremental = incremental && b.last[volume] != ""
	id := b.ask(t, "backup", fmt.Sprintf("backup-%d", n), harness.Object{"volume_id": volume, "force": true, "incremental": incremental, "name": fmt.Sprint(n)})
	b.taken[id], b.last[volume] = b.sums[volume], id
}

// restore makes a volume of the latest backup that is whole.
func (b *backedUp) restore(t *testing.T, n int, volume string) {
	t.Helper()
	var page struct{ Backups []harness.Backup }
	b.api.Want(t, http.StatusOK, "GET", "/backups/detail?status=available&volume_id="+volume, nil).Decode(t, &page)
	require.NotEmpty(t, page.Backups)
	from := page.Backups[0].ID
	b.made[b.ask(t, "volume", fmt.Sprintf("restore-%d", n), harness.Object{"backup_id": from, "size": 1, "name": fmt.Sprintf("restored-%d", n)})] = from
}

// settle waits until no flow is open.
func (b *backedUp) settle(t *testing.T) {
	t.Helper()
	harness.Await(t, 2*settleBy, func() (bool, string) {
		open := b.api.OpenFlows(t)
		return len(open) == 0, fmt.Sprintf("no flow to be open: %s", describe(t, b.api, open))
	})
}

// check restores what was backed up, compares all of it, looks for leftovers, and deletes everything.
func (b *backedUp) check(t *testing.T, still, inUse string, rnd *mathrand.Rand) {
	t.Helper()
	for volume, from := range b.made {
		b.api.WaitStatus(t, volume, "available")
		require.Equal(t, b.taken[from], b.sum(t, volume), "volume %s was restored from %s", volume, from)
	}
	var page struct{ Backups []harness.Backup }
	b.api.Want(t, http.StatusOK, "GET", "/backups/detail", nil).Decode(t, &page)
	require.Len(t, page.Backups, len(b.taken), "what was accepted is there, and nothing else")
	for i, one := range page.Backups {
		require.Equal(t, "available", one.Status, "backup %s: %s", one.ID, one.FailReason)
		if i > 3 && rnd.IntN(4) > 0 { // the newest few, and some of those before
			continue
		}
		volume := b.ask(t, "volume", "check-"+one.ID, harness.Object{"backup_id": one.ID, "size": 1, "name": "check"})
		b.api.WaitStatus(t, volume, "available")
		require.Equal(t, b.taken[one.ID], b.sum(t, volume), "backup %s of %s", one.ID, one.VolumeID)
		b.api.Want(t, http.StatusAccepted, "DELETE", "/volumes/"+volume, nil)
	}
	for volume, was := range map[string]string{still: "available", inUse: "in-use"} {
		v, _, err := b.api.Volume(t.Context(), volume)
		require.NoError(t, err)
		require.Equal(t, was, v.Status)
	}
	// A backup that is whole has one manifest; whatever else lies in the store belongs to one of them.
	objects := b.objects(t)
	manifests := 0
	for _, name := range objects {
		if path.Base(name) == "manifest" {
			manifests++
		}
	}
	require.Equal(t, len(page.Backups), manifests, "whatever is visible is one that was accepted")
	b.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+inUse+"/action", harness.Object{"os-detach": nil})
	b.api.WaitStatus(t, inUse, "available")
	b.settle(t)
	b.k.CheckConsistent(t) // no temporary snapshot's file either
	harness.CheckUsage(t, b.api)
	for _, one := range page.Backups { // the newest first: nothing adds to it
		b.api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+one.ID, nil)
		b.api.WaitBackup(t, one.ID, "")
	}
	require.Empty(t, b.objects(t), "an object that belongs to no backup is left")
}

// objects lists the store's container.
func (b *backedUp) objects(t *testing.T) []string {
	t.Helper()
	c := swift.Connection{AuthUrl: b.store.AuthURL, UserName: b.store.User, ApiKey: b.store.Key, AuthVersion: 1}
	require.NoError(t, c.Authenticate(context.WithoutCancel(t.Context())))
	names, err := c.ObjectNamesAll(t.Context(), "killed", nil)
	require.NoError(t, err)
	slices.Sort(names)
	return names
}
