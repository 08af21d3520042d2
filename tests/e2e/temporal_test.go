package e2e

import (
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/clinker-storage/clinker/tests/harness"
)

// namespace is where the flows are.
const namespace = "clinker"

// temporalClient speaks to Temporal as its own tools do.
func temporalClient(t *testing.T, addr string) client.Client {
	t.Helper()
	quiet := log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	c, err := client.NewLazyClient(client.Options{HostPort: addr, Namespace: namespace, Logger: quiet})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// pending waits until a flow has a pending activity of that name that ok accepts, and returns it.
func pending(t *testing.T, c client.Client, flowID, task string, ok func(*workflowpb.PendingActivityInfo) bool) {
	t.Helper()
	harness.Await(t, harness.Patience, func() (bool, string) {
		d, err := c.DescribeWorkflowExecution(t.Context(), flowID, "")
		for _, a := range d.GetPendingActivities() {
			if a.GetActivityType().GetName() == task && ok(a) {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%s to be pending in %s: %v, %v", task, flowID, d.GetPendingActivities(), err)
	})
}

// details is what the Web UI shows over a flow: its summary, and how it stands.
func details(t *testing.T, c client.Client, flowID string) (summary, current string) {
	t.Helper()
	d, err := c.DescribeWorkflow(t.Context(), flowID, "")
	require.NoError(t, err)
	summary, err = d.GetStaticSummary()
	require.NoError(t, err)
	answer, err := c.QueryWorkflow(t.Context(), flowID, "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var meta sdkpb.WorkflowMetadata
	require.NoError(t, answer.Get(&meta))
	return summary, meta.GetCurrentDetails()
}

// update sends an update without arguments, as the Web UI and Temporal's command line do, and waits for its end.
func update(t *testing.T, c client.Client, flowID, name string) {
	t.Helper()
	h, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: flowID, UpdateName: name, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	require.NoError(t, h.Get(t.Context(), nil))
}

// running counts the open workflows of a project.
func running(t *testing.T, c client.Client, project string) int64 {
	t.Helper()
	r, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: namespace, Query: fmt.Sprintf("ProjectId = '%s' AND ExecutionStatus = 'Running'", project),
	})
	require.NoError(t, err)
	return r.GetCount()
}

// forget takes the history of a flow away, as the end of its retention does.
func forget(t *testing.T, c client.Client, flowID string) {
	t.Helper()
	_, err := c.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: flowID},
	})
	require.NoError(t, err)
	harness.Await(t, harness.Patience, func() (bool, string) {
		_, err := c.DescribeWorkflowExecution(t.Context(), flowID, "")
		return err != nil, "Temporal to forget " + flowID
	})
}
