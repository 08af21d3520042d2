package nodeauth

import (
	"strings"

	"go.temporal.io/api/workflowservice/v1"
)

// service is where the methods are that a node may call at all.
const service = "/temporal.api.workflowservice.v1.WorkflowService/"

// open are asked before a client has said who it is, and tell nothing but that the server is up and what it can.
var open = []string{service + "GetSystemInfo", "/grpc.health.v1.Health/Check"}

// Allow tells whether a caller may make a call. For nodes it is a list of what they may, so that what Temporal learns with its next
// version is refused until somebody has thought about it.
func (m Marks) Allow(c Caller, method string, request any) bool {
	switch {
	case method == open[0] || method == open[1]:
		return true
	case c.Control:
		return true
	case len(c.Hosts) == 0 || !strings.HasPrefix(method, service):
		return false
	}
	switch r := request.(type) {
	case *workflowservice.DescribeNamespaceRequest: // a worker asks whether its namespace is there before it polls
		return r.GetId() == ""
	case *workflowservice.PollActivityTaskQueueRequest:
		return c.serves(r.GetTaskQueue().GetName())
	case *workflowservice.RespondActivityTaskCompletedRequest:
		return m.marked(c, r.GetTaskToken())
	case *workflowservice.RespondActivityTaskFailedRequest:
		return m.marked(c, r.GetTaskToken())
	case *workflowservice.RespondActivityTaskCanceledRequest:
		return m.marked(c, r.GetTaskToken())
	case *workflowservice.RecordActivityTaskHeartbeatRequest:
		return m.marked(c, r.GetTaskToken())
	case *workflowservice.RecordWorkerHeartbeatRequest:
		for _, beat := range r.GetWorkerHeartbeat() {
			if !c.serves(beat.GetTaskQueue()) {
				return false
			}
		}
		return true
	case *workflowservice.ShutdownWorkerRequest:
		beat := r.GetWorkerHeartbeat()
		return r.GetStickyTaskQueue() == "" && (beat == nil || c.serves(beat.GetTaskQueue())) && (r.GetTaskQueue() == "" || c.serves(r.GetTaskQueue()))
	}
	return false
}
