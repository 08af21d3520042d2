// Package activities holds the steps of the flows. Records, Quota and Placement use the catalogue and run in the
// control worker; Volumes and Stats use a driver and run in the storage worker of its node, without a database.
// Each is a struct whose fields are the interfaces that it needs, declared here; each method takes one input and
// returns one result of package flow, is idempotent by the flow's id, and fails with an error that classify.go
// has classed.
package activities
