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

// dataPrefix begins the names of data workers' queues.
const dataPrefix = "data/"

// DataQueue is the task queue of the data workers of a host, which move bytes: copies, backups, restores. A data worker polls that of its own host
// and those of the hosts that its backends are named with, so that "host@backend" is opened where DataQueue(host) is polled.
func DataQueue(host string) string { return dataPrefix + host }

// DataHost returns the host that a data worker's queue belongs to, and whether it is one.
func DataHost(queue string) (host string, ok bool) { return strings.CutPrefix(queue, dataPrefix) }

// HostOf is the host of "host@backend#pool".
func HostOf(pool string) string {
	host, _, _ := strings.Cut(pool, "@")
	return host
}

// SplitHost takes "host@backend#pool" apart: the backend is "host@backend", the pool may be "".
func SplitHost(host string) (backend, pool string) {
	backend, pool, _ = strings.Cut(host, "#")
	return backend, pool
}

// HostQueue is the task queue of the host worker of a compute host, which takes volumes in and hands them to guests.
func HostQueue(host string) string { return "host/" + host }

// QueueHost returns the host whose node serves a queue, and whether it is a node's.
func QueueHost(queue string) (host string, ok bool) {
	kind, rest, _ := strings.Cut(queue, "/")
	switch kind + "/" {
	case dataPrefix, HostQueue(""):
		return rest, rest != ""
	case StorageQueue(""), StatsQueue(""):
		if host, backend, found := strings.Cut(rest, "@"); found && host != "" && backend != "" {
			return host, true
		}
	}
	return "", false
}
