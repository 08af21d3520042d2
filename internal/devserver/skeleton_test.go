//go:build !noembed

package devserver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The shape of Clinker's flows with nothing in them: what is left is what
// Temporal costs.

const (
	testNamespace = "clinker"
	controlQueue  = "control"
	storageQueue  = "storage"
)

func emptyStep(context.Context) error { return nil }

// createSkeleton is five record steps as local activities and one node step on
// another queue; its update is answered after the third record step.
func createSkeleton(ctx workflow.Context) error {
	entered := false
	err := workflow.SetUpdateHandler(ctx, "entered", func(ctx workflow.Context) (string, error) {
		return "row", workflow.Await(ctx, func() bool { return entered })
	})
	if err != nil {
		return err
	}
	for i := range 4 {
		if err := recordStep(ctx); err != nil {
			return err
		}
		entered = entered || i == 2
	}
	if err := nodeStep(ctx); err != nil {
		return err
	}
	return recordStep(ctx)
}

// deleteSkeleton is a node step and a record step, started without an update.
func deleteSkeleton(ctx workflow.Context) error {
	if err := nodeStep(ctx); err != nil {
		return err
	}
	return recordStep(ctx)
}

func recordStep(ctx workflow.Context) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: time.Second})
	return workflow.ExecuteLocalActivity(ctx, emptyStep).Get(ctx, nil)
}

func nodeStep(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: storageQueue, StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, emptyStep).Get(ctx, nil)
}

// skeletonWorkers runs both queues' workers until the test ends.
func skeletonWorkers(tb testing.TB, c client.Client) {
	control := worker.New(c, controlQueue, worker.Options{})
	control.RegisterWorkflow(createSkeleton)
	control.RegisterWorkflow(deleteSkeleton)
	control.RegisterActivity(emptyStep)
	storage := worker.New(c, storageQueue, worker.Options{DisableWorkflowWorker: true})
	storage.RegisterActivity(emptyStep)
	for _, w := range []worker.Worker{control, storage} {
		require.NoError(tb, w.Start())
		tb.Cleanup(w.Stop)
	}
}

func create(ctx context.Context, c client.Client, id string) (client.WorkflowUpdateHandle, error) {
	start := c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: controlQueue, WorkflowIDConflictPolicy: 1, // fail
	}, createSkeleton)
	return c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: "entered", WaitForStage: client.WorkflowUpdateStageCompleted},
	})
}

func dial(tb testing.TB, addr string) client.Client {
	c, err := client.Dial(client.Options{
		HostPort: addr, Namespace: testNamespace, Logger: quiet{}, WorkerHeartbeatInterval: time.Second,
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	})
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	return c
}

// quiet drops the SDK's log.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
