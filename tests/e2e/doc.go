// Package e2e holds no code, only the tests of Clinker as a whole: real binaries, real clients, real files, and what an
// operator does when something is away. TestOneProcess is `clinkerd up`; TestApart runs the same parts as processes of
// their own on PostgreSQL; TestOperator breaks a backend's disk and mends it.
//
// The tests of disks mount small file systems and need root; CLINKER_SKIP_ROOT_TESTS=1 leaves them out.
package e2e
