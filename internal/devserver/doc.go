// Package devserver runs Temporal, and its Web UI, inside this process.
//
// It is what `clinkerd up` starts when no Temporal address is given: one
// frontend on loopback, everything behind it on ports nobody needs to know,
// and the state in one SQLite file (WAL, synchronous=FULL). Larger sites point
// the same server at PostgreSQL, or run Temporal themselves and never start
// this.
//
// It is the only package that imports go.temporal.io/server, which takes
// minutes to compile and adds 150 MB to a binary. Builds with the tag noembed
// get the same API with a Start that says so.
package devserver
