package harness

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// HostWorker starts a host worker of that name, with its state in a folder of its own.
func HostWorker(t testing.TB, temporalAddr, name string, flags ...string) *Process {
	t.Helper()
	return HostWorkerAt(t, temporalAddr, name, t.TempDir(), nil, flags...)
}

// HostWorkerAt starts one with its state in a folder that the test looks into, by a command that the worker is the end of; nil for none.
func HostWorkerAt(t testing.TB, temporalAddr, name, state string, by []string, flags ...string) *Process {
	t.Helper()
	p := &Process{
		Name: "host worker " + name, Args: slices.Concat(by, []string{Binary(t, "clinkerd"), "worker", "host"}, flags), Log: filepath.Join(t.TempDir(), "host.log"),
		Env: []string{"CLINKER_HOST=" + name, "CLINKER_STATE_PATH=" + state, "CLINKER_TEMPORAL__ADDRESS=" + temporalAddr},
	}
	p.Ready = func() bool { return len(p.Logged(t, "host worker runs")) > 0 }
	return Launch(t, p)
}

// AttachAll has hosts take in volumes, all at once, and returns the flows, which have all succeeded. to names the host of each, and its guest.
func (c *Client) AttachAll(t testing.TB, volumes []string, to func(i int) Object) []Flow {
	t.Helper()
	return c.all(t, volumes, func(i int) Object { return Object{"clinker-attach": to(i)} })
}

// DetachAll has them give the volumes back, all at once.
func (c *Client) DetachAll(t testing.TB, volumes []string) []Flow {
	t.Helper()
	return c.all(t, volumes, func(int) Object { return Object{"clinker-detach": Object{}} })
}

func (c *Client) all(t testing.TB, volumes []string, action func(int) Object) []Flow {
	t.Helper()
	ids, wg := make([]string, len(volumes)), sync.WaitGroup{}
	for i, v := range volumes {
		wg.Go(func() {
			r, err := c.Do(t.Context(), "POST", "/volumes/"+v+"/action", action(i))
			if err != nil || r.Status != http.StatusAccepted {
				t.Errorf("volume %s: %d %s %v", v, r.Status, r.Body, err)
				return
			}
			ids[i] = r.Flow()
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	flows := make([]Flow, len(ids))
	for i, id := range ids {
		flows[i] = c.WaitFlow(t, id, "SUCCESS")
	}
	return flows
}

// took is how long the task took; false where it did not run to its end.
func (t Task) took() (time.Duration, bool) {
	const layout = "2006-01-02T15:04:05.999999"
	begun, err := time.Parse(layout, strings.TrimSuffix(t.Started, "Z"))
	ended, err2 := time.Parse(layout, strings.TrimSuffix(t.Finished, "Z"))
	return ended.Sub(begun), err == nil && err2 == nil
}

// Percentiles are the median and the 95th percentile of how long a task took in those flows.
func Percentiles(flows []Flow, task string) (p50, p95 time.Duration) {
	var took []time.Duration
	for _, f := range flows {
		if d, ok := f.Task(task).took(); ok {
			took = append(took, d)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*95/100]
}

// Steps says how long each of some tasks took.
func Steps(flows []Flow, tasks ...string) (lines []string) {
	for _, task := range tasks {
		p50, p95 := Percentiles(flows, task)
		lines = append(lines, fmt.Sprintf("%s: p50 %s, p95 %s", task, p50.Round(time.Millisecond), p95.Round(time.Millisecond)))
	}
	return lines
}
