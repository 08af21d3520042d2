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
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/swift"
	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// backedUp are volumes that are backed up and restored while something of Clinker is killed.
type backedUp struct {
	k            *harness.Cluster
	api          *harness.Client
	store        *rig.SwiftServer
	data         *harness.Process
	spent        moved             // by data workers that are dead
	w            workload          // for its patience only
	still, inUse string            // the volumes that are backed up
	target       string            // one that is written over and over
	sums         map[string][]byte // by volume, what it holds
	taken        map[string][]byte // by backup, the SHA-256 of the volume as it was
	last         map[string]string // the latest backup of each volume
	latest       string            // of all
	most         moved             // that was done again in a round
}

// TestKillBackups kills, each time at a random moment of a backup, now and then of a volume in use, and of a restore, into a new volume or over one that is
// there: the data worker, the control worker, the store (a real Swift, spoken to as Swift and by S3), and all of Clinker. A kill counts when
// both were open. Then every byte is compared, what had been moved already is not moved again but for a checkpoint, and nothing partial is to be seen or left over.
// At the beginning the way to the store is a bad one, and at the end it is full.
func TestKillBackups(t *testing.T) {
	t.Parallel()
	kills, rnd := moments(t)
	b := &backedUp{store: rig.Swift(t, 8<<30), sums: map[string][]byte{}, taken: map[string][]byte{}, last: map[string]string{}}
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

	b.still, b.inUse, b.target = b.api.CreateAvailable(t, "still", 1).ID, b.api.CreateAvailable(t, "in-use", 1).ID, b.api.CreateAvailable(t, "target", 1).ID
	for _, id := range []string{b.still, b.inUse} {
		b.scribble(t, id, 1, rnd)
	}
	b.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+b.inUse+"/action", harness.Object{"os-reserve": nil})
	b.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+b.inUse+"/action", harness.Object{"os-attach": harness.Object{"host_name": "compute1", "mountpoint": "/dev/vdb", "mode": "rw"}})
	b.api.WaitStatus(t, b.inUse, "in-use")
	begun := time.Now()
	b.backup(t, "first", b.still, false)
	b.settle(t)
	whole := time.Since(begun) // of a backup that nobody kills, and that has the machine for itself

	b.goesABadWay(t)
	parts := []*harness.Process{b.k.API, b.k.Control, b.k.Storage, b.data}
	victims := []victim{
		{"the data worker", func() { b.kill(t) }, func() { restart(t, b.data) }},
		{"the control worker", func() { b.k.Control.Kill(t) }, func() { restart(t, b.k.Control) }},
		{"the store", func() { b.store.Kill() }, func() { b.store.Start() }},
		{"all of Clinker", func() {
			b.kill(t)
			each([]*harness.Process{b.k.API, b.k.Control, b.k.Storage, b.k.Temporal}, func(p *harness.Process) { p.Kill(t) })
		}, func() {
			b.k.Temporal.Start(t)
			each(parts, func(p *harness.Process) { restart(t, p) })
		}},
	}
	for n := range max(kills, len(victims)) {
		b.speak(t, (n/2+n/4)%2 > 0)
		for try := 1; !b.round(t, fmt.Sprintf("%d.%d", n, try), victims[n%len(victims)], whole/time.Duration(try), rnd); try++ {
			require.Less(t, try, 5, "the backup or the restore has ended each time before something is killed")
		}
	}
	t.Logf("at most %d MiB were read and %d MiB written again in a round", b.most.read/mib, b.most.written/mib)
	b.check(t)
	b.readsLittleAgain(t)
	b.fillsTheStore(t)
}

func each(all []*harness.Process, do func(*harness.Process)) {
	for _, p := range all {
		do(p)
	}
}

// speak has the data worker reach the same store by S3, or as Swift.
func (b *backedUp) speak(t *testing.T, s3 bool) {
	t.Helper()
	env := []string{"CLINKER_BACKUP_DRIVER=swift"}
	if s3 {
		env = b.byS3(b.store.S3URL)
	}
	b.configure(t, env...)
}

func (b *backedUp) byS3(at string) []string {
	return []string{
		"CLINKER_BACKUP_DRIVER=s3", "CLINKER_BACKUP_S3_ENDPOINT_URL=" + at, "CLINKER_BACKUP_S3_STORE_ACCESS_KEY=" + b.store.User,
		"CLINKER_BACKUP_S3_STORE_SECRET_KEY=" + b.store.Key, "CLINKER_BACKUP_S3_STORE_BUCKET=killed",
	}
}

// configure starts the data worker anew where it has not this environment.
func (b *backedUp) configure(t *testing.T, env ...string) {
	t.Helper()
	if slices.Equal(b.data.Env, env) && b.data.Running() {
		return
	}
	b.kill(t)
	b.data.Env = env
	restart(t, b.data)
}

const (
	mib   = 1 << 20
	block = 128 << 10 // a backup's
	noise = 16 << 10  // bytes of a block that are random, so that a volume is eight times as large as its backup
)

// scribble writes into one of so many blocks of a volume of 1 GiB, as a guest would between two backups.
func (b *backedUp) scribble(t *testing.T, volume string, oneOf int, rnd *mathrand.Rand) {
	t.Helper()
	f, err := os.OpenFile(harness.VolumeFile(b.k.VolumeDir(), volume), os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	for at := int64(0); at < 1<<30; at += block {
		if rnd.IntN(oneOf) == 0 {
			_, err := io.CopyN(io.NewOffsetWriter(f, at), rand.Reader, noise)
			require.NoError(t, err)
		}
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

// ask sends a POST until it is accepted, and returns the id of what it makes or changes, and the flow's.
func (b *backedUp) ask(t *testing.T, path, kind, key string, fields harness.Object) (id, flow string) {
	t.Helper()
	r, err := b.w.insist(t.Context(), kind+" "+key, func() (harness.Response, bool, error) {
		r, err := b.api.Do(t.Context(), http.MethodPost, path, harness.Object{kind: fields}, "Idempotency-Key: "+key, "OpenStack-API-Version: volume 3.47")
		return r, r.Status == http.StatusAccepted, err
	})
	require.NoError(t, err)
	var out map[string]struct {
		ID       string `json:"id"`
		VolumeID string `json:"volume_id"`
	}
	require.NoError(t, json.Unmarshal(r.Body, &out))
	id = out[kind].ID
	if kind == "restore" {
		id = out[kind].VolumeID
	}
	require.NotEmpty(t, id, string(r.Body))
	require.NotEmpty(t, r.Flow())
	return id, r.Flow()
}

func (b *backedUp) backup(t *testing.T, key, volume string, incremental bool) (id, flow string) {
	t.Helper()
	incremental = incremental && b.last[volume] != ""
	id, flow = b.ask(t, "/backups", "backup", "backup-"+key, harness.Object{"volume_id": volume, "force": true, "incremental": incremental, "name": key})
	b.taken[id], b.last[volume], b.latest = b.sums[volume], id, id
	return id, flow
}

// restore writes a backup into a new volume, or over the one that is there for it.
func (b *backedUp) restore(t *testing.T, key, from string, over bool) (volume, flow string) {
	t.Helper()
	if over {
		return b.ask(t, "/backups/"+from+"/restore", "restore", "restore-"+key, harness.Object{"volume_id": b.target})
	}
	return b.ask(t, "/volumes", "volume", "restore-"+key, harness.Object{"backup_id": from, "size": 1, "name": "restored " + key})
}

// settle waits until no flow is open.
func (b *backedUp) settle(t *testing.T) {
	t.Helper()
	harness.Await(t, 2*settleBy, func() (bool, string) {
		open := b.api.OpenFlows(t)
		return len(open) == 0, fmt.Sprintf("no flow to be open: %s", describe(t, b.api, open))
	})
}

// open opens the store as anybody could who knows its password.
func (b *backedUp) open(t *testing.T) backups.Store {
	t.Helper()
	s, err := swift.New(swift.Options{AuthURL: b.store.AuthURL, AuthVersion: 1, User: b.store.User, Key: b.store.Key, Container: "killed"})
	require.NoError(t, err)
	return backups.Retry(s, 4, time.Second)
}

// objects lists the store's container: by backup, its objects' names and bytes.
func (b *backedUp) objects(t *testing.T) []backups.Object {
	t.Helper()
	var all []backups.Object
	for o, err := range b.open(t).List(context.WithoutCancel(t.Context()), "") {
		require.NoError(t, err)
		all = append(all, o)
	}
	return all
}
