package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// A mover is waited for, on the queue of its host, and is missed after the time that it itself counts with.
func TestMoveOptions(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var opts workflow.ActivityOptions
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		opts = workflow.GetActivityOptions(move(ctx, "n1", "copy 10 GiB"))
		return nil
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, "data/n1", opts.TaskQueue)
	require.Equal(t, flow.MoveHeartbeat, opts.HeartbeatTimeout)
	require.True(t, opts.WaitForCancellation)
	require.Equal(t, "copy 10 GiB", opts.Summary)
	require.Greater(t, opts.StartToCloseTimeout.Hours(), 24.0)
	host, ok := flow.DataHost(opts.TaskQueue)
	require.True(t, ok)
	require.Equal(t, flow.HostOf("n1@a#p"), host)
}
