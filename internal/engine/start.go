package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// workflowTaskTimeout is short, since a client waits: a control worker killed in its local steps costs this long.
const workflowTaskTimeout = 3 * time.Second

// Accept starts a flow and waits for its update `accepted`, whose result it fills in. It fails with a *flow.Error
// when the flow refused, and with flow.ErrEngineAway when Temporal or its worker did not answer before ctx ended; then
// the flow may still come to run.
func (e *Engine) Accept(ctx context.Context, s flow.Start, result any) error {
	if err := s.Check(); err != nil {
		return err
	}
	start := e.flows.NewWithStartWorkflowOperation(options(s), string(s.Operation), s.Input)
	h, err := e.flows.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: flow.UpdateAccepted, UpdateName: flow.UpdateAccepted, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = h.Get(ctx, result)
	}
	return answered(err)
}

// Start starts a flow whose row stands already. A flow that runs already under this id is success.
func (e *Engine) Start(ctx context.Context, s flow.Start) error {
	if err := s.Check(); err != nil {
		return err
	}
	opts := options(s)
	opts.EnableEagerStart = true
	_, err := e.flows.ExecuteWorkflow(ctx, opts, string(s.Operation), s.Input)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	return answered(err)
}

// Restart starts a flow again from its record; it needs the record's input.
func (e *Engine) Restart(ctx context.Context, f models.Flow) error {
	var h flow.Header
	if err := json.Unmarshal(f.Input, &h); err != nil {
		return fmt.Errorf("flow %s: its recorded input can't be read: %w", f.ID, err)
	}
	return e.Start(ctx, flow.Start{Operation: flow.Operation(f.Operation), Header: h, Kind: f.ResourceKind, Backend: f.Backend, Input: f.Input})
}

// CheckAttachments starts the check of attachments, unless it runs.
func (e *Engine) CheckAttachments(ctx context.Context) error {
	_, err := e.flows.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: string(flow.AttachmentCheck), TaskQueue: flow.ControlQueue, WorkflowRunTimeout: time.Hour,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "compares attachments with targets, hosts and guests",
	}, string(flow.AttachmentCheck), flow.CheckInput{Apart: flow.CheckApart, Mend: true})
	return answered(err)
}

// Resolve sends an operator's decision to a flow. A flow that has ended, or where nothing is held, is a *flow.Error.
func (e *Engine) Resolve(ctx context.Context, flowID, update, reason string) error {
	h, err := e.flows.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: flowID, UpdateName: update, Args: []any{flow.Decision{Reason: reason}}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, nil)
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return &flow.Error{Type: flow.ErrNotFound, Message: "flow " + flowID + " has ended"}
	}
	return answered(err)
}

// AwaitClosed returns when the flow has ended, however it did.
func (e *Engine) AwaitClosed(ctx context.Context, flowID string) error {
	err := e.flows.GetWorkflow(ctx, flowID, "").Get(ctx, nil)
	var gone *serviceerror.NotFound
	var failed *temporal.WorkflowExecutionError
	if errors.As(err, &gone) || errors.As(err, &failed) {
		return nil
	}
	return answered(err)
}

func options(s flow.Start) client.StartWorkflowOptions {
	h := s.Header
	attrs := []temporal.SearchAttributeUpdate{
		key(flow.AttrProjectID).ValueSet(h.ProjectID), key(flow.AttrResourceID).ValueSet(h.ResourceID),
		key(flow.AttrResourceKind).ValueSet(s.Kind), key(flow.AttrOperation).ValueSet(string(s.Operation)),
		key(flow.AttrRequestID).ValueSet(h.RequestID),
	}
	if s.Backend != "" {
		attrs = append(attrs, key(flow.AttrBackend).ValueSet(s.Backend))
	}
	return client.StartWorkflowOptions{
		ID: h.FlowID, TaskQueue: flow.ControlQueue, WorkflowTaskTimeout: workflowTaskTimeout,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes:                    temporal.NewSearchAttributes(attrs...),
		StaticSummary:                            h.Summary,
	}
}

func key(name string) temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword(name)
}

// answered tells a refusal of the flow from Temporal being away.
func answered(err error) error {
	if err == nil {
		return nil
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return wire.Parse(err)
	}
	return fmt.Errorf("%w: %w", flow.ErrEngineAway, err)
}
