// Package workflows holds the flows: one workflow an operation that a user asked for, from the request to the
// final state of the resource. A file a flow; what they share is in steps.go (how a step is run), tasks.go (the
// list of tasks that people see), hold.go (waiting for an operator) and saga.go (undoing). Workflows reach
// activities by their names in internal/flow only, so nothing of a database or a driver is linked here.
package workflows
