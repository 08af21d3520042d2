// Package nodeauth says what the machines that Clinker runs on may ask of Temporal: the control plane everything, a node to take and
// answer the work of its own queues. The embedded Temporal asks it for each call.
//
// It knows Temporal's API and nothing of its server, so that the rules can be tested without one.
package nodeauth
