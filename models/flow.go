package models

import (
	"encoding/json"
	"time"
)

// FlowState is where a flow as a whole stands.
type FlowState string

// States of a flow. Only Running and Held are open.
const (
	FlowRunning   FlowState = "RUNNING"
	FlowHeld      FlowState = "HELD"      // waits for an operator: retry, skip or abort
	FlowSuccess   FlowState = "SUCCESS"   // did what was asked
	FlowFailure   FlowState = "FAILURE"   // ended without; the resource says so
	FlowReverted  FlowState = "REVERTED"  // ended without, and everything it did is undone
	FlowAbandoned FlowState = "ABANDONED" // the client was told 503 before the flow had begun; it undoes itself
)

// Open tells whether the flow still has work before it.
func (s FlowState) Open() bool { return s == FlowRunning || s == FlowHeld }

// TaskState is where one task of a flow stands; the words are those of Cinder's flows.
type TaskState string

// States of a task.
const (
	TaskPending  TaskState = "PENDING"
	TaskRunning  TaskState = "RUNNING"
	TaskSuccess  TaskState = "SUCCESS"
	TaskFailure  TaskState = "FAILURE"
	TaskReverted TaskState = "REVERTED"
)

// Task is one step of a flow.
type Task struct {
	Name     string    `json:"name"`
	State    TaskState `json:"state"`
	Attempt  int32     `json:"attempt,omitempty"`
	Started  time.Time `json:"started_at,omitzero"`
	Finished time.Time `json:"finished_at,omitzero"`
	Error    string    `json:"error,omitempty"`
	Hint     string    `json:"hint,omitempty"`
	// Progress is how far a long step is; only while it runs.
	Progress *TaskProgress `json:"progress,omitempty"`
}

// TaskProgress is how far a step is. Done and Total are 0 where only the percentage is known; Rate is bytes a second of late.
type TaskProgress struct {
	Percent     int
	Done, Total Bytes
	Rate        Bytes
}

// SecondsLeft is how long the step will take yet at the rate of late; 0 where that is not known.
func (p TaskProgress) SecondsLeft() int64 {
	if p.Rate <= 0 || p.Done >= p.Total {
		return 0
	}
	return int64((p.Total - p.Done + p.Rate - 1) / p.Rate)
}

// Flow is the record of one operation, kept longer than Temporal keeps its history.
type Flow struct {
	ID           string `gorm:"primaryKey"` // also the Temporal workflow id
	Operation    string // volume-create, volume-delete ...
	ResourceKind string // volume
	ResourceID   string
	ProjectID    string
	RequestID    string
	Backend      string // host@backend once it is known
	Summary      string
	State        FlowState
	FailedTask   string
	Error        string
	Hint         string
	Tasks        []Task `gorm:"serializer:json"`
	// Input is what the workflow was or is to be started with, so that a flow that Temporal lost can be started again.
	Input      json.RawMessage `gorm:"serializer:json"`
	CreatedAt  time.Time       `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt  time.Time       `gorm:"serializer:micros;autoUpdateTime:false"`
	FinishedAt time.Time       `gorm:"serializer:micros"`
	// CheckedAt is when reconcile last looked whether the flow still runs.
	CheckedAt time.Time `gorm:"serializer:micros"`
}
