package flow

import (
	"fmt"
	"time"
)

// Update names that a running flow answers to.
const (
	UpdateAccepted = "accepted" // returns the row once it is written, or the refusal
	UpdateRetry    = "retry"    // a held flow tries its failed task again
	UpdateSkip     = "skip"     // a held flow goes on as if the task had succeeded
	UpdateAbort    = "abort"    // a held flow undoes what it did and ends
)

// Search attributes, so that the Web UI can list "all held flows on lvm-1".
const (
	AttrProjectID    = "ProjectId"
	AttrResourceID   = "ResourceId"
	AttrResourceKind = "ResourceKind"
	AttrOperation    = "Operation"
	AttrBackend      = "Backend"
	AttrRequestID    = "RequestId"
	AttrFlowState    = "FlowState"
)

// Attributes lists the search attributes; all are of type Keyword.
func Attributes() []string {
	return []string{AttrProjectID, AttrResourceID, AttrResourceKind, AttrOperation, AttrBackend, AttrRequestID, AttrFlowState}
}

// Header is what every flow knows of the request behind it.
type Header struct {
	FlowID    string `json:"flow_id"`
	RequestID string `json:"request_id"` // req-<uuid>
	ProjectID string `json:"project_id"`
	UserID    string `json:"user_id,omitempty"`
	Admin     bool   `json:"admin,omitempty"`
	// ResourceID is the volume or snapshot that the flow works on.
	ResourceID string `json:"resource_id"`
	// AcceptBy is when the API gives up waiting: EntryCreate after it writes nothing.
	AcceptBy time.Time `json:"accept_by,omitzero"`
	// HoldHours is how long the flow waits for an operator when a task needs one (flow_hold_hours).
	HoldHours int `json:"hold_hours,omitempty"`
	// Summary says in words what the flow does: `create 10 GiB volume db01 of type gold`.
	Summary string `json:"summary"`
	// Tasks are the names of the tasks in order, as the flow record is born with them.
	Tasks []string `json:"tasks,omitempty"`
}

// Kind is the kind of resource that the flow works on.
func (h Header) Kind() string {
	op, _, _, err := ParseID(h.FlowID)
	if err != nil {
		return KindVolume
	}
	return op.Kind()
}

// Start is a flow to be started: what the starter needs of any operation.
type Start struct {
	Operation Operation
	Header    Header
	Kind      string // resource kind: KindVolume, KindSnapshot
	Backend   string // host@backend where it is known beforehand
	Input     any    // VolumeCreateInput ...
}

// Check refuses a start whose ids don't belong together.
func (s Start) Check() error {
	op, res, _, err := ParseID(s.Header.FlowID)
	if err != nil {
		return err
	}
	if op != s.Operation || res != s.Header.ResourceID {
		return fmt.Errorf("flow id %q is not one of %s on %s", s.Header.FlowID, s.Operation, s.Header.ResourceID)
	}
	return nil
}

// Decision is what an operator sends with retry, skip or abort; every field may be empty, so that Temporal's Web UI
// can send the update without arguments.
type Decision struct {
	Reason string `json:"reason,omitempty"`
	User   string `json:"user,omitempty"`
}

// RequestOf tells which request and resource an activity's input belongs to, for the log; every input embeds Header.
func (h Header) RequestOf() (requestID, resourceID string) { return h.RequestID, h.ResourceID }
