// Package pgtest runs a throw-away PostgreSQL for tests: Debian's binaries, a data folder of its own, a free port on
// loopback, no fsync.
//
// Start gives a test a fresh database on a server that all tests of the binary share; New gives it a server of its own, which
// it may stop and start again. Without PostgreSQL tests fail, unless CLINKER_SKIP_POSTGRES is set: a skip must never look
// like a pass.
package pgtest
