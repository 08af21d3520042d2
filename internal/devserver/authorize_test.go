//go:build !noembed

package devserver

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/nodeauth"
	"github.com/clinker-storage/clinker/internal/tlsfile/tlstest"
)

// as is a client that calls with a token.
func as(t *testing.T, s *Server, token string) (workflowservice.WorkflowServiceClient, context.Context) {
	conn, err := grpc.NewClient(s.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return workflowservice.NewWorkflowServiceClient(conn), ctx
}

func sdkAs(t *testing.T, s *Server, token string) client.Client {
	o := client.Options{HostPort: s.Addr(), Namespace: testNamespace, Credentials: client.NewAPIKeyStaticCredentials(token), WorkerHeartbeatInterval: time.Second}
	o.ConnectionOptions.TLSDisabled = true
	c, err := client.DialContext(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// onTwoNodes has a step on each of two nodes.
func onTwoNodes(ctx workflow.Context) (string, error) {
	var all string
	for _, host := range []string{"a", "b"} {
		var said string
		step := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: flow.StorageQueue(host + "@lvm"), StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Minute})
		if err := workflow.ExecuteActivity(step, "Work").Get(ctx, &said); err != nil {
			return all, err
		}
		all += said
	}
	return all, nil
}

// TestAuthorize keeps a node to the work of its own queues, on the server that `clinkerd` runs.
func TestAuthorize(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, nodeauth.FileName)
	token := map[string]string{}
	for name, c := range map[string]nodeauth.Caller{"control": {Control: true}, "a": nodeauth.Node("a"), "b": nodeauth.Node("b")} {
		text, err := nodeauth.Create(file, c)
		require.NoError(t, err)
		token[name] = text
	}
	o := testOptions(t, dir)
	var err error
	o.Callers, err = nodeauth.OpenRegistry(file)
	require.NoError(t, err)
	s := start(t, o)
	require.NotEqual(t, s.Addr(), s.TrustedAddr())

	control := sdkAs(t, s, token["control"])
	flows := worker.New(control, flow.ControlQueue, worker.Options{LocalActivityWorkerOnly: true})
	flows.RegisterWorkflow(onTwoNodes)
	require.NoError(t, flows.Start())
	t.Cleanup(flows.Stop)
	run, err := control.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "two", TaskQueue: flow.ControlQueue}, onTwoNodes)
	require.NoError(t, err)

	// Node a takes its step with a worker as nodes have it, node b with calls of its own.
	node := worker.New(sdkAs(t, s, token["a"]), flow.StorageQueue("a@lvm"), worker.Options{DisableWorkflowWorker: true})
	node.RegisterActivityWithOptions(func(ctx context.Context) (string, error) {
		activity.RecordHeartbeat(ctx, "half")
		return "a", nil
	}, activity.RegisterOptions{Name: "Work"})
	require.NoError(t, node.Start())
	t.Cleanup(node.Stop)
	b, ctx := as(t, s, token["b"])
	task, err := b.PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{Namespace: testNamespace, TaskQueue: &taskqueuepb.TaskQueue{Name: flow.StorageQueue("b@lvm")}})
	require.NoError(t, err)
	require.NotEmpty(t, task.GetTaskToken())
	_, err = b.RecordActivityTaskHeartbeat(ctx, &workflowservice.RecordActivityTaskHeartbeatRequest{Namespace: testNamespace, TaskToken: task.GetTaskToken()})
	require.NoError(t, err)

	execution := &commonpb.WorkflowExecution{WorkflowId: "two", RunId: run.GetRunID()}
	queue := func(name string) *taskqueuepb.TaskQueue { return &taskqueuepb.TaskQueue{Name: name} }
	type call = func(workflowservice.WorkflowServiceClient, context.Context) error
	denied := map[string]call{
		"another's queue": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{Namespace: testNamespace, TaskQueue: queue(flow.StorageQueue("b@lvm"))})
			return err
		},
		"the control queue": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{Namespace: testNamespace, TaskQueue: queue(flow.ControlQueue)})
			return err
		},
		"workflow tasks": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{Namespace: testNamespace, TaskQueue: queue(flow.ControlQueue)})
			return err
		},
		"workflow tasks of its own queue": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{Namespace: testNamespace, TaskQueue: queue(flow.StorageQueue("a@lvm"))})
			return err
		},
		"history": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{Namespace: testNamespace, Execution: execution})
			return err
		},
		"start": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.StartWorkflowExecution(ctx, &workflowservice.StartWorkflowExecutionRequest{
				Namespace: testNamespace, WorkflowId: "x", RequestId: "x", WorkflowType: &commonpb.WorkflowType{Name: "onTwoNodes"}, TaskQueue: queue(flow.ControlQueue),
			})
			return err
		},
		"signal": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.SignalWorkflowExecution(ctx, &workflowservice.SignalWorkflowExecutionRequest{Namespace: testNamespace, WorkflowExecution: execution, SignalName: "abort"})
			return err
		},
		"terminate": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.TerminateWorkflowExecution(ctx, &workflowservice.TerminateWorkflowExecutionRequest{Namespace: testNamespace, WorkflowExecution: execution})
			return err
		},
		"list": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: testNamespace})
			return err
		},
		"answer for another node": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{Namespace: testNamespace, TaskToken: task.GetTaskToken()})
			return err
		},
		"fail for another node, with a token of its own making": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			const mark = 41 // a field's number and length, and an HMAC
			_, err := c.RespondActivityTaskFailed(ctx, &workflowservice.RespondActivityTaskFailedRequest{Namespace: testNamespace, TaskToken: task.GetTaskToken()[:len(task.GetTaskToken())-mark]})
			return err
		},
		"answer by id": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.RespondActivityTaskCompletedById(ctx, &workflowservice.RespondActivityTaskCompletedByIdRequest{Namespace: testNamespace, WorkflowId: "two", ActivityId: task.GetActivityId()})
			return err
		},
		"make a namespace": func(c workflowservice.WorkflowServiceClient, ctx context.Context) error {
			_, err := c.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{Namespace: "x"})
			return err
		},
	}
	for name, do := range denied {
		for _, who := range []string{"a", "", "a token of nobody"} {
			text := token[who]
			if text == "" {
				text = who
			}
			c, ctx := as(t, s, text)
			require.Equal(t, codes.PermissionDenied, status.Code(do(c, ctx)), "%s as %q", name, who)
		}
	}
	conn, err := grpc.NewClient(s.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	_, err = operatorservice.NewOperatorServiceClient(conn).AddSearchAttributes(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token["a"]), &operatorservice.AddSearchAttributesRequest{
		Namespace: testNamespace, SearchAttributes: map[string]enums.IndexedValueType{"X": enums.INDEXED_VALUE_TYPE_KEYWORD},
	})
	require.Equal(t, codes.PermissionDenied, status.Code(err), "the operator's service")

	// The same answer from whose it is.
	_, err = b.RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: testNamespace, TaskToken: task.GetTaskToken(),
		Result: &commonpb.Payloads{Payloads: []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"b"`)}}},
	})
	require.NoError(t, err)
	var all string
	require.NoError(t, run.Get(t.Context(), &all))
	require.Equal(t, "ab", all)

	// A token that was taken away is nobody's, within the second in which the file is looked at.
	n, err := nodeauth.Revoke(file, nodeauth.Node("b"), false)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Eventually(t, func() bool {
		_, err := b.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: testNamespace})
		return status.Code(err) == codes.PermissionDenied
	}, time.Minute, 100*time.Millisecond)
}

// TestTLS has the frontend take clients with a certificate only, whose name says who they are.
func TestTLS(t *testing.T) {
	ca, strangers := tlstest.New(t), tlstest.New(t)
	dir := t.TempDir()
	o := testOptions(t, dir)
	cert, key := ca.Issue(t, "temporal")
	o.TLS = &ServerTLS{CertFile: cert, KeyFile: key, ClientCAFile: ca.File}
	var err error
	o.Callers, err = nodeauth.OpenRegistry(filepath.Join(dir, nodeauth.FileName))
	require.NoError(t, err)
	s := start(t, o)
	as := func(conf *tls.Config) error {
		conf.RootCAs = ca.Pool()
		conn, err := grpc.NewClient(s.Addr(), grpc.WithTransportCredentials(credentials.NewTLS(conf)))
		require.NoError(t, err)
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = workflowservice.NewWorkflowServiceClient(conn).ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: testNamespace})
		return err
	}
	require.NoError(t, as(&tls.Config{Certificates: []tls.Certificate{ca.Pair(t, "control")}}))
	require.Equal(t, codes.PermissionDenied, status.Code(as(&tls.Config{Certificates: []tls.Certificate{ca.Pair(t, "node/a")}})))
	require.Equal(t, codes.PermissionDenied, status.Code(as(&tls.Config{Certificates: []tls.Certificate{ca.Pair(t, "anybody")}})))
	require.Equal(t, codes.Unavailable, status.Code(as(&tls.Config{})), "no certificate")
	require.Equal(t, codes.Unavailable, status.Code(as(&tls.Config{Certificates: []tls.Certificate{strangers.Pair(t, "control")}})))

	// This process comes in by loopback; a client with files, as the configuration names them, by the front.
	trusted := dial(t, s.TrustedAddr())
	_, err = trusted.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: testNamespace})
	require.NoError(t, err)
}
