package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// nodeAttempts is how often a node step is tried before the flow is held for an operator: with the back-off below
// that is about 15 s of trying.
const nodeAttempts = 5

// localRecord is the first try of a database step: in the workflow's own process, a second at most, no retry there,
// because an update's answer leaves only when the workflow task ends.
func localRecord(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// record is a database step as a normal activity: it shows in the Web UI and is tried until the database is back.
func record(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           flow.ControlQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second,
		},
	})
}

// node is a step of a storage node. It waits for its node as long as it takes: a worker that is down shows as a
// pending activity. An attempt that stops to heartbeat is tried again; a cancelled one is waited for, lest an undo
// run beside the step that it undoes.
func node(ctx workflow.Context, backend, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           flow.StorageQueue(backend),
		StartToCloseTimeout: 6 * time.Hour,
		HeartbeatTimeout:    20 * time.Second,
		WaitForCancellation: true,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second, MaximumAttempts: nodeAttempts,
		},
	})
}

// firstTry is node for the first attempt of a create that has other candidates: once, and only if the node takes
// it soon. When it does not, nothing can be there, and the next candidate gets it.
func firstTry(ctx workflow.Context, backend, summary string) workflow.Context {
	opts := workflow.GetActivityOptions(node(ctx, backend, summary))
	opts.ScheduleToStartTimeout = 30 * time.Second
	opts.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: 1}
	return workflow.WithActivityOptions(ctx, opts)
}

// moveAttempts is how often a mover goes on from its checkpoint before the flow is held: with the back-off below that is
// some minutes of a backend that is away, or as many restarts of the worker.
const moveAttempts = 12

// move is a step of a data worker that moves bytes, for hours. Like node, but that a mover which is cut off stops itself in time for
// its next attempt (activities.Mover), which takes up where it stopped.
func move(ctx workflow.Context, host, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           flow.DataQueue(host),
		StartToCloseTimeout: 7 * 24 * time.Hour,
		HeartbeatTimeout:    flow.MoveHeartbeat,
		WaitForCancellation: true,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: moveAttempts,
		},
	})
}

// undo is a node step that takes something back. Like node, with fewer attempts before a person is asked.
func undo(ctx workflow.Context, backend, summary string) workflow.Context {
	opts := workflow.GetActivityOptions(node(ctx, backend, summary))
	opts.RetryPolicy = &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second, MaximumAttempts: 3,
	}
	return workflow.WithActivityOptions(ctx, opts)
}

// outside is a step that asks a service which is not ours, for some minutes; what it answers then does not hold the flow up.
func outside(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              flow.ControlQueue,
		ScheduleToCloseTimeout: 5 * time.Minute,
		StartToCloseTimeout:    time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
		},
	})
}
