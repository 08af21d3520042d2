package crash

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/tests/harness"
)

// moved is how many bytes a data worker has read and written, as the kernel counts it: files and connections.
type moved struct{ read, written int64 }

func (m moved) add(o moved) moved { return moved{m.read + o.read, m.written + o.written} }

const (
	// pipeline is what is on its way behind a checkpoint: units that are being hashed, and packs that are being stored.
	pipeline = 64 * mib
	// aside is what a data worker moves that is neither a volume's nor a backup's.
	aside         = 16 * mib
	oneCheckpoint = backups.DefaultCheckpointBytes + pipeline + aside
)

// moved is what all data workers have moved so far.
func (b *backedUp) moved(t *testing.T) moved {
	t.Helper()
	if !b.data.Running() {
		return b.spent
	}
	return b.spent.add(movedBy(t, b.data))
}

// kill kills the data worker, once it is known what it has moved.
func (b *backedUp) kill(t *testing.T) {
	t.Helper()
	if !b.data.Running() {
		return
	}
	b.data.Signal(t, syscall.SIGSTOP)
	b.spent = b.moved(t)
	b.data.Kill(t)
}

// again is how much more has been moved since than a backup and a restore of volumes of 1 GiB take. The volumes are much larger than their backups: nearly all
// that is read is read by the backup, nearly all that is written is written by the restore.
func (b *backedUp) again(t *testing.T, before moved, backup string) moved {
	t.Helper()
	now := b.moved(t)
	var stored int64
	for _, o := range b.objects(t) {
		if strings.HasPrefix(o.Key, backup+"/") {
			stored += o.Size
		}
	}
	const size = 1 << 30
	return moved{max(0, now.read-before.read-size-size/block*noise), max(0, now.written-before.written-size-stored)}
}

// readsLittleAgain kills the data worker in the middle of the backup of a full volume to a folder, and of its restore. All that the two workers have
// read, as the kernel counts it, is the volume once, and what lay behind the last checkpoint that was there then.
func (b *backedUp) readsLittleAgain(t *testing.T) {
	t.Helper()
	const size = 1 << 30
	store := t.TempDir()
	b.configure(t, "CLINKER_BACKUP_DRIVER=posix", "CLINKER_BACKUP_POSIX_PATH="+store)
	volume := b.api.CreateAvailable(t, "full", 1).ID
	f, err := os.OpenFile(harness.VolumeFile(b.k.VolumeDir(), volume), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = io.CopyN(f, rand.Reader, size)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	b.sums[volume] = b.sum(t, volume)

	var id string
	b.killedBehind(t, "backup", size, func(n int) { id, _ = b.backup(t, fmt.Sprint("posix-", n), volume, false) },
		func() int64 { return inBackup(t, store, id) }, func() { b.forget(t, id) })
	var restored string
	b.killedBehind(t, "restore", size, func(n int) { restored, _ = b.restore(t, fmt.Sprint("posix-", n), id, false) },
		func() int64 { return inRestore(t, store, id) }, func() { b.api.Delete(t, restored) })
	require.Equal(t, b.taken[id], b.sum(t, restored))
	b.forget(t, id)
	left, err := filepath.Glob(filepath.Join(store, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// killedBehind begins something that reads so many bytes and kills the data worker once a checkpoint is there. What was too quick is forgotten, and begun anew.
func (b *backedUp) killedBehind(t *testing.T, what string, size int64, begin func(n int), checkpoint func() int64, forget func()) {
	t.Helper()
	var first, done int64
	var before moved
	for n := 0; done == 0; n++ {
		before, first = b.moved(t), 0
		begin(n)
		for deadline := time.Now().Add(harness.Patience); done == 0 && first < size; time.Sleep(5 * time.Millisecond) {
			require.True(t, time.Now().Before(deadline), "no checkpoint is written")
			first = b.moved(t).read - before.read
			if done = checkpoint(); done > 0 {
				b.data.Signal(t, syscall.SIGSTOP)
				done = checkpoint()
				b.kill(t)
				first = b.spent.read - before.read
			}
		}
		if done == 0 { // it was quicker than this test
			if !b.data.Running() {
				restart(t, b.data)
			}
			b.settle(t)
			forget()
		}
	}
	restart(t, b.data)
	b.settle(t)
	again := b.moved(t).read - before.read - size
	t.Logf("the worker of a %s was killed after %d MiB, %d of them in the checkpoint; %d MiB were read again", what, first/mib, done/mib, again/mib)
	require.LessOrEqual(t, again, first-done+aside)
}

func (b *backedUp) forget(t *testing.T, id string) {
	t.Helper()
	b.api.WaitBackup(t, id, "available")
	b.api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+id, nil)
	b.api.WaitBackup(t, id, "")
}

// inBackup is how far the last checkpoint of a backup in a folder has come; 0 where there is none.
func inBackup(t *testing.T, store, id string) int64 {
	t.Helper()
	return furthest(t, filepath.Join(store, id, "checkpoint-*"), regexp.MustCompile(`"done":(\d+)`))
}

// inRestore is the same of its restore.
func inRestore(t *testing.T, store, id string) int64 {
	t.Helper()
	return furthest(t, filepath.Join(store, id, "restore-*"), regexp.MustCompile(`"done":(\d+)`))
}

func furthest(t *testing.T, files string, number *regexp.Regexp) (done int64) {
	t.Helper()
	points, err := filepath.Glob(files)
	require.NoError(t, err)
	for _, p := range points {
		text, err := os.ReadFile(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		found := number.FindSubmatch(text)
		require.NotNil(t, found)
		n, err := strconv.ParseInt(string(found[1]), 10, 64)
		require.NoError(t, err)
		done = max(done, n)
	}
	return done
}

// movedBy is how many bytes a process has read and written.
func movedBy(t *testing.T, p *harness.Process) moved {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.Pid()))
	require.NoError(t, err)
	var m moved
	_, err = fmt.Sscanf(string(text), "rchar: %d\nwchar: %d\n", &m.read, &m.written)
	require.NoError(t, err)
	return m
}
