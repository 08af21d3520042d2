// Package harness runs Clinker for tests as an operator would: the real binaries, each server a process of its own with
// its own state folder and ports on loopback, spoken to over HTTP.
//
// Up starts `clinkerd up`, everything in one process; Apart starts PostgreSQL, Temporal, the API and the workers as a
// process each. Whatever a test starts is killed, by its process id, at the end of that test, and by the kernel when the
// test's own process dies. A server's log is shown when its test fails.
//
// The binaries are built once, into bin/test of the checkout; CLINKER_TEST_BINARIES names a folder of built ones instead.
package harness
