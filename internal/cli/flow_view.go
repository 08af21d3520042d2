package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// FlowColumns are the columns of a list of flows.
var FlowColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "State", Key: "state"},
	{Title: "Summary", Key: "summary"},
	{Title: "Failed Task", Key: "failed_task"},
	{Title: "Created At", Key: "created_at"},
	{Title: "Operation", Key: "operation", Long: true},
	{Title: "Resource", Key: "resource_id", Long: true},
	{Title: "Project", Key: "project_id", Long: true},
	{Title: "Backend", Key: "backend", Long: true},
	{Title: "Request ID", Key: "request_id", Long: true},
	{Title: "Finished At", Key: "finished_at", Long: true},
	{Title: "Error", Key: "error", Long: true},
}

var taskColumns = []string{"Task", "State", "Attempt", "Duration", "Error"}

// Record shows the flow's fields; tasks are among them for the formats that programs read.
func (f Flow) Record(tasks bool) Record {
	r := Record{
		{"id", f.ID},
		{"summary", f.Summary},
		{"state", string(f.State)},
		{"operation", f.Operation},
		{"resource_kind", f.ResourceKind},
		{"resource_id", f.ResourceID},
		{"project_id", f.ProjectID},
		{"backend", f.Backend},
		{"request_id", f.RequestID},
		{"created_at", f.CreatedAt.String()},
		{"updated_at", f.UpdatedAt.String()},
		{"finished_at", f.FinishedAt.String()},
		{"failed_task", f.FailedTask},
		{"error", f.Error},
		{"hint", f.Hint},
	}
	if tasks {
		list := make([]Record, len(f.Tasks))
		for i, t := range f.Tasks {
			list[i] = t.record()
		}
		r = append(r, Field{"tasks", list})
	}
	return r
}

func (t Task) record() Record {
	r := Record{
		{"name", t.Name},
		{"state", string(t.State)},
		{"attempt", t.Attempt},
		{"started_at", t.StartedAt.String()},
		{"finished_at", t.FinishedAt.String()},
		{"error", t.Error},
		{"hint", t.Hint},
	}
	if t.Progress != nil {
		r = append(r, Field{"progress", *t.Progress})
	}
	return r
}

// Flow prints a flow: for people its summary, its tasks, and what to do if it did not go well; for programs one object.
func (p Printer) Flow(f Flow) error {
	if p.Format != FormatTable || len(p.Columns) > 0 {
		return p.Show(f.Record(p.Format == FormatJSON || p.Format == FormatYAML))
	}
	var filled Record
	for _, field := range f.Record(false) {
		if field.Name != "error" && field.Name != "hint" && field.Value != "" {
			filled = append(filled, field)
		}
	}
	if err := p.Show(filled); err != nil {
		return err
	}
	rows := make([][]any, len(f.Tasks))
	for i, t := range f.Tasks {
		took := ""
		if d, ok := t.Duration(); ok {
			took = duration(d)
		}
		rows[i] = []any{t.Name, string(t.State), t.Attempt, took, t.Error}
		if t.Progress != nil && t.Error == "" {
			rows[i][4] = t.Progress.String()
		}
		if t.State == models.TaskPending {
			rows[i][2] = ""
		}
	}
	if err := p.table(taskColumns, rows); err != nil {
		return err
	}
	if err := f.Outcome(); err != nil {
		return p.advice(err)
	}
	return nil
}

// advice prints what is known of an error: what happened, what to do about it, how to go on.
func (p Printer) advice(err *Error) error {
	_, failed := io.WriteString(p.Out, "error: "+err.Advice())
	return failed
}

// Advice is the message, with hint and next commands each on lines of their own.
func (e *Error) Advice() string {
	var text string
	for line := range strings.Lines(e.Error()) { // one line for each error of several
		text += oneLine(strings.TrimRight(line, "\n")) + "\n"
	}
	if e.Hint != "" {
		text += "hint: " + oneLine(e.Hint) + "\n"
	}
	for _, next := range e.Next {
		text += fmt.Sprintf("next: %s\n", next)
	}
	return text
}
