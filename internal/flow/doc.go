// Package flow is the vocabulary that the API, the workflows, the activities and the workers share: operations,
// flow ids, task queues, inputs and results, update names, error types, search attributes. It does no I/O and
// imports models only, so that a package can speak of flows without linking the engine that runs them.
package flow
