package flow

import "strings"

// ControlQueue is the task queue of workflows and of the activities that use the database.
const ControlQueue = "control"

// StorageQueue is the task queue of the node that serves a backend; backend is "host@backend".
func StorageQueue(backend string) string { return "storage/" + backend }

// StatsQueue is the queue on which the same node answers for its statistics, with a slot of its own.
func StatsQueue(backend string) string { return "stats/" + backend }

// StatsBackend returns the backend that a statistics queue belongs to, and whether it is one.
func StatsBackend(queue string) (backend string, ok bool) { return strings.CutPrefix(queue, "stats/") }

// SplitHost takes "host@backend#pool" apart: the backend is "host@backend", the pool may be "".
func SplitHost(host string) (backend, pool string) {
	backend, pool, _ = strings.Cut(host, "#")
	return backend, pool
}
