package harness

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Patience is how long the waiting helpers wait.
const Patience = 60 * time.Second

// Object is a JSON object.
type Object = map[string]any

// Volume is what tests look at of a volume.
type Volume struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Status   string            `json:"status"`
	SizeGiB  int64             `json:"size"`
	Type     string            `json:"volume_type"`
	Source   string            `json:"source_volid"`
	Metadata map[string]string `json:"metadata"`
	Host     string            `json:"os-vol-host-attr:host"`
	Project  string            `json:"os-vol-tenant-attr:tenant_id"`
}

// Task is one step of a flow.
type Task struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Attempt int    `json:"attempt"`
	// Started and Finished are times of the API, "" before.
	Started  string `json:"started_at"`
	Finished string `json:"finished_at"`
	Error    string `json:"error"`
	Hint     string `json:"hint"`
	// Progress is of a long step that runs.
	Progress struct {
		Percent int `json:"percent"`
	} `json:"progress"`
}

// Flow is what GET /flows/{id} shows.
type Flow struct {
	ID         string `json:"id"`
	Operation  string `json:"operation"`
	ResourceID string `json:"resource_id"`
	State      string `json:"state"`
	Summary    string `json:"summary"`
	FailedTask string `json:"failed_task"`
	Error      string `json:"error"`
	Hint       string `json:"hint"`
	Backend    string `json:"backend"`
	Finished   string `json:"finished_at"` // as of a task
	Tasks      []Task `json:"tasks"`
}

// Task returns a task by its name, the zero value when the flow has none of that name.
func (f Flow) Task(name string) Task {
	for _, t := range f.Tasks {
		if t.Name == name {
			return t
		}
	}
	return Task{}
}

// Create asks for a blank volume and returns it as the 202 shows it, with the flow's id; more are further fields of the request.
func (c *Client) Create(t testing.TB, name string, sizeGiB int64, more ...Object) (Volume, string) {
	t.Helper()
	r := c.Want(t, http.StatusAccepted, "POST", "/volumes", VolumeRequest(name, sizeGiB, more...))
	var out struct{ Volume Volume }
	r.Decode(t, &out)
	if r.Flow() == "" {
		t.Fatalf("the 202 of volume %s names no flow", out.Volume.ID)
	}
	return out.Volume, r.Flow()
}

// VolumeRequest is the body of POST /volumes.
func VolumeRequest(name string, sizeGiB int64, more ...Object) Object {
	v := Object{"name": name, "size": sizeGiB}
	for _, m := range more {
		for key, value := range m {
			v[key] = value
		}
	}
	return Object{"volume": v}
}

// CreateAvailable makes a volume and waits until it is there.
func (c *Client) CreateAvailable(t testing.TB, name string, sizeGiB int64, more ...Object) Volume {
	t.Helper()
	v, _ := c.Create(t, name, sizeGiB, more...)
	return c.WaitStatus(t, v.ID, "available")
}

// Delete asks for a volume's end and returns the flow's id.
func (c *Client) Delete(t testing.TB, id string) string {
	t.Helper()
	return c.Want(t, http.StatusAccepted, "DELETE", "/volumes/"+id, nil).Flow()
}

// Action sends a volume action that is answered with 202, and returns the flow's id, if it has one.
func (c *Client) Action(t testing.TB, id, action string, body any) string {
	t.Helper()
	return c.Want(t, http.StatusAccepted, "POST", "/volumes/"+id+"/action", Object{action: body}).Flow()
}

// Volume shows a volume; false when there is none.
func (c *Client) Volume(ctx context.Context, id string) (Volume, bool, error) {
	return show[Volume](ctx, c, "volume", id)
}

// Volumes lists all volumes of the client's project, or with all of every project, page by page.
func (c *Client) Volumes(ctx context.Context, all bool) ([]Volume, error) {
	return list(ctx, c, "volumes", all, func(v Volume) string { return v.ID })
}

// WaitStatus waits until a volume has one of the statuses; a volume in error that is not waited for fails the test at once.
func (c *Client) WaitStatus(t testing.TB, id string, statuses ...string) Volume {
	t.Helper()
	var last Volume
	Await(t, Patience, func() (bool, string) {
		v, there, err := c.Volume(t.Context(), id)
		if err != nil || !there {
			return false, fmt.Sprintf("volume %s to be %v: there: %v, %v", id, statuses, there, err)
		}
		last = v
		if v.Status == "error" && !slices.Contains(statuses, "error") {
			t.Fatalf("volume %s is in error", id)
		}
		return slices.Contains(statuses, v.Status), fmt.Sprintf("volume %s to be %v: it is %s", id, statuses, v.Status)
	})
	return last
}

// WaitGone waits until there is no such volume.
func (c *Client) WaitGone(t testing.TB, id string) {
	t.Helper()
	Await(t, Patience, func() (bool, string) {
		v, there, err := c.Volume(t.Context(), id)
		return err == nil && !there, fmt.Sprintf("volume %s to be gone: it is %q, %v", id, v.Status, err)
	})
}

// Flow shows a flow.
func (c *Client) Flow(t testing.TB, id string) Flow {
	t.Helper()
	var out struct{ Flow Flow }
	c.Want(t, http.StatusOK, "GET", "/flows/"+id, nil).Decode(t, &out)
	return out.Flow
}

// WaitFlow waits until a flow is in one of the states.
func (c *Client) WaitFlow(t testing.TB, id string, states ...string) Flow {
	t.Helper()
	var f Flow
	Await(t, Patience, func() (bool, string) {
		f = c.Flow(t, id)
		return slices.Contains(states, f.State), fmt.Sprintf("flow %s to be %v: it is %s %s %s", id, states, f.State, f.FailedTask, f.Error)
	})
	return f
}

// OpenFlows lists the ids of the flows, of every project, that have not ended.
func (c *Client) OpenFlows(t testing.TB) []string {
	t.Helper()
	return c.openFlows(t, "&all_tenants=1")
}

// OwnOpenFlows is OpenFlows for the client's project alone.
func (c *Client) OwnOpenFlows(t testing.TB) []string {
	t.Helper()
	return c.openFlows(t, "")
}

func (c *Client) openFlows(t testing.TB, more string) []string {
	t.Helper()
	var open []string
	for _, state := range []string{"RUNNING", "HELD"} {
		var page struct{ Flows []Flow }
		c.Want(t, http.StatusOK, "GET", "/flows?state="+state+more, nil).Decode(t, &page)
		for _, f := range page.Flows {
			open = append(open, f.ID)
		}
	}
	return open
}

// WaitQuiet waits until no flow is open.
func (c *Client) WaitQuiet(t testing.TB) {
	t.Helper()
	Await(t, Patience, func() (bool, string) {
		open := c.OpenFlows(t)
		return len(open) == 0, fmt.Sprintf("no flow to be open: %d are: %v", len(open), open)
	})
}

// Await asks again and again until done; what says what is waited for.
func Await(t testing.TB, limit time.Duration, ask func() (done bool, what string)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for pause := 10 * time.Millisecond; ; pause = min(pause*3/2, 500*time.Millisecond) {
		done, what := ask()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", limit, what)
		}
		time.Sleep(pause)
	}
}
