// Package perf measures a `clinkerd up` on the disk of the temporary folder, durable as it is by default, and prints the
// table that docs/performance.md holds: `make bench`. Timings never fail a test: machines differ, and figures are to be
// read with the machine's, which stand above them.
package perf
