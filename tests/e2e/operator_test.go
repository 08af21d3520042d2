package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/clinker-storage/clinker/tests/harness"
)

// The backend is measured once, at the start: what a disk does in between is found out by the steps themselves.
const measuredOnce = "[DEFAULT]\nreport_interval = 600\nservice_down_time = 6000\n"

// TestOperator breaks the disk of a backend, looks at what is held, mends it, and lets the flows go on or end.
func TestOperator(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{Config: measuredOnce, Disk: harness.NewDisk(t, "ext4", "4G")})
	t.Run("read-only", func(t *testing.T) { readOnly(t, s) })
	t.Run("full", func(t *testing.T) { full(t, s) })
	s.CheckConsistent(t)
}

func readOnly(t *testing.T, s *harness.Server) {
	const project = "read-only"
	api, temporal := s.API(project), temporalClient(t, s.TemporalAddr)
	doomed := api.CreateAvailable(t, "doomed", 1)
	s.Remount(t, "ro")
	retried, retry := api.Create(t, "retried", 1)
	given, giveUp := api.Create(t, "given-up", 1)
	deleted, drop := api.Create(t, "deleted", 1)
	del := api.Delete(t, doomed.ID)

	t.Run("held", func(t *testing.T) {
		for _, id := range []string{retry, giveUp, drop} {
			requireHeld(t, s, api, id, "CreateVolume", "read-only")
		}
		requireHeld(t, s, api, del, "DeleteVolume", "read-only")
		for id, status := range map[string]string{retried.ID: "error", given.ID: "error", deleted.ID: "error", doomed.ID: "error_deleting"} {
			v, there, err := api.Volume(t.Context(), id)
			require.NoError(t, err)
			require.True(t, there)
			require.Equal(t, status, v.Status)
		}
		require.EqualValues(t, 4, api.Quota(t, "volumes").InUse, "what is held keeps its quota")
		list, code := s.CLI(t, project, "flow", "list", "--held", "-o", "value", "-c", "ID")
		require.Zero(t, code, list)
		for _, id := range []string{retry, giveUp, drop, del} {
			require.Contains(t, list, id)
		}
	})
	t.Run("in Temporal", func(t *testing.T) {
		for query, want := range map[string]int{
			"Operation = 'volume-create'": 3, "Operation = 'volume-delete'": 1, "ProjectId = 'read-only'": 4,
		} {
			query = "FlowState = 'HELD' AND Backend = '" + api.Flow(t, del).Backend + "' AND " + query
			harness.Await(t, harness.Patience, func() (bool, string) {
				n := len(uiList(t, s.UIAddr, query))
				return n == want, fmt.Sprintf("%d flows of %s, there are %d", want, query, n)
			})
		}
		summary, current := details(t, temporal, retry)
		require.Equal(t, "create 1 GiB volume retried", summary)
		for _, word := range []string{"HELD", "CreateVolume", "read-only", "`retry`", "`abort`"} {
			require.Contains(t, current, word)
		}
	})

	s.Remount(t, "rw")
	t.Run("retry from the command line", func(t *testing.T) {
		out, code := s.CLI(t, project, "flow", "retry", retry)
		require.Zero(t, code, out)
		f := api.WaitFlow(t, retry, "SUCCESS")
		require.Empty(t, f.Error)
		require.Equal(t, "SUCCESS", f.Task("EntryReady").State)
		api.WaitStatus(t, retried.ID, "available")
		require.FileExists(t, harness.VolumeFile(s.Inside(s.VolumeDir()), retried.ID))
	})
	t.Run("retry from Temporal", func(t *testing.T) {
		update(t, temporal, del, "retry")
		api.WaitFlow(t, del, "SUCCESS")
		api.WaitGone(t, doomed.ID)
		require.NoFileExists(t, harness.VolumeFile(s.Inside(s.VolumeDir()), doomed.ID))
	})
	t.Run("abort", func(t *testing.T) {
		out, code := s.CLI(t, project, "flow", "abort", giveUp)
		require.Zero(t, code, out)
		f := api.WaitFlow(t, giveUp, "REVERTED")
		require.Equal(t, "REVERTED", f.Task("EntryCreate").State)
		api.WaitGone(t, given.ID)
	})
	t.Run("delete of what is held", func(t *testing.T) {
		api.Want(t, http.StatusAccepted, "DELETE", "/volumes/"+deleted.ID, nil)
		api.WaitGone(t, deleted.ID)
		api.WaitFlow(t, drop, "REVERTED")
	})
	t.Run("ended flows take no decision", func(t *testing.T) {
		r := api.Want(t, http.StatusConflict, "POST", "/flows/"+retry+"/action", object{"retry": object{}})
		_, message := r.Fault(t)
		require.Contains(t, message, "SUCCESS")
	})
	api.WaitQuiet(t)
	require.EqualValues(t, 1, api.Quota(t, "volumes").InUse)
	harness.CheckUsage(t, api)
	s.CheckConsistent(t)
}

// requireHeld waits for the hold of a flow and looks at it through REST and the command line.
func requireHeld(t *testing.T, s *harness.Server, api *harness.Client, id, task, cause string) {
	t.Helper()
	f := api.WaitFlow(t, id, "HELD")
	require.Equal(t, task, f.FailedTask)
	require.Contains(t, f.Error, cause)
	require.NotEmpty(t, f.Hint)
	require.Equal(t, "FAILURE", f.Task(task).State)
	out, code := s.CLI(t, api.Project, "flow", "show", id)
	require.Zero(t, code, out)
	for _, word := range []string{"HELD", task, cause, f.Hint} {
		require.Contains(t, out, word)
	}
}

// A disk that is full in truth, whatever its last report said.
func full(t *testing.T, s *harness.Server) {
	api := s.API("full")
	api.Want(t, 200, "POST", "/types", object{"volume_type": object{"name": "thick", "extra_specs": object{"provisioning:type": "thick"}}})
	filler := filepath.Join(s.Inside(s.VolumeDir()), "lost+found", "filler")
	fill(t, filler)

	v, create := api.Create(t, "thick", 1, object{"volume_type": "thick"})
	requireHeld(t, s, api, create, "CreateVolume", "no space")
	require.NoFileExists(t, harness.VolumeFile(s.Inside(s.VolumeDir()), v.ID))
	require.NoError(t, os.Remove(filler))
	out, code := s.CLI(t, "full", "flow", "retry", create)
	require.Zero(t, code, out)
	api.WaitStatus(t, v.ID, "available")
	require.GreaterOrEqual(t, allocated(t, harness.VolumeFile(s.Inside(s.VolumeDir()), v.ID)), int64(1<<30))

	fill(t, filler)
	extend := api.Action(t, v.ID, "os-extend", object{"new_size": 2})
	requireHeld(t, s, api, extend, "ExtendVolume", "no space")
	api.WaitStatus(t, v.ID, "error_extending")
	out, code = s.CLI(t, "full", "flow", "abort", extend)
	require.Zero(t, code, out)
	api.WaitFlow(t, extend, "REVERTED", "FAILURE")
	api.WaitQuiet(t)
	require.NoError(t, os.Remove(filler))
	got := api.WaitStatus(t, v.ID, "available")
	require.EqualValues(t, 1, got.SizeGiB)
	require.EqualValues(t, 1, api.Quota(t, "gigabytes").InUse)
	harness.CheckUsage(t, api)
}

// fill takes all but 300 MiB of a file system.
func fill(t *testing.T, path string) {
	t.Helper()
	var st syscall.Statfs_t
	require.NoError(t, syscall.Statfs(filepath.Dir(path), &st))
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Frsize-300<<20))
	require.NoError(t, f.Sync())
}

func allocated(t *testing.T, path string) int64 {
	t.Helper()
	var st syscall.Stat_t
	require.NoError(t, syscall.Stat(path, &st))
	return st.Blocks * 512
}

// TestBackendDown: a backend that says itself that it can't be written to gets no volume. The create waits for it and goes on
// by itself, or, when that takes too long, is held.
func TestBackendDown(t *testing.T) {
	t.Parallel()
	t.Run("back in time", func(t *testing.T) { backendDown(t, 3600) })
	t.Run("held", func(t *testing.T) { backendDown(t, 1) })
}

func backendDown(t *testing.T, waitSeconds int) {
	t.Parallel()
	s := harness.Up(t, harness.Options{
		Config: fmt.Sprintf("[DEFAULT]\nreport_interval = 1\nflow_backend_wait = %d\n", waitSeconds), Disk: harness.NewDisk(t, "ext4", "200M"),
	})
	api := s.API("backend-down")
	s.Remount(t, "ro")
	state := func(want string) {
		t.Helper()
		harness.Await(t, harness.Patience, func() (bool, string) {
			var out struct {
				Services []struct {
					State string `json:"backend_state"`
				}
			}
			api.Want(t, 200, "GET", "/os-services?binary=cinder-volume", nil).Decode(t, &out)
			return len(out.Services) == 1 && out.Services[0].State == want, fmt.Sprintf("backend_state to be %s: %v", want, out)
		})
	}
	state("down")
	v, id := api.Create(t, "patient", 1)
	held := waitSeconds < 60
	if held {
		requireHeld(t, s, api, id, "VolumeCast", "read-only")
	} else {
		harness.Await(t, harness.Patience, func() (bool, string) {
			cast := api.Flow(t, id).Task("VolumeCast")
			return cast.Attempt > 1 && strings.Contains(cast.Error, "waiting for backend ") && strings.Contains(cast.Error, "read-only"),
				fmt.Sprintf("VolumeCast to wait: %+v", cast)
		})
		api.WaitStatus(t, v.ID, "creating")
		given, giveUp := api.Create(t, "hasty", 1)
		update(t, temporalClient(t, s.TemporalAddr), giveUp, "abort")
		api.WaitFlow(t, giveUp, "REVERTED")
		api.WaitGone(t, given.ID)
	}
	s.Remount(t, "rw")
	state("up")
	if held {
		out, code := s.CLI(t, "backend-down", "flow", "retry", id)
		require.Zero(t, code, out)
	}
	api.WaitStatus(t, v.ID, "available")
	api.WaitQuiet(t)
	s.CheckConsistent(t)
}

// TestStopUnderLoad: SIGTERM in the middle of creates. What clients were told of is there afterwards, and nothing else.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{Config: "[DEFAULT]\nflow_retention_days = 2\n"})
	t.Run("retention", func(t *testing.T) { retention(t, s) })
	api := s.API("under-load")
	api.SetQuota(t, object{"volumes": -1})
	const creates = 20
	told := make(chan string, creates)
	first := make(chan struct{}, creates)
	for i := range creates {
		go func() {
			r, err := api.Do(t.Context(), "POST", "/volumes", harness.VolumeRequest(fmt.Sprint("v", i), 1))
			first <- struct{}{}
			if err != nil || r.Status != http.StatusAccepted {
				told <- ""
				return
			}
			var out struct{ Volume harness.Volume }
			r.Decode(t, &out)
			told <- out.Volume.ID
		}()
	}
	<-first
	took := s.Stop(t)
	t.Logf("stopped after %s", took.Round(10*time.Millisecond))
	want := map[string]bool{}
	for range creates {
		if id := <-told; id != "" {
			want[id] = true
		}
	}
	require.NotEmpty(t, want)
	s.Start(t)
	api.WaitQuiet(t)
	rows, err := api.Volumes(t.Context(), false)
	require.NoError(t, err)
	for _, v := range rows {
		require.Equal(t, "available", v.Status)
		require.True(t, want[v.ID], "nobody was told of volume %s", v.ID)
	}
	require.Len(t, rows, len(want))
	harness.CheckUsage(t, api)
	s.CheckConsistent(t)
}

// The history of a flow is kept as long as was asked for, and its record is there when Temporal has forgotten the flow.
func retention(t *testing.T, s *harness.Server) {
	api, temporal := s.API("retention"), temporalClient(t, s.TemporalAddr)
	d, err := temporal.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	require.NoError(t, err)
	require.Equal(t, 48*time.Hour, d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	v, id := api.Create(t, "remembered", 1)
	before := api.WaitFlow(t, id, "SUCCESS")
	forget(t, temporal, id)
	require.Equal(t, before, api.Flow(t, id))
	require.Equal(t, "SUCCESS", before.Task("CreateVolume").State)
	out, code := s.CLI(t, "retention", "flow", "show", v.ID)
	require.Zero(t, code, out)
	require.Contains(t, out, "create 1 GiB volume remembered")
	api.Delete(t, v.ID)
	api.WaitGone(t, v.ID)
}
