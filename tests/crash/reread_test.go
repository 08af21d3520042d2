package crash

import (
	"errors"
	"fmt"
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

	"github.com/clinker-storage/clinker/tests/harness"
)

// readsLittleAgain kills the data worker in the middle of the backup of a full volume to a folder. All that the two workers have read, as the kernel counts
// it, is the volume once, and what lay behind the last checkpoint that was in the store then.
func (b *backedUp) readsLittleAgain(t *testing.T) {
	t.Helper()
	const mib, size, aside = 1 << 20, 1024, 16 // aside is what a worker reads that is no volume
	store := t.TempDir()
	b.data.Kill(t)
	b.data.Env = append(b.data.Env, "CLINKER_BACKUP_DRIVER=posix", "CLINKER_BACKUP_POSIX_PATH="+store)
	restart(t, b.data)
	volume := b.api.CreateAvailable(t, "full", 1).ID
	b.scribble(t, volume, size)
	var id string
	var first, done int64
	for n := 1001; done == 0; n++ {
		before := readBy(t, b.data)
		b.backup(t, n, volume, false)
		id = b.last[volume]
		for deadline := time.Now().Add(harness.Patience); done == 0 && first < size*mib; time.Sleep(5 * time.Millisecond) {
			require.True(t, time.Now().Before(deadline), "no checkpoint is written")
			first = readBy(t, b.data) - before
			if done = checkpointed(t, store, id); done > 0 {
				b.data.Signal(t, syscall.SIGSTOP)
				first, done = readBy(t, b.data)-before, checkpointed(t, store, id)
				b.data.Kill(t)
			}
		}
		if done == 0 { // it was quicker than this test
			if !b.data.Running() {
				restart(t, b.data)
			}
			b.settle(t)
			first = 0
			b.forget(t, id)
		}
	}
	restart(t, b.data)
	b.api.WaitBackup(t, id, "available")
	b.settle(t)
	again := first + readBy(t, b.data) - size*mib
	t.Logf("killed after %d MiB, %d of them in the checkpoint; %d MiB were read again", first/mib, done/mib, again/mib)
	require.LessOrEqual(t, again, first-done+aside*mib)
	require.Equal(t, b.taken[id], b.sum(t, volume))
	b.forget(t, id)
	left, err := filepath.Glob(filepath.Join(store, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func (b *backedUp) forget(t *testing.T, id string) {
	t.Helper()
	b.api.WaitBackup(t, id, "available")
	b.api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+id, nil)
	b.api.WaitBackup(t, id, "")
}

var pointAt = regexp.MustCompile(`"done":(\d+)`)

// checkpointed is how far the last checkpoint of a backup in a folder has come; 0 where there is none.
func checkpointed(t *testing.T, store, id string) (done int64) {
	t.Helper()
	points, err := filepath.Glob(filepath.Join(store, id, "checkpoint-*"))
	require.NoError(t, err)
	for _, p := range points {
		text, err := os.ReadFile(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		found := pointAt.FindSubmatch(text)
		require.NotNil(t, found)
		n, err := strconv.ParseInt(string(found[1]), 10, 64)
		require.NoError(t, err)
		done = max(done, n)
	}
	return done
}

// readBy is how many bytes a process has read.
func readBy(t *testing.T, p *harness.Process) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.Pid()))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "rchar: "); ok {
			read, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			require.NoError(t, err)
			return read
		}
	}
	t.Fatal("the kernel does not count")
	return 0
}
