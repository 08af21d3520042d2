// Package engine reaches Temporal for the rest of Clinker: it dials, starts flows, sends operators' decisions, reads
// what only Temporal knows of a flow that runs, and finds the workers. It satisfies the small interfaces that api and
// activities declare.
package engine
