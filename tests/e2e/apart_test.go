package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/clinker-storage/clinker/tests/harness"
)

// apartConf has a backend that works and one whose disk is away, on one node.
const apartConf = `enabled_backends = dir,lost
[dir]
volume_driver = dir
dir_path = $state_path/volumes
[lost]
volume_driver = dir
dir_path = /proc/lost
`

// TestApart takes one part after another away from Clinker in parts, in the middle of work.
func TestApart(t *testing.T) {
	t.Parallel()
	k := harness.Apart(t, apartConf)
	for _, c := range []struct {
		name string
		test func(*testing.T, *harness.Cluster)
	}{
		{"one backend is sick", oneIsSick},
		{"logs of a request", logsOfARequest},
		{"no control worker", noControlWorker},
		{"no Temporal", noTemporal},
		{"catalogue stopped", func(t *testing.T, k *harness.Cluster) {
			catalogueAway(t, k, "stopped", func() { k.Catalogue.Stop(t) }, func() { k.Catalogue.Restart(t) })
		}},
		{"catalogue hangs", func(t *testing.T, k *harness.Cluster) {
			catalogueAway(t, k, "hangs", func() { k.Catalogue.Pause(t) }, func() { k.Catalogue.Resume(t) })
		}},
		{"storage worker killed", storageKilled},
	} {
		if !t.Run(c.name, func(t *testing.T) { c.test(t, k) }) {
			return // what comes next would only tell of the same thing
		}
		k.Client("any").WaitQuiet(t)
		k.CheckConsistent(t)
	}
	for _, p := range []*harness.Process{k.API, k.Control, k.Storage, k.Temporal} {
		p.Stop(t)
	}
}

// The worker starts with a backend that doesn't work, says so with a hint, and serves the other one. Both live; one is down.
func oneIsSick(t *testing.T, k *harness.Cluster) {
	said := k.Storage.Logged(t, "level=WARN", "backend is not usable yet", "node1@lost", "hint=")
	require.Len(t, said, 1)
	require.Len(t, k.Storage.Logged(t, "storage worker runs"), 1)
	api := k.Client("sick")
	require.Equal(t, "node1@dir#dir", api.CreateAvailable(t, "well", 1).Host)
	states := map[string]string{}
	harness.Await(t, harness.Patience, func() (bool, string) {
		var page struct {
			Services []struct {
				Host, State string
				Backend     string `json:"backend_state"`
			}
		}
		api.Want(t, 200, "GET", "/os-services?binary=cinder-volume", nil).Decode(t, &page)
		for _, s := range page.Services {
			states[s.Host] = s.State + ", backend " + s.Backend
		}
		return len(states) == 2, fmt.Sprintf("both services to be known: %v", states)
	})
	require.Equal(t, map[string]string{"node1@dir": "up, backend up", "node1@lost": "up, backend down"}, states)
}

// By its request id the lines of a request are found in every process, and they tell its tasks in order.
func logsOfARequest(t *testing.T, k *harness.Cluster) {
	api := k.Client("logs")
	r := api.Want(t, http.StatusAccepted, "POST", "/volumes", harness.VolumeRequest("traced", 1))
	f := api.WaitFlow(t, r.Flow(), "SUCCESS")
	require.Equal(t, []string{
		"ExtractVolumeRequest RUNNING", "ExtractVolumeRequest SUCCESS", "QuotaReserve RUNNING", "QuotaReserve SUCCESS",
		"EntryCreate RUNNING", "EntryCreate SUCCESS", "QuotaCommit RUNNING", "QuotaCommit SUCCESS",
		"VolumeCast RUNNING", "VolumeCast SUCCESS", "EntryReady RUNNING", "EntryReady SUCCESS",
	}, transitions(k.Control.Logged(t, r.RequestID(), "msg=task")))
	require.Equal(t, []string{"CreateVolume RUNNING", "CreateVolume SUCCESS"}, transitions(k.Storage.Logged(t, r.RequestID(), "msg=task")))
	lines := k.API.Logged(t, r.RequestID(), "msg=request")
	require.Len(t, lines, 1)
	require.Len(t, k.API.Logged(t, r.RequestID(), "msg=audit"), 1)
	require.Contains(t, lines[0], "status=202")
	require.Contains(t, lines[0], f.ID)
}

// transitions are "task state" of each line.
func transitions(lines []string) []string {
	out := []string{}
	for _, line := range lines {
		var task, state string
		for _, word := range strings.Fields(line) {
			if v, ok := strings.CutPrefix(word, "task="); ok {
				task = v
			}
			if v, ok := strings.CutPrefix(word, "state="); ok {
				state = v
			}
		}
		out = append(out, task+" "+state)
	}
	return out
}

// refused sends creates at once and wants each answered with 503 and Retry-After within ten seconds.
func refused(t *testing.T, api *harness.Client) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			begun := time.Now()
			r, err := api.Do(t.Context(), "POST", "/volumes", harness.VolumeRequest(fmt.Sprint("untold-", i), 1))
			took := time.Since(begun)
			if err != nil || r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || took > 10*time.Second {
				t.Errorf("want 503 with Retry-After within 10 s, got %d %q after %s: %s %v", r.Status, r.Header.Get("Retry-After"), took, r.Body, err)
				return
			}
			r.Fault(t)
		})
	}
	wg.Wait()
}

// requireOnly waits until a project has no open flow, in the catalogue and in Temporal, and wants these volumes and no others.
func requireOnly(t *testing.T, k *harness.Cluster, api *harness.Client, volumes ...string) {
	t.Helper()
	temporal := temporalClient(t, k.TemporalAddr)
	api.WaitQuiet(t)
	harness.Await(t, harness.Patience, func() (bool, string) {
		n := running(t, temporal, api.Project)
		return n == 0, fmt.Sprintf("%d workflows to end", n)
	})
	rows, err := api.Volumes(t.Context(), false)
	require.NoError(t, err)
	ids := []string{}
	for _, v := range rows {
		ids = append(ids, v.ID)
	}
	require.ElementsMatch(t, volumes, ids)
	harness.CheckUsage(t, api)
}

func noControlWorker(t *testing.T, k *harness.Cluster) {
	api, temporal := k.Client("no-control"), temporalClient(t, k.TemporalAddr)
	kept := api.CreateAvailable(t, "kept", 1)
	doomed, forgotten := api.Create(t, "doomed", 1)
	before := api.WaitFlow(t, forgotten, "SUCCESS")
	k.Control.Stop(t)

	refused(t, api)
	del := api.Delete(t, doomed.ID) // needs no worker to be promised
	api.WaitStatus(t, doomed.ID, "deleting")
	require.Equal(t, "RUNNING", api.Flow(t, del).State)
	require.Equal(t, before, api.Flow(t, forgotten), "a flow's record needs no worker")
	forget(t, temporal, forgotten)
	require.Equal(t, before, api.Flow(t, forgotten), "nor Temporal's memory")

	k.Control.Start(t)
	api.WaitGone(t, doomed.ID)
	requireOnly(t, k, api, kept.ID)
	var out struct{ Flows []harness.Flow }
	api.Want(t, 200, "GET", "/flows?state=ABANDONED", nil).Decode(t, &out)
	require.Len(t, out.Flows, 3)
	api.CreateAvailable(t, "afterwards", 1)
}

func noTemporal(t *testing.T, k *harness.Cluster) {
	api := k.Client("no-temporal")
	kept := api.CreateAvailable(t, "kept", 1)
	doomed := api.CreateAvailable(t, "doomed", 1)
	k.Temporal.Stop(t)

	refused(t, api)
	api.Want(t, 200, "GET", "/volumes/"+kept.ID, nil)
	require.False(t, harness.Healthy(k.APIAddr))
	del := api.Delete(t, doomed.ID) // row and record are the promise; its flow is started later
	api.WaitStatus(t, doomed.ID, "deleting")

	k.Temporal.Start(t)
	harness.Await(t, 2*harness.Patience, func() (bool, string) {
		f := api.Flow(t, del)
		return f.State == "SUCCESS", "the delete to be started from its record: it is " + f.State
	})
	requireOnly(t, k, api, kept.ID)
	api.CreateAvailable(t, "afterwards", 1)
}

// catalogueAway takes the database away while the node works. The step that needs it is a pending activity, for all to see, and
// goes on when the database is back.
func catalogueAway(t *testing.T, k *harness.Cluster, how string, stop, resume func()) {
	api, temporal := k.Client("catalogue-"+how), temporalClient(t, k.TemporalAddr)
	k.Storage.Signal(t, syscall.SIGSTOP)
	v, id := api.Create(t, "patient", 1)
	pending(t, temporal, id, "CreateVolume", func(*workflowpb.PendingActivityInfo) bool { return true })
	stop()
	back := sync.OnceFunc(resume)
	t.Cleanup(back)
	k.Storage.Signal(t, syscall.SIGCONT)
	pending(t, temporal, id, "EntryReady", func(a *workflowpb.PendingActivityInfo) bool { return a.GetAttempt() > 1 && a.GetLastFailure() != nil })
	r, err := api.Do(t.Context(), "GET", "/volumes", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, r.Status)
	_, message := r.Fault(t)
	require.NotContains(t, strings.ToLower(message), "sql")
	back()
	api.WaitStatus(t, v.ID, "available")
	f := api.WaitFlow(t, id, "SUCCESS")
	require.Equal(t, "SUCCESS", f.Task("EntryReady").State)
	requireOnly(t, k, api, v.ID)
}

// A storage worker that is killed in the middle of a copy leaves half a file, which is taken away; the copy is made again.
func storageKilled(t *testing.T, k *harness.Cluster) {
	const mib = 2000
	api := k.Client("storage-killed")
	source := api.CreateAvailable(t, "source", 2)
	data := fillVolume(t, harness.VolumeFile(k.VolumeDir(), source.ID), mib)

	v, id := api.Create(t, "copy", 2, object{"source_volid": source.ID})
	copied := harness.VolumeFile(k.VolumeDir(), v.ID)
	harness.Await(t, harness.Patience, func() (bool, string) {
		parts, _ := filepath.Glob(filepath.Join(k.VolumeDir(), ".*.part"))
		return len(parts) == 1 && allocated(t, parts[0]) > 16<<20, fmt.Sprintf("the copy to be under way: %v", parts)
	})
	k.Storage.Kill(t)
	require.NoFileExists(t, copied, "the copy was done before it could be cut off")
	k.Storage.Start(t)
	api.WaitStatus(t, v.ID, "available")
	api.WaitFlow(t, id, "SUCCESS")
	require.Len(t, k.Storage.Logged(t, "task=CreateVolume", "state=RUNNING", v.ID), 2)

	file, err := os.Open(copied)
	require.NoError(t, err)
	defer file.Close()
	got := make([]byte, len(data))
	for i := range int64(mib) {
		_, err = file.ReadAt(got, i<<20)
		require.NoError(t, err)
		require.True(t, string(data) == string(got), "MiB %d differs", i)
	}
	requireOnly(t, k, api, source.ID, v.ID)
}

// fillVolume writes the same MiB of data so many times over, and returns it.
func fillVolume(t *testing.T, path string, times int) []byte {
	t.Helper()
	data := make([]byte, 1<<20)
	_, err := rand.Read(data)
	require.NoError(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	for range times {
		_, err := f.Write(data)
		require.NoError(t, err)
	}
	return data
}
