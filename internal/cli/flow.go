package cli

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// Flow is one operation as the service tells of it.
type Flow struct {
	ID           string           `json:"id"`
	Operation    string           `json:"operation"`
	ResourceKind string           `json:"resource_kind"`
	ResourceID   string           `json:"resource_id"`
	ProjectID    string           `json:"project_id"`
	RequestID    string           `json:"request_id"`
	State        models.FlowState `json:"state"`
	Summary      string           `json:"summary"`
	FailedTask   string           `json:"failed_task"`
	Error        string           `json:"error"`
	Hint         string           `json:"hint"`
	Backend      string           `json:"backend"`
	CreatedAt    Time             `json:"created_at"`
	UpdatedAt    Time             `json:"updated_at"`
	FinishedAt   Time             `json:"finished_at"`
	Tasks        []Task           `json:"tasks"`
}

// Task is one step of a flow.
type Task struct {
	Name       string           `json:"name"`
	State      models.TaskState `json:"state"`
	Attempt    int              `json:"attempt"`
	StartedAt  Time             `json:"started_at"`
	FinishedAt Time             `json:"finished_at"`
	Error      string           `json:"error"`
	Hint       string           `json:"hint"`
	Progress   *TaskProgress    `json:"progress"`
}

// TaskProgress is how far a step is that runs.
type TaskProgress struct {
	Percent int          `json:"percent"`
	Done    models.Bytes `json:"bytes_done"`
	Total   models.Bytes `json:"bytes_total"`
	Rate    models.Bytes `json:"bytes_per_second"`
}

// barWidth is how many characters the bar of a step's progress has.
const barWidth = 20

// String draws the progress: a bar, the percentage, and where bytes are counted how many, how fast and for how long yet.
func (p TaskProgress) String() string {
	full := barWidth * min(max(p.Percent, 0), 100) / 100
	text := fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), p.Percent)
	if p.Total > 0 {
		text += fmt.Sprintf("  %s of %s", binary(p.Done), binary(p.Total))
	}
	if p.Rate > 0 {
		text += fmt.Sprintf("  %s/s", binary(p.Rate))
	}
	if left := p.Left(); left > 0 {
		text += fmt.Sprintf("  %s left", left)
	}
	return text
}

// Left is how long the step will take at the rate of late; 0 where that is not known.
func (p TaskProgress) Left() time.Duration {
	if p.Rate <= 0 || p.Done >= p.Total {
		return 0
	}
	seconds := math.Ceil(float64(p.Total-p.Done) / float64(p.Rate))
	return time.Duration(min(seconds, (99*time.Hour).Seconds())) * time.Second
}

// binary is a number of bytes as people read it.
func binary(n models.Bytes) string {
	if n >= models.GiB {
		return fmt.Sprintf("%.1f GiB", float64(n)/float64(models.GiB))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/float64(models.GiB>>10))
}

// Duration is how long the task took; 0 while that is not known.
func (t Task) Duration() (time.Duration, bool) {
	if t.StartedAt.IsZero() || t.FinishedAt.IsZero() {
		return 0, false
	}
	return t.FinishedAt.Sub(t.StartedAt.Time), true
}

// FlowFilter narrows a list of flows.
type FlowFilter struct {
	Volume, Snapshot, Backup             string // name or id, of one of them at most
	Operation, State, RequestID, Backend string
	All                                  bool // of all projects
	Marker                               string
	Limit                                int // 0: no limit
}

// Flows lists flows, the newest first, as objects.
func (c *Client) Flows(ctx context.Context, f FlowFilter) ([]Object, error) {
	query := url.Values{}
	set(query, "operation", f.Operation)
	set(query, "state", strings.ToUpper(f.State))
	set(query, "request_id", f.RequestID)
	set(query, "backend", f.Backend)
	set(query, "marker", f.Marker)
	if f.All {
		query.Set("all_tenants", "1")
	}
	for kind, name := range map[string]string{"volume": f.Volume, "snapshot": f.Snapshot, "backup": f.Backup} {
		if name == "" {
			continue
		}
		id, err := c.idOf(ctx, kind, name, f.All, url.Values{})
		if err != nil {
			return nil, err
		}
		query.Set("resource_id", id)
	}
	return c.list(ctx, "flows", query, f.Limit, "flows")
}

// Flow shows one flow by its id.
func (c *Client) Flow(ctx context.Context, id string) (Flow, error) {
	var answer struct{ Flow Flow }
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"flows", id}, into: &answer})
	return answer.Flow, err
}

// FlowID finds a flow by its id, or the latest flow of a volume, a snapshot or a backup by its name or id. The id of one that is
// gone is good too: its flows are remembered. Of a name that several have, the volume is meant, then the snapshot.
func (c *Client) FlowID(ctx context.Context, given string) (string, error) {
	if strings.Count(given, ":") == 2 {
		return given, nil
	}
	flows, err := c.flowsOf(ctx, given)
	if err != nil {
		return "", err
	}
	if len(flows) == 0 {
		return "", Errorf(NotFound, "no flow is known of %q", given)
	}
	return Text(flows[0]["id"]), nil
}

// flowsOf lists the latest flow of whatever has a name or id.
func (c *Client) flowsOf(ctx context.Context, given string) ([]Object, error) {
	for _, filter := range []FlowFilter{{Volume: given}, {Snapshot: given}, {Backup: given}} {
		filter.Limit = 1
		if flows, err := c.Flows(ctx, filter); ExitCode(err) != NotFound {
			return flows, err
		}
	}
	return nil, Errorf(NotFound, "there is no volume, no snapshot and no backup with the name or id %q", given)
}

// FlowAction tells a held flow how to go on: retry, skip or abort. A reason is kept with it.
func (c *Client) FlowAction(ctx context.Context, id, action, reason string) error {
	body := Object{}
	if reason != "" {
		body["reason"] = reason
	}
	_, err := c.action(ctx, action, body, "flows", id)
	return err
}
