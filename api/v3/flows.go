package v3

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// FlowStore is what the records of flows need of the catalogue; projectID "" means any project.
type FlowStore interface {
	GetFlow(ctx context.Context, projectID, id string) (models.Flow, error)
	ListFlows(ctx context.Context, q models.FlowQuery) ([]models.Flow, error)
	// AbandonFlow inserts the record as ABANDONED; models.ErrExists if the flow has its record already.
	AbandonFlow(ctx context.Context, f models.Flow) error
}

// flowRoutes are ours, beside Cinder's: what became of an operation, task by task.
func (a *API) flowRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/flows", Handle: a.listFlows, Rule: ruleFlowList},
		{Method: http.MethodGet, Path: "/flows/:flow_id", Handle: a.showFlow, Rule: ruleFlowShow, Of: a.ofFlow},
		{Method: http.MethodPost, Path: "/flows/:flow_id/action", Handle: a.flowAction, Rule: ruleFlowResolve, Of: a.ofFlow},
	}
}

var flowSortKeys = map[string]string{"created_at": "created_at", "updated_at": "updated_at", "id": "id"}

func (a *API) listFlows(c *Call) error {
	page, err := c.Page(flowSortKeys)
	if err != nil {
		return err
	}
	project, err := c.ListProject()
	if err != nil {
		return err
	}
	q := models.FlowQuery{
		Page: page, ProjectID: project, ResourceID: c.Query("resource_id"), Operation: c.Query("operation"),
		RequestID: c.Query("request_id"), Backend: c.Query("backend"),
	}
	for _, text := range c.QueryValues()["state"] {
		state := models.FlowState(strings.ToUpper(text))
		if !slices.Contains(flowStates, state) {
			return fault.BadRequest("state %q is not valid; it must be one of %v", clip(text), flowStates)
		}
		q.States = append(q.States, state)
	}
	flows, err := a.Store.ListFlows(c.Context(), q)
	if err != nil {
		return notFound(err, "marker", page.Marker)
	}
	out := flowList{Flows: make([]flowView, len(flows))}
	for i := range flows {
		out.Flows[i] = viewFlow(&flows[i])
	}
	if n := len(flows); n > 0 {
		out.Links = c.Next("/flows", n, page.Limit, flows[n-1].ID)
	}
	return c.JSON(http.StatusOK, out)
}

// ofFlow is the flow in the path as the policy looks at it.
func (a *API) ofFlow(c *Call) (policy.Target, error) {
	f, err := a.flow(c)
	c.row = f
	return policy.Target{ProjectID: f.ProjectID}, err
}

// flow reads the flow that the path names, once a request.
func (a *API) flow(c *Call) (models.Flow, error) {
	if f, ok := c.row.(models.Flow); ok {
		return f, nil
	}
	id := c.Param("flow_id")
	f, err := a.Store.GetFlow(c.Context(), c.Reach(), id)
	return f, notFound(err, "flow", id)
}

func (a *API) showFlow(c *Call) error {
	f, err := a.flow(c)
	if err != nil {
		return err
	}
	if f.State.Open() && a.Flows != nil {
		// The record alone is an answer too: the engine may be away, which is when people look.
		live, err := a.Flows.Live(c.Context(), f)
		if err == nil {
			f = live
		} else {
			c.Log.Warn("the engine does not tell how the flow stands; its record is shown", "flow_id", f.ID, "error", err.Error())
		}
	}
	return c.JSON(http.StatusOK, map[string]flowView{"flow": viewFlow(&f)})
}

// flowAction resolves a held flow: {"retry": {}}, {"skip": {"reason": "..."}} or {"abort": {}}.
func (a *API) flowAction(c *Call) error {
	body, err := c.Object()
	if err != nil {
		return err
	}
	keys := body.Keys()
	known := []string{flow.UpdateRetry, flow.UpdateSkip, flow.UpdateAbort}
	if len(keys) != 1 || !slices.Contains(known, keys[0]) {
		return fault.BadRequest("the body must have exactly one action, which is one of %s", strings.Join(known, ", "))
	}
	var reason *string
	if inner := body.Object(keys[0]); inner != nil {
		reason = inner.Text("reason", 0, 255)
		if err := inner.End(true); err != nil {
			return err
		}
	}
	if err := body.End(true); err != nil {
		return err
	}
	f, err := a.flow(c)
	if err != nil {
		return err
	}
	id := f.ID
	if f.State != models.FlowHeld {
		return fault.Conflict("flow %s is %s; only a HELD flow can be resolved", id, f.State)
	}
	ctx, cancel := context.WithTimeout(c.Context(), a.AcceptWait)
	defer cancel()
	why := keys[0] + " by " + c.Identity.UserID
	if reason != nil && *reason != "" {
		why += ": " + *reason
	}
	if err := a.Starter.Resolve(ctx, id, keys[0], why); err != nil {
		return err
	}
	c.Started(id)
	return c.Empty(http.StatusAccepted)
}

var flowStates = []models.FlowState{
	models.FlowRunning, models.FlowHeld, models.FlowSuccess, models.FlowFailure, models.FlowReverted, models.FlowAbandoned,
}

type flowList struct {
	Flows []flowView `json:"flows"`
	Links []Link     `json:"flows_links,omitempty"`
}

type flowView struct {
	ID           string     `json:"id"`
	Operation    string     `json:"operation"`
	ResourceKind string     `json:"resource_kind"`
	ResourceID   string     `json:"resource_id"`
	ProjectID    string     `json:"project_id"`
	RequestID    string     `json:"request_id"`
	State        string     `json:"state"`
	Summary      string     `json:"summary"`
	FailedTask   Null       `json:"failed_task"`
	Error        Null       `json:"error"`
	Hint         Null       `json:"hint"`
	Backend      Null       `json:"backend"`
	CreatedAt    Time       `json:"created_at"`
	UpdatedAt    Time       `json:"updated_at"`
	FinishedAt   Time       `json:"finished_at"`
	Tasks        []taskView `json:"tasks"`
}

type taskView struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Attempt    int32  `json:"attempt"`
	StartedAt  Time   `json:"started_at"`
	FinishedAt Time   `json:"finished_at"`
	Error      Null   `json:"error"`
	Hint       Null   `json:"hint"`
	// Progress is there while a long step runs.
	Progress *progressView `json:"progress,omitempty"`
}

type progressView struct {
	Percent        int   `json:"percent"`
	BytesDone      int64 `json:"bytes_done,omitempty"`
	BytesTotal     int64 `json:"bytes_total,omitempty"`
	BytesPerSecond int64 `json:"bytes_per_second,omitempty"`
	SecondsLeft    int64 `json:"seconds_left,omitempty"`
}

// viewProgress is nil where nothing is known.
func viewProgress(p *models.TaskProgress) *progressView {
	if p == nil {
		return nil
	}
	return &progressView{
		Percent: p.Percent, BytesDone: int64(p.Done), BytesTotal: int64(p.Total), BytesPerSecond: int64(p.Rate), SecondsLeft: p.SecondsLeft(),
	}
}

func viewFlow(f *models.Flow) flowView {
	v := flowView{
		ID: f.ID, Operation: f.Operation, ResourceKind: f.ResourceKind, ResourceID: f.ResourceID, ProjectID: f.ProjectID,
		RequestID: f.RequestID, State: string(f.State), Summary: f.Summary, FailedTask: Null(f.FailedTask), Error: Null(f.Error),
		Hint: Null(f.Hint), Backend: Null(f.Backend), CreatedAt: Time(f.CreatedAt), UpdatedAt: Time(f.UpdatedAt),
		FinishedAt: Time(f.FinishedAt), Tasks: make([]taskView, len(f.Tasks)),
	}
	for i, t := range f.Tasks {
		v.Tasks[i] = taskView{
			Name: t.Name, State: string(t.State), Attempt: t.Attempt, StartedAt: Time(t.Started),
			FinishedAt: Time(t.Finished), Error: Null(t.Error), Hint: Null(t.Hint), Progress: viewProgress(t.Progress),
		}
	}
	return v
}

// record is the row of a flow that is about to start.
func (a *API) record(s flow.Start, state models.FlowState) (models.Flow, error) {
	input, err := json.Marshal(s.Input)
	if err != nil {
		return models.Flow{}, err
	}
	now := a.Now().UTC()
	f := models.Flow{
		ID: s.Header.FlowID, Operation: string(s.Operation), ResourceKind: s.Kind, ResourceID: s.Header.ResourceID,
		ProjectID: s.Header.ProjectID, RequestID: s.Header.RequestID, Backend: s.Backend, Summary: s.Header.Summary,
		State: state, Input: input, CreatedAt: now, UpdatedAt: now,
	}
	for _, name := range s.Header.Tasks {
		f.Tasks = append(f.Tasks, models.Task{Name: name, State: models.TaskPending})
	}
	if !state.Open() {
		f.FinishedAt = now
	}
	return f, nil
}
