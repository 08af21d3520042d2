package nodeauth

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workerpb "go.temporal.io/api/worker/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestNames(t *testing.T) {
	for _, name := range []string{"control", "node/a", "node/compute-1.example.org,b_2"} {
		c, err := Named(name)
		require.NoError(t, err, name)
		require.Equal(t, name, c.String())
	}
	for _, name := range []string{"", "nobody", "Control", "node/", "node/a,", "node/a b", "node/a@lvm", "node/../x", "node/-a", "node/a\nnode/b", "control,node/a"} {
		_, err := Named(name)
		require.Error(t, err, name)
	}
}

func TestQueues(t *testing.T) {
	c := Node("a", "cluster")
	for _, queue := range []string{"storage/a@lvm", "stats/a@lvm", "storage/cluster@gfs", "data/a", "host/a"} {
		require.True(t, c.serves(queue), queue)
	}
	for _, queue := range []string{
		"", "control", "a", "storage/a", "storage/a@", "storage/ab@lvm", "storage/b@lvm", "storage/b@a@lvm", "data/b", "data/a@lvm", "data/a/x", "host/A", "host/", "xstorage/a@lvm", "/_sys/storage/a@lvm/1", "stats/", "data/",
	} {
		require.False(t, c.serves(queue), queue)
	}
	require.False(t, Caller{}.serves("data/"))
}

func TestAllow(t *testing.T) {
	m := Marks{key: []byte("k")}
	node, other, control, nobody := Node("a"), Node("b"), Caller{Control: true}, Caller{}
	queue := func(name string) *taskqueuepb.TaskQueue { return &taskqueuepb.TaskQueue{Name: name} }
	token := []byte{0x0a, 1, 'x'}
	mine, theirs := m.Mark(node, token), m.Mark(other, token)
	beat := func(queues ...string) (all []*workerpb.WorkerHeartbeat) {
		for _, q := range queues {
			all = append(all, &workerpb.WorkerHeartbeat{TaskQueue: q})
		}
		return all
	}
	for _, test := range []struct {
		method  string
		request any
		node    bool
	}{
		{"PollActivityTaskQueue", &workflowservice.PollActivityTaskQueueRequest{TaskQueue: queue("data/a")}, true},
		{"PollActivityTaskQueue", &workflowservice.PollActivityTaskQueueRequest{TaskQueue: queue("data/b")}, false},
		{"PollActivityTaskQueue", &workflowservice.PollActivityTaskQueueRequest{}, false},
		{"PollWorkflowTaskQueue", &workflowservice.PollWorkflowTaskQueueRequest{TaskQueue: queue("data/a")}, false},
		{"PollNexusTaskQueue", &workflowservice.PollNexusTaskQueueRequest{TaskQueue: queue("data/a")}, false},
		{"RespondActivityTaskCompleted", &workflowservice.RespondActivityTaskCompletedRequest{TaskToken: mine}, true},
		{"RespondActivityTaskCompleted", &workflowservice.RespondActivityTaskCompletedRequest{TaskToken: theirs}, false},
		{"RespondActivityTaskCompleted", &workflowservice.RespondActivityTaskCompletedRequest{TaskToken: token}, false},
		{"RespondActivityTaskFailed", &workflowservice.RespondActivityTaskFailedRequest{TaskToken: mine}, true},
		{"RespondActivityTaskFailed", &workflowservice.RespondActivityTaskFailedRequest{TaskToken: theirs}, false},
		{"RespondActivityTaskCanceled", &workflowservice.RespondActivityTaskCanceledRequest{TaskToken: mine}, true},
		{"RespondActivityTaskCanceled", &workflowservice.RespondActivityTaskCanceledRequest{}, false},
		{"RecordActivityTaskHeartbeat", &workflowservice.RecordActivityTaskHeartbeatRequest{TaskToken: mine}, true},
		{"RecordActivityTaskHeartbeat", &workflowservice.RecordActivityTaskHeartbeatRequest{TaskToken: append([]byte{0x0a, 1, 'y'}, mine[3:]...)}, false},
		{"RespondActivityTaskCompletedById", &workflowservice.RespondActivityTaskCompletedByIdRequest{WorkflowId: "w", ActivityId: "1"}, false},
		{"RecordWorkerHeartbeat", &workflowservice.RecordWorkerHeartbeatRequest{WorkerHeartbeat: beat("data/a", "host/a")}, true},
		{"RecordWorkerHeartbeat", &workflowservice.RecordWorkerHeartbeatRequest{WorkerHeartbeat: beat("data/a", "data/b")}, false},
		{"ShutdownWorker", &workflowservice.ShutdownWorkerRequest{TaskQueue: "data/a", WorkerHeartbeat: beat("data/a")[0]}, true},
		{"ShutdownWorker", &workflowservice.ShutdownWorkerRequest{TaskQueue: "data/b"}, false},
		{"ShutdownWorker", &workflowservice.ShutdownWorkerRequest{StickyTaskQueue: "x"}, false},
		{"DescribeNamespace", &workflowservice.DescribeNamespaceRequest{Namespace: "clinker"}, true},
		{"GetWorkflowExecutionHistory", &workflowservice.GetWorkflowExecutionHistoryRequest{}, false},
		{"StartWorkflowExecution", &workflowservice.StartWorkflowExecutionRequest{}, false},
		{"ExecuteMultiOperation", &workflowservice.ExecuteMultiOperationRequest{}, false},
		{"SignalWorkflowExecution", &workflowservice.SignalWorkflowExecutionRequest{}, false},
		{"TerminateWorkflowExecution", &workflowservice.TerminateWorkflowExecutionRequest{}, false},
		{"QueryWorkflow", &workflowservice.QueryWorkflowRequest{}, false},
		{"ListWorkers", &workflowservice.ListWorkersRequest{}, false},
		{"SomethingNew", nil, false},
	} {
		require.Equal(t, test.node, m.Allow(node, service+test.method, test.request), "%s %v", test.method, test.request)
		require.False(t, m.Allow(nobody, service+test.method, test.request), test.method)
		require.True(t, m.Allow(control, service+test.method, test.request), test.method)
	}
	require.True(t, m.Allow(nobody, service+"GetSystemInfo", nil))
	require.False(t, m.Allow(node, "/temporal.api.operatorservice.v1.OperatorService/PollActivityTaskQueue", &workflowservice.PollActivityTaskQueueRequest{TaskQueue: queue("data/a")}))
	require.False(t, m.Allow(node, "/temporal.server.api.adminservice.v1.AdminService/StreamWorkflowReplicationMessages", nil))
}

// Temporal reads the token of a task as a message of its own: the mark is a field that it passes over.
func TestMark(t *testing.T) {
	m := Marks{key: []byte("k")}
	token, err := proto.Marshal(wrapperspb.String("the task"))
	require.NoError(t, err)
	marked := m.Mark(Node("a"), token)
	read := new(wrapperspb.StringValue)
	require.NoError(t, proto.Unmarshal(marked, read))
	require.Equal(t, "the task", read.GetValue())
	require.True(t, m.marked(Node("a"), marked))
	require.False(t, m.marked(Node("a", "b"), marked))
	require.False(t, Marks{key: []byte("l")}.marked(Node("a"), marked), "another server's")
	require.Equal(t, token, m.Mark(Caller{Control: true}, token))
	require.Empty(t, m.Mark(Node("a"), nil), "no task, no token")
	for i := range marked {
		spoilt := append([]byte(nil), marked...)
		spoilt[i] ^= 1
		require.False(t, m.marked(Node("a"), spoilt), i)
	}
}

func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", FileName)
	r, err := OpenRegistry(path)
	require.NoError(t, err)
	var group sync.WaitGroup
	tokens := make([]string, 8)
	for i := range tokens {
		group.Go(func() {
			var err error
			tokens[i], err = Create(path, Node("a"))
			require.NoError(t, err)
		})
	}
	group.Wait()
	control, err := Create(path, Caller{Control: true})
	require.NoError(t, err)
	_, err = Create(path, Node("a b"))
	require.Error(t, err)

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, token := range append(tokens, control) {
		require.True(t, strings.HasPrefix(token, tokenPrefix))
		require.NotContains(t, string(text), strings.TrimPrefix(token, tokenPrefix))
	}
	marks := r.Marks()
	r, err = OpenRegistry(path)
	require.NoError(t, err)
	require.Equal(t, marks, r.Marks(), "tasks that nodes have stay theirs over a restart")
	for _, token := range tokens {
		require.Equal(t, Node("a"), r.Find(token))
	}
	require.True(t, r.Find(control).Control)
	for _, bad := range []string{"", tokenPrefix, tokens[0] + "0", tokens[0][1:], hashOf(tokens[0])} {
		require.Equal(t, Caller{}, r.Find(bad), bad)
	}
	fresh, err := Create(path, Node("b"))
	require.NoError(t, err)
	require.Equal(t, Node("b"), r.Find(fresh), "at once")
	last, err := Create(path, Node("a"))
	require.NoError(t, err)
	n, err := Revoke(path, Node("a"), true)
	require.NoError(t, err)
	require.Equal(t, 8, n)
	r.looked = r.looked.Add(-lookEvery)
	require.Equal(t, Caller{}, r.Find(tokens[0]))
	require.Equal(t, Node("a"), r.Find(last))
	n, err = Revoke(path, Node("a"), false)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	r.looked = r.looked.Add(-lookEvery)
	require.Equal(t, Caller{}, r.Find(tokens[0]))
	require.True(t, r.Find(control).Control)

	require.NoError(t, os.Chmod(path, 0o640))
	_, err = OpenRegistry(path)
	require.ErrorContains(t, err, "mode 0640")
	require.NoError(t, os.Remove(path))
	r.looked = r.looked.Add(-lookEvery)
	require.Equal(t, Caller{}, r.Find(control), "without the file nobody is known")
	for _, text := range []string{"", "x", "key zz\n", "key " + strings.Repeat("00", 32) + "\nabc control\n", strings.Repeat("00", 32) + " control\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := OpenRegistry(path)
		require.Error(t, err, text)
	}
}
